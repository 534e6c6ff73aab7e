// Sparse products where a row of A is used hardly more than once: nobody shares it, so that each
// warp loads the rows of one feature for one tile of 64 tokens, as they are needed, into registers.
// Half of the warp takes every second nonzero, each lane four tokens. Neighbouring warps have the
// same tile, whose rows the second cache keeps meanwhile.
//
// Cost, n tokens: per nonzero and tile a row's 256 bytes (128 for 16 bits) from the second cache.
#include "gather.hpp"

#include "stored.hpp"

namespace snmf4j {
namespace {

constexpr int kWarps = 4;
constexpr int kBlocks = 6;  // of a multiprocessor, for which the registers are to suffice
constexpr int kHalf = gpu::kWarp / 2;
// Rows that a lane asks for before it uses them.
constexpr int kAhead = 8;

__device__ inline float4 load_four(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}
template <typename Element>
__device__ inline uint2 load_four(const Element* from) {
  return *reinterpret_cast<const uint2*>(from);
}

template <typename Element>
__global__ void __launch_bounds__(kWarps* gpu::kWarp, kBlocks)
    gather_rows(const Element* a, PanelShape a_shape, SparseColumns columns, float* p,
                PanelShape p_shape) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int half = lane / kHalf;
  const int token = lane % kHalf * 4;
  const int groups = (columns.rank + kWarps - 1) / kWarps;
  const int64_t tile = blockIdx.x / static_cast<unsigned>(groups);
  const int j = static_cast<int>(blockIdx.x % static_cast<unsigned>(groups)) * kWarps + warp;
  if (j >= columns.rank) return;
  const Element* rows = a + a_shape.tile_offset(tile) + token;
  // Narrow, for products that take fewer registers.
  const auto width = static_cast<int>(a_shape.width);
  const int64_t end = columns.start[j + 1];
  float4 sum = make_float4(0, 0, 0, 0);
  int64_t first = columns.start[j];
  // Lanes beyond the last nonzero repeat it, as nothing.
  const auto entry = [&](int64_t from, int32_t& neuron, float& value) {
    const int64_t e = from + lane;
    neuron = from < end ? columns.index[min(e, end - 1)] : 0;
    value = e < end ? columns.value[e] : 0;
  };
  int32_t next_neuron;
  float next_value;
  entry(first, next_neuron, next_value);
  for (; first < end; first += gpu::kWarp) {
    const int32_t neuron = next_neuron;
    const float value = next_value;
    entry(first + gpu::kWarp, next_neuron, next_value);
#pragma unroll 1
    for (int some = 0; some < kHalf; some += kAhead) {
      if (first + 2 * some >= end) break;
      decltype(load_four(rows)) row[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; i++) {
        const int at = __shfl_sync(gpu::kAllLanes, neuron, 2 * (some + i) + half);
        row[i] = load_four(rows + static_cast<int64_t>(at) * width);
      }
#pragma unroll
      for (int i = 0; i < kAhead; i++) {
        const float z = __shfl_sync(gpu::kAllLanes, value, 2 * (some + i) + half);
        const float4 x = widen_four<Element>(row[i]);
        sum.x += z * x.x;
        sum.y += z * x.y;
        sum.z += z * x.z;
        sum.w += z * x.w;
      }
    }
  }
  sum.x += __shfl_xor_sync(gpu::kAllLanes, sum.x, kHalf);
  sum.y += __shfl_xor_sync(gpu::kAllLanes, sum.y, kHalf);
  sum.z += __shfl_xor_sync(gpu::kAllLanes, sum.z, kHalf);
  sum.w += __shfl_xor_sync(gpu::kAllLanes, sum.w, kHalf);
  if (half != 0) return;
  *reinterpret_cast<float4*>(p + p_shape.tile_offset(tile) + j * p_shape.width + token) = sum;
}

}  // namespace

void gather(snmf4j_context& context, int type, const Slab& slab, const SparseColumns& columns,
            float* p) {
  PanelShape p_shape = slab.shape;
  p_shape.rows = columns.rank;
  const int64_t blocks = slab.shape.tiles() * ((columns.rank + kWarps - 1) / kWarps);
  with_element(type, [&](auto element) {
    using Element = decltype(element);
    gpu::launch(context.stream, {static_cast<unsigned>(blocks), kWarps * gpu::kWarp},
                gather_rows<Element>, static_cast<const Element*>(slab.data), slab.shape, columns,
                p, p_shape);
  });
}

}  // namespace snmf4j
