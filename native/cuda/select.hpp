// The keep-th largest of many keys, found by a block; device code.
#ifndef SNMF4J_CUDA_SELECT_HPP
#define SNMF4J_CUDA_SELECT_HPP

#include "collective.hpp"

namespace snmf4j {

// Keys are looked at some bits at a time, from the highest on.
constexpr int kSelectBits = 11;
constexpr int kSelectBins = 1 << kSelectBits;

// Shared memory of a selection.
struct SelectRoom {
  int bins[kSelectBins];
  int sums[gpu::kWarp];
  int bin, rest;
};

// What orders magnitudes as unsigned integers do.
__device__ inline unsigned magnitude_key(float x) { return __float_as_uint(x) & 0x7fffffffu; }

// The keep-th largest of the keys load(0) … load(size - 1), of `bits` bits each. Threads of a block
// number a power of two, up to kSelectBins; all of them call this.
template <typename Key, typename Load>
__device__ inline Key kth_largest(int size, int keep, int bits, const Load& load,
                                  SelectRoom& room) {
  const int threads = static_cast<int>(blockDim.x);
  const int t = static_cast<int>(threadIdx.x);
  const int each = kSelectBins / threads;
  Key prefix = 0;  // the highest bits of the one that is looked for
  Key known = 0;   // those bits
  int rest = keep;
  for (int left = bits; left > 0;) {
    const int taken = left < kSelectBits ? left : kSelectBits;
    left -= taken;
    for (int b = t; b < kSelectBins; b += threads) room.bins[b] = 0;
    __syncthreads();
    for (int i = t; i < size; i += threads) {
      const Key key = load(i);
      if ((key & known) == prefix) {
        atomicAdd(&room.bins[static_cast<int>(key >> left) & (kSelectBins - 1) & ((1 << taken) - 1)],
                  1);
      }
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
    }
    __syncthreads();
    prefix |= static_cast<Key>(room.bin) << left;
    known |= static_cast<Key>((1 << taken) - 1) << left;
    rest = room.rest;
  }
  return prefix;
}

}  // namespace snmf4j

#endif
