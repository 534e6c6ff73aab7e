#include "twin/block.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "snmf4j/operations.h"
#include "status.hpp"
#include "twin/fiber.hpp"

namespace snmf4j::twin {

Index threadIdx, blockIdx, blockDim, gridDim;

namespace {

constexpr unsigned kWarpSize = 32;
constexpr unsigned kMostThreads = 1024;

enum class At { kTurn, kBlock, kWarp, kEnd };

// The threads of the block that runs on this thread of the host.
class Block {
 public:
  void run(unsigned threads, std::size_t shared_bytes, const std::function<void()>& kernel) {
    prepare(threads, shared_bytes);
    kernel_ = &kernel;
    for (unsigned t = 0; t < threads; t++) {
      fibers_[t]->prepare([](void* block) { (*static_cast<Block*>(block)->kernel_)(); }, this);
    }
    for (;;) {
      for (unsigned t : ready_) {
        current_ = t;
        threadIdx = {t, 0, 0};
        if (!fibers_[t]->resume()) {
          at_[t] = At::kEnd;
          alive_--;
          warps_[t / kWarpSize].alive--;
        }
      }
      if (alive_ == 0) return;
      if (!release()) throw Error(SNMF4J_INTERNAL, "threads of a block wait at different barriers");
    }
  }

  void meet(At barrier) {
    at_[current_] = barrier;
    (barrier == At::kBlock ? waiting_ : warps_[current_ / kWarpSize].waiting)++;
    fibers_[current_]->yield();
  }

  void count(bool predicate) { votes_[current_] = predicate; }
  int counted() const {
    return static_cast<int>(std::count(votes_.begin(), votes_.end(), char{1}));
  }

  // Two exchanges of a warp may be under way: some lanes have not read the last one yet.
  uint64_t* slot(unsigned lane) {
    const unsigned warp = current_ / kWarpSize;
    return &slots_[((warp * 2 + rounds_[current_] % 2) * kWarpSize) + lane];
  }
  void next_round() { rounds_[current_]++; }
  unsigned current() const { return current_; }
  unsigned lanes() const {
    const auto threads = static_cast<unsigned>(order_.size());
    return std::min(kWarpSize, threads - current_ / kWarpSize * kWarpSize);
  }

  void* shared() { return shared_.get(); }

 private:
  void prepare(unsigned threads, std::size_t shared_bytes) {
    if (threads == 0 || threads > kMostThreads) {
      throw Error(SNMF4J_INTERNAL, "a block has between 1 and 1024 threads");
    }
    while (fibers_.size() < threads) fibers_.push_back(std::make_unique<Fiber>());
    at_.assign(threads, At::kTurn);
    alive_ = threads;
    waiting_ = 0;
    warps_.assign((threads + kWarpSize - 1) / kWarpSize, Warp{});
    for (unsigned t = 0; t < threads; t++) warps_[t / kWarpSize].alive++;
    votes_.assign(threads, 0);
    rounds_.assign(threads, 0);
    slots_.assign((threads / kWarpSize + 1) * 2 * kWarpSize, 0);
    order_.resize(threads);
    std::iota(order_.begin(), order_.end(), 0u);
    const char* order = std::getenv("SNMF4J_TWIN_ORDER");
    if (order != nullptr && std::string(order) == "reverse") {
      std::reverse(order_.begin(), order_.end());
    } else if (order != nullptr && std::atoi(order) > 0) {
      std::shuffle(order_.begin(), order_.end(), std::minstd_rand(std::atoi(order)));
    }
    ready_ = order_;
    // Exactly as large as asked for, so that a sanitizer sees what lies beyond; filled, because
    // what a block finds there on a device is what the last one left.
    shared_.reset(static_cast<unsigned char*>(
        std::aligned_alloc(128, (shared_bytes + 127) / 128 * 128 + (shared_bytes == 0 ? 128 : 0))));
    if (shared_ == nullptr) throw std::bad_alloc();
    std::memset(shared_.get(), 0xff, shared_bytes);
  }

  // Makes those ready who have all met; false if nobody has.
  bool release() {
    bool any = false;
    for (Warp& warp : warps_) {
      warp.goes_on = warp.waiting > 0 && warp.waiting == warp.alive;
      if (warp.goes_on) warp.waiting = 0;
      any = any || warp.goes_on;
    }
    const bool all = !any && waiting_ == alive_;
    if (all) waiting_ = 0;
    ready_.clear();
    for (unsigned t : order_) {
      if (at_[t] == At::kWarp ? warps_[t / kWarpSize].goes_on : all && at_[t] == At::kBlock) {
        at_[t] = At::kTurn;
        ready_.push_back(t);
      }
    }
    return any || all;
  }

  // Of its threads, how many have not ended, and how many of these wait for each other.
  struct Warp {
    unsigned alive = 0;
    unsigned waiting = 0;
    bool goes_on = false;
  };

  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };

  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<At> at_;
  std::vector<char> votes_;
  std::vector<unsigned> rounds_;
  std::vector<uint64_t> slots_;
  std::vector<unsigned> order_;  // of all threads
  std::vector<unsigned> ready_;  // whose turn it is
  std::vector<Warp> warps_;
  unsigned alive_ = 0;    // threads that have not ended
  unsigned waiting_ = 0;  // of them at the block's barrier
  std::unique_ptr<unsigned char, Free> shared_;
  unsigned current_ = 0;
};

Block& block() {
  // Never destroyed: a thread may be in the middle of a launch when the process ends.
  static Block& instance = *new Block;
  return instance;
}

std::mutex launches;

}  // namespace

void run(Index grid, unsigned threads, std::size_t shared_bytes,
         const std::function<void()>& kernel) {
  const std::lock_guard<std::mutex> alone(launches);
  gridDim = grid;
  blockDim = {threads, 1, 1};
  for (unsigned y = 0; y < grid.y; y++) {
    for (unsigned x = 0; x < grid.x; x++) {
      blockIdx = {x, y, 0};
      block().run(threads, shared_bytes, kernel);
    }
  }
}

void* shared_room() { return block().shared(); }

void meet_block() { block().meet(At::kBlock); }

void meet_warp() { block().meet(At::kWarp); }

int count_block(bool predicate) {
  block().count(predicate);
  meet_block();
  const int result = block().counted();
  meet_block();
  return result;
}

void leave(const void* value, std::size_t bytes) {
  std::memcpy(block().slot(block().current() % kWarpSize), value, bytes);
}

void take(void* value, std::size_t bytes, int lane) {
  std::memcpy(value, block().slot(static_cast<unsigned>(lane) % kWarpSize), bytes);
  block().next_round();
}

unsigned ballot(bool predicate) {
  const uint64_t vote = predicate ? 1 : 0;
  leave(&vote, sizeof vote);
  meet_warp();
  unsigned result = 0;
  for (unsigned lane = 0; lane < block().lanes(); lane++) {
    if (*block().slot(lane) != 0) result |= 1u << lane;
  }
  block().next_round();
  return result;
}

}  // namespace snmf4j::twin
