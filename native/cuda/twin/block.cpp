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

// The threads of the block that runs on this thread of the host.
//
// A warp goes on until all of its threads that have not ended are at the block's barrier, then the
// next one does: its stacks stay in the cache. A thread at a barrier hands over to the next one of
// its warp; run_warp() is only come back to when one ends, or none of them can go on.
class Block {
 public:
  // For launches with so many threads.
  void prepare(unsigned threads) {
    if (threads == 0 || threads > kMostThreads) {
      throw Error(SNMF4J_INTERNAL, "a block has between 1 and 1024 threads");
    }
    while (fibers_.size() < threads) fibers_.push_back(std::make_unique<Fiber>());
    votes_.assign(threads, 0);
    warps_.resize((threads + kWarpSize - 1) / kWarpSize);
    std::vector<unsigned> order(threads);
    std::iota(order.begin(), order.end(), 0u);
    const char* wanted = std::getenv("SNMF4J_TWIN_ORDER");
    if (wanted != nullptr && std::string(wanted) == "reverse") {
      std::reverse(order.begin(), order.end());
    } else if (wanted != nullptr && std::atoi(wanted) > 0) {
      std::shuffle(order.begin(), order.end(), std::minstd_rand(std::atoi(wanted)));
    }
    for (Warp& warp : warps_) warp.order.clear();
    turns_.clear();
    for (unsigned t : order) {
      Warp& warp = warps_[t / kWarpSize];
      if (warp.order.empty()) turns_.push_back(&warp);
      warp.order.push_back(t);
    }
  }

  void run(std::size_t shared_bytes, const std::function<void()>& kernel) {
    kernel_ = &kernel;
    share(shared_bytes);
    std::fill(votes_.begin(), votes_.end(), char{0});
    alive_ = 0;
    for (Warp& warp : warps_) {
      warp.begin();
      alive_ += warp.alive;
      for (unsigned t : warp.order) {
        fibers_[t]->prepare([](void* block) { static_cast<Block*>(block)->run_thread(); }, this);
      }
    }
    for (;;) {
      waiting_ = 0;
      for (Warp* warp : turns_) run_warp(*warp);
      if (alive_ == 0) return;
      if (waiting_ != alive_) {
        throw Error(SNMF4J_INTERNAL, "threads of a block wait at different barriers");
      }
    }
  }

  void meet_block() {
    waiting_++;
    rest();
  }

  void meet_warp() {
    warp_->waiting++;
    rest();
  }

  void count(bool predicate) { votes_[current_] = predicate; }
  int counted() const {
    return static_cast<int>(std::count(votes_.begin(), votes_.end(), char{1}));
  }

  // Two exchanges of a warp may be under way: some lanes have not read the last one yet.
  uint64_t* slots() { return warp_->slots[warp_->rounds[current_ % kWarpSize] % 2]; }
  void next_round() { warp_->rounds[current_ % kWarpSize]++; }
  unsigned lane() const { return current_ % kWarpSize; }
  unsigned lanes() const { return static_cast<unsigned>(warp_->order.size()); }

  void* shared() { return shared_.get(); }

 private:
  struct Warp {
    std::vector<unsigned> order;  // its threads as they take turns
    std::vector<unsigned> ready;  // those that have not ended
    std::size_t next = 0;         // of `ready`, whose turn it is
    unsigned alive = 0;           // that have not ended, with what has happened since `ready`
    unsigned waiting = 0;         // of them, those at the warp's barrier
    uint64_t slots[2][kWarpSize];
    unsigned rounds[kWarpSize];

    void begin() {
      ready = order;
      next = 0;
      alive = static_cast<unsigned>(order.size());
      waiting = 0;
      std::memset(slots, 0, sizeof slots);
      std::memset(rounds, 0, sizeof rounds);
    }
    bool meets() const { return waiting > 0 && waiting == alive; }
  };

  void run_warp(Warp& warp) {
    warp_ = &warp;
    // They were all at the block's barrier, or this is where they begin.
    warp.next = 0;
    for (;;) {
      while (warp.next < warp.ready.size()) {
        if (!begin_turn().resume()) ended_ = true;
      }
      if (ended_) {
        ended_ = false;
        warp.ready.clear();
        for (unsigned t : warp.order) {
          if (fibers_[t]->runs()) warp.ready.push_back(t);
        }
      }
      if (!warp.meets()) return;
      warp.waiting = 0;
      warp.next = 0;
    }
  }

  Fiber& begin_turn() {
    current_ = warp_->ready[warp_->next++];
    threadIdx.x = current_;
    return *fibers_[current_];
  }

  void run_thread() {
    (*kernel_)();
    alive_--;
    warp_->alive--;
  }

  // A thread at a barrier: others of its warp go on.
  void rest() {
    Warp& warp = *warp_;
    Fiber& own = *fibers_[current_];
    if (warp.next == warp.ready.size()) {
      // Who has ended must not have another turn.
      if (ended_ || !warp.meets()) {
        own.yield();
        return;
      }
      warp.waiting = 0;
      warp.next = 0;
    }
    Fiber& other = begin_turn();
    if (&other != &own) own.hand_over(other);
  }

  // Exactly as large as asked for, so that a sanitizer sees what lies beyond; filled, because what
  // a block finds there on a device is what the last one left.
  void share(std::size_t bytes) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 128, std::max<std::size_t>(bytes, 1)) != 0) throw std::bad_alloc();
    shared_.reset(static_cast<unsigned char*>(memory));
    std::memset(shared_.get(), 0xff, bytes);
  }

  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };

  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<char> votes_;
  std::vector<Warp> warps_;
  std::vector<Warp*> turns_;  // of the warps
  Warp* warp_ = nullptr;      // whose turn it is
  unsigned alive_ = 0;        // threads that have not ended
  unsigned waiting_ = 0;      // of them at the block's barrier
  bool ended_ = false;        // one of the warp has, and is in its `ready` still
  std::unique_ptr<unsigned char, Free> shared_;
  unsigned current_ = 0;
};

// Never destroyed: a thread may be in the middle of a launch when the process ends.
Block& block = *new Block;

std::mutex launches;

}  // namespace

void run(Index grid, unsigned threads, std::size_t shared_bytes,
         const std::function<void()>& kernel) {
  const std::lock_guard<std::mutex> alone(launches);
  gridDim = grid;
  blockDim = {threads, 1, 1};
  threadIdx = {0, 0, 0};
  block.prepare(threads);
  for (unsigned y = 0; y < grid.y; y++) {
    for (unsigned x = 0; x < grid.x; x++) {
      blockIdx = {x, y, 0};
      block.run(shared_bytes, kernel);
    }
  }
}

void* shared_room() { return block.shared(); }

void meet_block() { block.meet_block(); }

void meet_warp() { block.meet_warp(); }

int count_block(bool predicate) {
  block.count(predicate);
  meet_block();
  const int result = block.counted();
  meet_block();
  return result;
}

uint64_t exchange_bits(uint64_t bits, int lane) {
  uint64_t* const slots = block.slots();
  slots[block.lane()] = bits;
  block.meet_warp();
  block.next_round();
  return slots[static_cast<unsigned>(lane) % kWarpSize];
}

unsigned ballot(bool predicate) {
  uint64_t* const slots = block.slots();
  slots[block.lane()] = predicate ? 1 : 0;
  block.meet_warp();
  unsigned result = 0;
  for (unsigned lane = 0; lane < block.lanes(); lane++) {
    if (slots[lane] != 0) result |= 1u << lane;
  }
  block.next_round();
  return result;
}

}  // namespace snmf4j::twin
