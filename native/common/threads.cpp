#include "threads.hpp"

namespace snmf4j {

ThreadPool::ThreadPool(int threads) : size_(threads) {
  try {
    for (int worker = 1; worker < threads; worker++) {
      threads_.emplace_back([this, worker] { loop(worker); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() noexcept {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ThreadPool::run(const std::function<void(int)>& task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    task_ = &task;
    failure_ = nullptr;
    running_ = size_ - 1;
    round_++;
  }
  start_.notify_all();
  execute(0);
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
  task_ = nullptr;
  if (failure_) {
    std::exception_ptr failure = failure_;
    failure_ = nullptr;
    std::rethrow_exception(failure);
  }
}

void ThreadPool::loop(int worker) {
  uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      start_.wait(lock, [&] { return stopping_ || round_ != seen; });
      if (stopping_) return;
      seen = round_;
    }
    execute(worker);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      running_--;
    }
    done_.notify_one();
  }
}

void ThreadPool::execute(int worker) noexcept {
  try {
    (*task_)(worker);
  } catch (...) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace snmf4j
