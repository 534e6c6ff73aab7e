// The keep-th largest of many keys, found by a block; device code.
#ifndef SNMF4J_CUDA_SELECT_HPP
#define SNMF4J_CUDA_SELECT_HPP

#include "collective.hpp"

namespace snmf4j {

// Keys are looked at so many bits at a time, from the highest on.
constexpr int kSelectBits = 11;
constexpr int kSelectBins = 1 << kSelectBits;

// Shared memory of a selection.
struct SelectRoom {
  int bins[kSelectBins];
  int sums[gpu::kWarp];
  int bin, rest, count;
};

// What orders magnitudes as unsigned integers do, of 31 and of 63 bits.
__device__ inline unsigned magnitude_key(float x) { return __float_as_uint(x) & 0x7fffffffu; }
__device__ inline uint64_t magnitude_key(double x) {
  return static_cast<uint64_t>(__double_as_longlong(x)) & 0x7fffffffffffffffu;
}

// Of keys above the bound all belong to the largest, and of those that equal it the first `ties`.
template <typename Key>
struct Selected {
  Key bound;
  int ties;
};
constexpr int kAllTies = INT32_MAX;

// The keep largest of the keys load(0) … load(size - 1), which have `bits` bits; load(i) is called
// by the thread that i is modulo the block's size. Threads of a block number a power of two, up to
// kSelectBins; all of them call this. With `passes` less than it takes, the bound may be lower than
// the keep-th largest.
template <typename Key, typename Load>
__device__ inline Selected<Key> select_largest(int size, int keep, int bits, int passes,
                                               const Load& load, SelectRoom& room) {
  const auto threads = static_cast<int>(blockDim.x);
  const auto t = static_cast<int>(threadIdx.x);
  const int each = kSelectBins / threads;
  Key prefix = 0;  // the highest bits of the one that is looked for
  Key known = 0;   // those bits
  int rest = keep;
  int left = bits;
  for (int pass = 0; pass < passes && left > 0; pass++) {
    const int taken = left < kSelectBits ? left : kSelectBits;
    left -= taken;
    const Key mask = (Key{1} << taken) - 1;
    for (int b = t; b < kSelectBins; b += threads) room.bins[b] = 0;
    __syncthreads();
    // Unsigned: the step after the last may be beyond the largest int.
    for (unsigned i = threadIdx.x; i < static_cast<unsigned>(size); i += blockDim.x) {
      const Key key = load(static_cast<int>(i));
      if ((key & known) == prefix) atomicAdd(&room.bins[static_cast<int>(key >> left & mask)], 1);
    }
    __syncthreads();
    // Of each thread, `each` bins, from the highest one down.
    const int top = kSelectBins - 1 - t * each;
    int own = 0;
    for (int b = 0; b < each; b++) own += room.bins[top - b];
    int total = 0;
    int before = block_prefix(own, room.sums, total);
    if (before < rest && rest <= before + own) {
      int b = 0;
      while (before + room.bins[top - b] < rest) before += room.bins[top - b++];
      room.bin = top - b;
      room.rest = rest - before;
      room.count = room.bins[top - b];
    }
    __syncthreads();
    prefix |= static_cast<Key>(room.bin) << left;
    known |= mask << left;
    rest = room.rest;
    // All that begin so belong to the largest.
    if (rest == room.count) return {prefix, kAllTies};
  }
  return {prefix, left > 0 ? kAllTies : rest};
}

// As many passes as keys have bits.
constexpr int kAllPasses = 64;

}  // namespace snmf4j

#endif
