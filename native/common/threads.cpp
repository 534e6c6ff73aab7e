#include "threads.hpp"

#include <chrono>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace snmf4j {
namespace {

// How long a thread looks for work, or for the others to be done, before it sleeps. A fit calls
// kernels of less than a millisecond one after the other, and waking a thread takes up to a tenth
// of one; a sleeping core takes longest.
constexpr std::chrono::microseconds kPatience{100};

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The processor that this thread runs on; -1 if that cannot be told.
inline int processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Moves this thread, which the system may have woken beside the one that it works for, to another
// processor: they would run by turns until the system's load balancing comes round, which takes many
// kernels. Where the thread may run is the same afterwards.
inline void leave(int taken) {
#if defined(__linux__)
  if (taken < 0 || sched_getcpu() != taken) return;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(taken, &others);
  // Fails, and changes nothing, if there are no others.
  if (sched_setaffinity(0, sizeof others, &others) == 0) {
    sched_setaffinity(0, sizeof allowed, &allowed);
  }
#else
  static_cast<void>(taken);
#endif
}

// Waits, awake, for `happened`; says whether it did in time.
template <typename Event>
bool watch(const Event& happened) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < 32; i++) {
      if (happened()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : size_(threads),
      // Threads that have to share a processor would keep it from each other.
      watches_(static_cast<unsigned>(threads) <= std::thread::hardware_concurrency()) {
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
    caller_ = processor();
    round_++;
  }
  start_.notify_all();
  execute(0);
  const auto done = [this] { return running_ == 0; };
  if (!watches_ || !watch(done)) {
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
  }
  task_ = nullptr;
  if (failure_) {
    std::exception_ptr failure = failure_;
    failure_ = nullptr;
    std::rethrow_exception(failure);
  }
}

void ThreadPool::loop(int worker) {
  uint64_t seen = 0;
  const auto called = [&] { return stopping_ || round_ != seen; };
  while (true) {
    if (!watches_ || !watch(called)) {
      std::unique_lock<std::mutex> lock(mutex_);
      start_.wait(lock, called);
    }
    if (stopping_) return;
    seen = round_;
    if (watches_) leave(caller_);
    execute(worker);
    if (--running_ == 0) {
      // Not between the caller's look at `running_` and its sleep.
      std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
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
