// C on the support of Z. A block has the coefficients of a tile of 64 tokens in shared memory; its
// warps take nonzeros, eight lanes each, in the order of the neurons, so that neighbours share the
// row of A that they load. So A is read once, of its rows those that Z uses, and nothing waits for
// a barrier meanwhile.
//
// Cost: A's used rows from memory, and per nonzero and tile two words of 128 bytes from shared
// memory, one for the row and two for the sum over lanes. 14336 x 100000, k = 400, density 0.01:
// no less than 1.4 ms; an H200 takes 2.
#include <algorithm>

#include "collective.hpp"
#include "stored.hpp"
#include "support.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 320;
constexpr int kWarps = kThreads / gpu::kWarp;
// Lanes that share a nonzero; each has two times four tokens.
constexpr int kLanes = kSumEach;
// Rows that a lane loads before it uses them.
constexpr int kAhead = 4;
// Fewest batches of a warp, or loading Y is not worth it.
constexpr int64_t kFewestBatches = 2;
// So many rounds of blocks keep all multiprocessors busy to the end.
constexpr int64_t kRounds = 4;
// Most bytes for the sums of the slices.
constexpr int64_t kSumBytes = int64_t{128} << 20;
// Of the final sums: threads of a nonzero.
constexpr int kFinal = 8;
constexpr int kFinalThreads = 256;

// Four elements at two places, as they are stored.
struct Elements {
  float4 low, high;
};

__device__ inline void load_eight(const float* from, Elements& to) {
  to.low = *reinterpret_cast<const float4*>(from);
  to.high = *reinterpret_cast<const float4*>(from + kTile / 2);
}

struct Words {
  uint2 low, high;
};

__device__ inline void load_eight(const uint16_t* from, Words& to) {
  to.low = *reinterpret_cast<const uint2*>(from);
  to.high = *reinterpret_cast<const uint2*>(from + kTile / 2);
}

template <typename Element>
struct Loaded {
  using Type = Words;
  static __device__ const uint16_t* bits(const Element* from) {
    return reinterpret_cast<const uint16_t*>(from);
  }
};
template <>
struct Loaded<float> {
  using Type = Elements;
  static __device__ const float* bits(const float* from) { return from; }
};

__device__ inline float product(float4 x, float4 y, float sum) {
  sum += x.x * y.x;
  sum += x.y * y.y;
  sum += x.z * y.z;
  return sum + x.w * y.w;
}

// kShared: Y's tile is in shared memory, otherwise where it is.
template <typename Element, bool kShared>
__global__ void __launch_bounds__(kThreads, kShared ? 2 : 1)
    add_tiles(const Element* a, PanelShape a_shape, const float* y_panels, SupportPlan plan) {
  SNMF4J_SHARED(float, room);
  using Row = typename Loaded<Element>::Type;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int sub = lane % kLanes;
  const int last = static_cast<int>(plan.nonzeros) - 1;
  const int64_t batches = last / gpu::kWarp + 1;
  const int from = static_cast<int>(batches * blockIdx.y / gridDim.y) + warp;
  const int to = static_cast<int>(batches * (blockIdx.y + 1) / gridDim.y);
  float* sums = plan.sums + static_cast<int64_t>(blockIdx.x) * plan.nonzeros;
  PanelShape y_shape = a_shape;
  // Narrow, for products that take fewer registers.
  const auto width = static_cast<int>(a_shape.width);
  y_shape.rows = plan.rank;
  for (int64_t tile = blockIdx.x; tile < a_shape.tiles(); tile += gridDim.x) {
    const float* y = y_panels + y_shape.tile_offset(tile);
    if (kShared) {
      for (int i = static_cast<int>(threadIdx.x); i < plan.rank * (kTile / 4); i += kThreads) {
        reinterpret_cast<float4*>(room)[i] = *reinterpret_cast<const float4*>(
            y + i / (kTile / 4) * y_shape.width + i % (kTile / 4) * 4);
      }
      __syncthreads();
    }
    const float* coefficients = (kShared ? room : y) + 4 * sub;
    const auto* rows = Loaded<Element>::bits(a + a_shape.tile_offset(tile) + 4 * sub);
    // Lanes beyond the last nonzero repeat it, and keep it to themselves.
    SupportEntry next = plan.entries[min(from * gpu::kWarp + lane, last)];
    for (int batch = from; batch < to; batch += kWarps) {
      const SupportEntry own = next;
      const int e = batch * gpu::kWarp + lane;
      float old = 0;
      next = plan.entries[min((batch + kWarps) * gpu::kWarp + lane, last)];
      float values[kLanes];
#pragma unroll
      for (int half = 0; half < kLanes; half += kAhead) {
        Row row[kAhead];
#pragma unroll
        for (int i = 0; i < kAhead; i++) {
          const int neuron = __shfl_sync(gpu::kAllLanes, own.neuron, half + i, kLanes);
          const int before =
              __shfl_sync(gpu::kAllLanes, own.neuron, half + (i == 0 ? 0 : i - 1), kLanes);
          if (i == 0 || neuron != before) {
            load_eight(rows + static_cast<int64_t>(neuron) * width, row[i]);
          } else {
            row[i] = row[i == 0 ? 0 : i - 1];
          }
        }
        // Ahead of its use, but not by so much that there is no register for it.
        if (half == kLanes - kAhead && e <= last) old = sums[e];
#pragma unroll
        for (int i = 0; i < kAhead; i++) {
          const int feature = __shfl_sync(gpu::kAllLanes, own.feature, half + i, kLanes);
          const float* at = coefficients + (kShared ? feature * kTile : feature * int64_t{width});
          const float low = product(widen_four<Element>(row[i].low),
                                    *reinterpret_cast<const float4*>(at), 0.0f);
          values[half + i] = product(widen_four<Element>(row[i].high),
                                     *reinterpret_cast<const float4*>(at + kTile / 2), low);
        }
      }
      const float sum = sum_each(values, sub);
      if (e <= last) sums[e] = old + sum;
    }
    if (kShared) __syncthreads();
  }
}

__global__ void fill_entries(SparseColumns columns, SparseRows rows, SupportPlan plan) {
  const int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e < plan.nonzeros) plan.entries[e] = {columns.index[rows.entry[e]], rows.index[e]};
}

// Adds the slices in their order, eight threads a nonzero.
__global__ void add_slices(SupportPlan plan, float* cross, int padded) {
  __shared__ double room[kFinal][kFinalThreads / kFinal];
  constexpr int kEach = kFinalThreads / kFinal;
  const int lane = static_cast<int>(threadIdx.x) % kEach;
  const int part = static_cast<int>(threadIdx.x) / kEach;
  const int64_t e = static_cast<int64_t>(blockIdx.x) * kEach + lane;
  double sum = 0;
  if (e < plan.nonzeros) {
#pragma unroll 4
    for (int64_t s = part; s < plan.slices; s += kFinal) {
      sum += static_cast<double>(plan.sums[s * plan.nonzeros + e]);
    }
  }
  room[part][lane] = sum;
  __syncthreads();
  if (part != 0 || e >= plan.nonzeros) return;
  for (int p = 1; p < kFinal; p++) sum += room[p][lane];
  const SupportEntry entry = plan.entries[e];
  cross[static_cast<int64_t>(entry.neuron) * padded + entry.feature] = static_cast<float>(sum);
}

std::size_t tile_bytes(int rank) {
  return static_cast<std::size_t>(rank) * kTile * sizeof(float);
}

}  // namespace

SupportPlan support_plan(const snmf4j_context& context, int64_t tokens,
                         const SparseColumns& columns, Carver& carver) {
  SupportPlan plan{};
  plan.rank = columns.rank;
  plan.nonzeros = columns.nonzeros;
  if (plan.nonzeros == 0) return plan;
  const auto shared = static_cast<std::size_t>(context.facts.shared_bytes);
  // Blocks of a multiprocessor: as many as its memory holds, up to what its registers do.
  const int64_t resident = 2 * tile_bytes(plan.rank) <= shared ? 2 : 1;
  const int64_t wanted = resident * context.facts.multiprocessors;
  const int64_t tiles = (tokens + kTile - 1) / kTile;
  const int64_t most = kSumBytes / (plan.nonzeros * static_cast<int64_t>(sizeof(float)));
  // A slice for each block, unless the tiles are too few for an even deal: then one for each tile.
  const int64_t even = tiles < kRounds * wanted ? tiles : wanted;
  plan.slices = std::clamp<int64_t>(most, 1, even);
  // Where that gives few blocks, nonzeros are shared out as well.
  const int64_t batches = (plan.nonzeros + gpu::kWarp - 1) / gpu::kWarp;
  const int64_t busy = plan.slices == wanted ? wanted : kRounds * wanted;
  plan.shares = std::clamp<int64_t>(busy / plan.slices, 1,
                                    std::max<int64_t>(batches / (kWarps * kFewestBatches), 1));
  plan.entries = carver.take<SupportEntry>(static_cast<std::size_t>(plan.nonzeros));
  plan.sums = carver.take<float>(static_cast<std::size_t>(plan.slices * plan.nonzeros));
  return plan;
}

void begin_support(gpu::Stream& stream, const SparseColumns& columns, const SparseRows& rows,
                   const SupportPlan& plan) {
  if (plan.nonzeros == 0) return;
  stream.clear(plan.sums,
               static_cast<std::size_t>(plan.slices * plan.nonzeros) * sizeof(float));
  gpu::launch(stream, {gpu::pieces(plan.nonzeros, kFinalThreads), kFinalThreads},
              fill_entries, columns, rows, plan);
}

void add_support(snmf4j_context& context, int type, const Slab& slab, const float* y,
                 const SupportPlan& plan) {
  if (plan.nonzeros == 0) return;
  const std::size_t bytes = tile_bytes(plan.rank);
  const bool shared = bytes <= static_cast<std::size_t>(context.facts.shared_bytes);
  const auto slices = static_cast<unsigned>(std::min(plan.slices, slab.shape.tiles()));
  const gpu::Shape shape{slices, kThreads, shared ? bytes : 0,
                         static_cast<unsigned>(plan.shares)};
  with_element(type, [&](auto element) {
    using Element = decltype(element);
    gpu::launch(context.stream, shape,
                shared ? add_tiles<Element, true> : add_tiles<Element, false>,
                static_cast<const Element*>(slab.data), slab.shape, y, plan);
  });
}

void end_support(snmf4j_context& context, const SupportPlan& plan, snmf4j_statistics& statistics) {
  if (plan.nonzeros == 0) return;
  gpu::launch(context.stream,
              {gpu::pieces(plan.nonzeros, kFinalThreads / kFinal), kFinalThreads}, add_slices,
              plan, statistics.cross.data(), statistics.padded);
}

}  // namespace snmf4j
