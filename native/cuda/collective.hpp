// Sums and prefix sums over the threads of a block; device code. Blocks are of whole warps. The
// order of each sum is fixed.
#ifndef SNMF4J_CUDA_COLLECTIVE_HPP
#define SNMF4J_CUDA_COLLECTIVE_HPP

#include "gpu.hpp"

namespace snmf4j {

template <typename T>
__device__ inline T warp_sum(T x) {
  for (int d = gpu::kWarp / 2; d > 0; d /= 2) x += __shfl_xor_sync(gpu::kAllLanes, x, d);
  return x;
}

// The sum over the block, for every thread of it. `room` is shared memory for one value a warp,
// which may be used again at once.
template <typename T>
__device__ inline T block_sum(T x, T* room) {
  const unsigned lane = threadIdx.x % gpu::kWarp;
  x = warp_sum(x);
  if (lane == 0) room[threadIdx.x / gpu::kWarp] = x;
  __syncthreads();
  const T sum = warp_sum(lane < blockDim.x / gpu::kWarp ? room[lane] : T{0});
  __syncthreads();
  return sum;
}

// The sums over eight lanes of eight values: lane i of them, which is `sub`, gets the i-th.
constexpr int kSumEach = 8;
__device__ inline float sum_each(const float (&values)[kSumEach], int sub) {
  float four[4], two[2];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float keep = (sub & 4) != 0 ? values[i + 4] : values[i];
    const float give = (sub & 4) != 0 ? values[i] : values[i + 4];
    four[i] = keep + __shfl_xor_sync(gpu::kAllLanes, give, 4);
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const float keep = (sub & 2) != 0 ? four[i + 2] : four[i];
    const float give = (sub & 2) != 0 ? four[i] : four[i + 2];
    two[i] = keep + __shfl_xor_sync(gpu::kAllLanes, give, 2);
  }
  const float keep = (sub & 1) != 0 ? two[1] : two[0];
  const float give = (sub & 1) != 0 ? two[0] : two[1];
  return keep + __shfl_xor_sync(gpu::kAllLanes, give, 1);
}

// The sum over the threads before this one; `total` becomes that of all. `room` as above.
template <typename T>
__device__ inline T block_prefix(T x, T* room, T& total) {
  const unsigned lane = threadIdx.x % gpu::kWarp;
  const unsigned warp = threadIdx.x / gpu::kWarp;
  T sum = x;
  for (unsigned d = 1; d < gpu::kWarp; d *= 2) {
    const T other = __shfl_up_sync(gpu::kAllLanes, sum, static_cast<int>(d));
    if (lane >= d) sum += other;
  }
  if (lane == gpu::kWarp - 1) room[warp] = sum;
  __syncthreads();
  const T own = lane < blockDim.x / gpu::kWarp ? room[lane] : T{0};
  total = warp_sum(own);
  const T before = warp_sum(lane < warp ? own : T{0});
  __syncthreads();
  return before + sum - x;
}

}  // namespace snmf4j

#endif
