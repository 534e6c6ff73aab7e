// Sums over the threads of a warp or a block, always in the same order.
#ifndef SNMF4J_CUDA_REDUCE_CUH
#define SNMF4J_CUDA_REDUCE_CUH

#include "gpu.hpp"

namespace snmf4j {

// All lanes receive it, and all have to take part.
template <typename T>
__device__ inline T warp_sum(T value) {
  for (int distance = gpu::kWarp / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(gpu::kAllLanes, value, distance);
  }
  return value;
}

// Thread 0 receives it; all threads of whole warps have to take part. `room` holds a value a warp.
template <typename T>
__device__ inline T block_sum(T value, T* room) {
  value = warp_sum(value);
  __syncthreads();
  if (threadIdx.x % gpu::kWarp == 0) room[threadIdx.x / gpu::kWarp] = value;
  __syncthreads();
  T total = 0;
  if (threadIdx.x == 0) {
    for (unsigned w = 0; w < blockDim.x / gpu::kWarp; w++) total += room[w];
  }
  return total;
}

}  // namespace snmf4j

#endif
