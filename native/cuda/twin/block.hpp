// Runs a grid's blocks one after the other, and a block's threads in turn: each is a fiber that
// goes on until it meets the others at a barrier. The kernels' source is the device's own.
//
// The order in which the warps of a block, and the threads of a warp, take their turns is
// SNMF4J_TWIN_ORDER: "forward" (the default), "reverse", or a number that seeds a shuffle. A result
// that depends on it means that a barrier is missing.
#ifndef SNMF4J_CUDA_TWIN_BLOCK_HPP
#define SNMF4J_CUDA_TWIN_BLOCK_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

namespace snmf4j::twin {

struct Index {
  unsigned x, y, z;
};

// One launch runs at a time, whoever makes it, so that all this is there only once: what belongs to
// a thread of the host is reached slowly from within a library.
extern Index threadIdx, blockIdx, blockDim, gridDim;

// Runs `kernel` once per thread. Throws INTERNAL if threads wait for ones that wait elsewhere.
void run(Index grid, unsigned threads, std::size_t shared_bytes,
         const std::function<void()>& kernel);

// The block's shared memory.
void* shared_room();

// All threads of the block, or of the warp, that have not ended.
void meet_block();
void meet_warp();
int count_block(bool predicate);
unsigned ballot(bool predicate);

// What that lane of the warp gives.
uint64_t exchange_bits(uint64_t bits, int lane);

template <typename T>
T exchange(T value, int lane) {
  static_assert(sizeof(T) <= 8, "lanes exchange eight bytes at most");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange_bits(bits, lane);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace snmf4j::twin

#endif
