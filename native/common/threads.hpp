// Threads that share work in fixed ranges.
#ifndef SNMF4J_COMMON_THREADS_HPP
#define SNMF4J_COMMON_THREADS_HPP

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace snmf4j {

class ThreadPool {
 public:
  // Starts threads - 1 threads; the caller of run() is the first.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  // Calls task(worker) once per worker and waits for all of them, then rethrows the first failure.
  void run(const std::function<void(int)>& task);

  // Calls work(worker, from, to) with the items cut into equal ranges.
  template <typename Work>
  void ranges(int64_t items, Work work) {
    run([&](int worker) {
      const int64_t from = bound(items, worker);
      const int64_t to = bound(items, worker + 1);
      if (from < to) work(worker, from, to);
    });
  }

  // Where a worker's range of the items begins.
  int64_t bound(int64_t items, int worker) const {
    return items / size_ * worker + items % size_ * worker / size_;
  }

 private:
  void loop(int worker);
  void stop() noexcept;
  void execute(int worker) noexcept;

  const int size_;
  const bool watches_;  // for a while before sleeping
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  const std::function<void(int)>* task_ = nullptr;
  std::atomic<int> caller_{-1};     // processor of who called run()
  std::atomic<uint64_t> round_{0};  // publishes task_
  std::atomic<int> running_{0};     // publishes what the workers did, failure_ too
  std::atomic<bool> stopping_{false};
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace snmf4j

#endif
