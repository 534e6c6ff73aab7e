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
      at_[t] = At::kTurn;
      fibers_[t]->prepare([](void* block) { (*static_cast<Block*>(block)->kernel_)(); }, this);
    }
    for (;;) {
      bool any = false;
      for (unsigned t : order_) {
        if (at_[t] != At::kTurn) continue;
        any = true;
        current_ = t;
        threadIdx = {t, 0, 0};
        if (!fibers_[t]->resume()) at_[t] = At::kEnd;
      }
      if (all(At::kEnd, 0, threads)) return;
      if (!release() && !any) {
        throw Error(SNMF4J_INTERNAL, "threads of a block wait at different barriers");
      }
    }
  }

  void meet(At barrier) {
    at_[current_] = barrier;
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
    at_.assign(threads, At::kEnd);
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
    // Exactly as large as asked for, so that a sanitizer sees what lies beyond; filled, because
    // what a block finds there on a device is what the last one left.
    shared_.reset(static_cast<unsigned char*>(
        std::aligned_alloc(128, (shared_bytes + 127) / 128 * 128 + (shared_bytes == 0 ? 128 : 0))));
    if (shared_ == nullptr) throw std::bad_alloc();
    std::memset(shared_.get(), 0xff, shared_bytes);
  }

  bool all(At barrier, unsigned from, unsigned to) const {
    return std::all_of(at_.begin() + from, at_.begin() + to,
                       [&](At at) { return at == barrier || at == At::kEnd; });
  }

  // Lets those go on who have all met; false if nobody has.
  bool release() {
    const auto threads = static_cast<unsigned>(at_.size());
    bool any = false;
    for (unsigned from = 0; from < threads; from += kWarpSize) {
      const unsigned to = std::min(from + kWarpSize, threads);
      if (all(At::kWarp, from, to) && !all(At::kEnd, from, to)) {
        go_on(At::kWarp, from, to);
        any = true;
      }
    }
    if (!any && all(At::kBlock, 0, threads)) {
      go_on(At::kBlock, 0, threads);
      any = true;
    }
    return any;
  }

  void go_on(At barrier, unsigned from, unsigned to) {
    for (unsigned t = from; t < to; t++) {
      if (at_[t] == barrier) at_[t] = At::kTurn;
    }
  }

  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };

  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<At> at_;
  std::vector<char> votes_;
  std::vector<unsigned> rounds_;
  std::vector<uint64_t> slots_;
  std::vector<unsigned> order_;
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
