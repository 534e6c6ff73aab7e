// The fused pass. A block to a multiprocessor walks over tiles of 32 or 16 tokens. The rows of A
// that Z or the support uses come into shared memory, as they are stored; P, the new Y and the
// products of C's nonzeros are computed there; C is summed over the block's tiles, in a slice of
// its own. So A is read once, of its rows those that are used. G and the sums of Y's rows are not
// computed here: a block has no room for k^2 sums, and Y, which gram.cu reads, is small beside A.
//
// Cost: A's used rows once instead of twice, but a multiprocessor has nothing else to do while its
// block waits, for its tile above all. 3072 x 20000, k = 100, density 0.01, by arithmetic: fp32, 16
// tokens, 0.17 ms where separate kernels take 0.14 to 0.16; 16 bits, 32 tokens, a tenth less than
// those.
#include "fused.hpp"

#include <algorithm>

#include "async.hpp"
#include "stored.hpp"
#include "tile_update.hpp"

namespace snmf4j {
namespace {

// Warps for each token: sixteen groups share the products of an update, whatever the tile.
constexpr int kTokensOfWarp = 2;
// Bytes that a thread copies at a time.
constexpr int kPiece = 16;
constexpr int kFillThreads = 256;

template <int kTokens>
constexpr int kFusedWarps = kTokens / kTokensOfWarp;
template <int kTokens>
using FusedRoom = UpdateRoom<kFusedWarps<kTokens>, kTokens>;

// Tokens of a word.
template <typename Element>
constexpr int kWordTokens = 4 / static_cast<int>(sizeof(Element));

__device__ inline float2 load_word(const float* from) { return make_float2(*from, 0); }
template <typename Element>
__device__ inline float2 load_word(const Element* from) {
  return load_pair(from);
}

// Asks for the rows of a tile.
template <typename Element, int kTokens>
__device__ inline void fetch_rows(const Element* tile, int64_t width, const FusedPlan& plan,
                                  Element* rows) {
  constexpr int kEach = kPiece / static_cast<int>(sizeof(Element));
  constexpr int kRowPieces = kTokens / kEach;
  const int pieces = plan.rows * kRowPieces;
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x); i < pieces; i += static_cast<int>(blockDim.x)) {
    copy_async(rows + i * kEach,
               tile + plan.neurons[i / kRowPieces] * width + i % kRowPieces * kEach);
  }
  commit_async();
}

// P of a tile. A warp takes a feature, a lane a word of a row; where a row has less words than a
// warp has lanes, parts of the warp take nonzeros in turn.
template <typename Element, int kTokens>
__device__ inline void project_rows(const FusedPlan& plan, const Element* rows, float* p) {
  constexpr int kWord = kWordTokens<Element>;
  constexpr int kLanes = kTokens / kWord;
  constexpr int kTurns = gpu::kWarp / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int token = lane % kLanes * kWord;
  const Element* own = rows + token;
  for (int j = static_cast<int>(threadIdx.x) / gpu::kWarp; j < plan.rank;
       j += kFusedWarps<kTokens>) {
    const int end = static_cast<int>(plan.start[j + 1]);
    float2 sum = make_float2(0, 0);
#pragma unroll 4
    for (int e = static_cast<int>(plan.start[j]) + lane / kLanes; e < end; e += kTurns) {
      const ChunkEntry entry = plan.entries[e];
      const float2 x = load_word(own + entry.offset);
      sum.x += entry.value * x.x;
      if (kWord > 1) sum.y += entry.value * x.y;
    }
#pragma unroll
    for (int d = kLanes; d < gpu::kWarp; d *= 2) {
      sum.x += __shfl_xor_sync(gpu::kAllLanes, sum.x, d);
      if (kWord > 1) sum.y += __shfl_xor_sync(gpu::kAllLanes, sum.y, d);
    }
    if (lane < kLanes) {
      p[j * kTokens + token] = sum.x;
      if (kWord > 1) p[j * kTokens + token + 1] = sum.y;
    }
  }
}

// Adds a tile's products to the sums of C's nonzeros: eight lanes share one, in the order of the
// neurons, so that neighbours read the same row.
template <typename Element, int kTokens>
__device__ inline void add_products(const SupportEntry* entries, int64_t nonzeros,
                                    const Element* rows, const float* y, float* sums) {
  constexpr int kEach = kTokens / kSumEach;
  static_assert(kEach == 4 || kEach == 2, "tokens of a lane are loaded as one");
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int sub = lane % kSumEach;
  const int last = static_cast<int>(nonzeros) - 1;
  const int batches = last / gpu::kWarp + 1;
  for (int batch = static_cast<int>(threadIdx.x) / gpu::kWarp; batch < batches;
       batch += kFusedWarps<kTokens>) {
    const int e = batch * gpu::kWarp + lane;
    // Lanes beyond the last nonzero repeat it, and keep it to themselves.
    const SupportEntry own = entries[min(e, last)];
    const float before = e <= last ? sums[e] : 0;
    float values[kSumEach];
#pragma unroll
    for (int i = 0; i < kSumEach; i++) {
      const int row = __shfl_sync(gpu::kAllLanes, own.neuron, i, kSumEach);
      const int feature = __shfl_sync(gpu::kAllLanes, own.feature, i, kSumEach);
      const Element* a = rows + row * kTokens + sub * kEach;
      const float* c = y + feature * kTokens + sub * kEach;
      if (kEach == 4) {
        const float4 left = load_four(a);
        const float4 right = load_four(c);
        values[i] = left.x * right.x + left.y * right.y + left.z * right.z + left.w * right.w;
      } else {
        const float2 left = load_pair(a);
        const float2 right = load_pair(c);
        values[i] = left.x * right.x + left.y * right.y;
      }
    }
    const float sum = sum_each(values, sub);
    if (e <= last) sums[e] = before + sum;
  }
}

template <typename Element, int kTokens, bool kMultiplies>
__global__ void __launch_bounds__(kFusedWarps<kTokens>* gpu::kWarp, 1)
    fused_tiles(const Element* a, PanelShape a_shape, FusedPlan plan, Coefficients c, Products q,
                const UpdateNumbers* numbers, SupportPlan support) {
  SNMF4J_SHARED(unsigned char, memory);
  constexpr int kWarps = kFusedWarps<kTokens>;
  constexpr int kTiles = kTile / kTokens;
  auto& room = *reinterpret_cast<FusedRoom<kTokens>*>(memory);
  auto* next = reinterpret_cast<float*>(memory + sizeof room);
  const auto negative = reinterpret_cast<Parts<kTokens>>(next);
  if (kMultiplies) next += sizeof room.parts / sizeof(float);
  float* y = next;
  float* p = y + plan.rank * kTokens;
  auto* rows = reinterpret_cast<Element*>(p + plan.rank * kTokens);
  const int token = static_cast<int>(threadIdx.x) % kTokens;
  const int group = static_cast<int>(threadIdx.x) / kTokens;
  const int64_t width = c.shape.width;
  double dot = 0;
  for (int64_t tile = blockIdx.x; tile * kTokens < c.shape.tokens; tile += gridDim.x) {
    const int64_t within = tile % kTiles * kTokens;
    fetch_rows<Element, kTokens>(a + a_shape.tile_offset(tile / kTiles) + within, a_shape.width,
                                 plan, rows);
    const int64_t offset = c.shape.tile_offset(tile / kTiles) + within + token;
    const UpdateSource source{c, numbers->beta};
    for (int j = group; j < plan.rank; j += kGroups<kWarps, kTokens>) {
      y[j * kTokens + token] = source(offset + j * width, j);
    }
    wait_async<0>();
    __syncthreads();
    project_rows<Element, kTokens>(plan, rows, p);
    __syncthreads();
    if (kMultiplies) {
      // A new coefficient takes the place of its P, which nothing needs any more.
      dot += multiply(q, p, kTokens, numbers->epsilon, y, room, negative,
                      [&](int j, int, float value) {
                        p[j * kTokens + token] = value;
                        c.result[offset + j * width] = value;
                      });
    } else {
      for (int sweep = 0; sweep < numbers->sweeps; sweep++) {
        walk<kWarps, kTokens, Walk::kDescend>(q, p, kTokens, y, room);
      }
      for (int j = group; j < plan.rank; j += kGroups<kWarps, kTokens>) {
        const float value = y[j * kTokens + token];
        c.result[offset + j * width] = value;
        dot += static_cast<double>(p[j * kTokens + token]) * value;
      }
    }
    if (support.nonzeros > 0) {
      add_products<Element, kTokens>(plan.support, support.nonzeros, rows, kMultiplies ? p : y,
                                     support.sums + blockIdx.x * support.nonzeros);
    }
    // The next tile comes where this one is.
    __syncthreads();
  }
  dot = block_sum(dot, room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

__global__ void place_entries(SparseColumns columns, const int32_t* number, FusedPlan plan) {
  const int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e < columns.nonzeros) {
    plan.entries[e] = {number[columns.index[e]] * plan.tile, columns.value[e]};
  }
}

__global__ void place_support(SupportPlan support, const int32_t* number, FusedPlan plan) {
  const int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e < support.nonzeros) {
    plan.support[e] = {number[support.entries[e].neuron], support.entries[e].feature};
  }
}

template <int kTokens>
std::size_t room_bytes(int rule) {
  return sizeof(FusedRoom<kTokens>) +
         (rule == SNMF4J_RULE_MULTIPLICATIVE ? sizeof(FusedRoom<kTokens>::parts) : 0);
}

std::size_t shared_bytes(int tile, int type, int rule, int rank, int64_t rows) {
  const auto tokens = static_cast<std::size_t>(tile);
  return (tile == kMostFused ? room_bytes<kMostFused>(rule) : room_bytes<kLeastFused>(rule)) +
         tokens * (2 * static_cast<std::size_t>(rank) * sizeof(float) +
                   static_cast<std::size_t>(rows) * static_cast<std::size_t>(element_bytes(type)));
}

template <typename Element, int kTokens>
void launch_fused(snmf4j_context& context, const gpu::Shape& shape, int rule, const Slab& slab,
                  const FusedPlan& plan, const Products& products, const UpdateNumbers* numbers,
                  const Coefficients& c, const SupportPlan& support) {
  gpu::launch(context.stream, shape,
              rule == SNMF4J_RULE_MULTIPLICATIVE ? fused_tiles<Element, kTokens, true>
                                                 : fused_tiles<Element, kTokens, false>,
              static_cast<const Element*>(slab.data), slab.shape, plan, c, products, numbers,
              support);
}

}  // namespace

int fused_tile(const snmf4j_device& facts, int type, int rule, int rank, int64_t rows) {
  for (int tile : {kMostFused, kLeastFused}) {
    if (shared_bytes(tile, type, rule, rank, rows) <=
        static_cast<std::size_t>(facts.shared_bytes)) {
      return tile;
    }
  }
  return 0;
}

bool fused_support(const snmf4j_device& facts, int type, int rule, int rank, int tile, int64_t rows,
                   int64_t nonzeros) {
  const int64_t most = kSumBytes / (facts.multiprocessors * static_cast<int64_t>(sizeof(float)));
  return nonzeros <= most && shared_bytes(tile, type, rule, rank, rows) <=
                                 static_cast<std::size_t>(facts.shared_bytes);
}

int64_t fused_blocks(const snmf4j_device& facts, int tile, int64_t tokens) {
  return std::min<int64_t>(facts.multiprocessors, (tokens + tile - 1) / tile);
}

FusedPlan fused_plan(const snmf4j_device& facts, int tile, int64_t tokens,
                     const SparseColumns& columns, const UsedRows& used, int64_t support,
                     Carver& carver) {
  FusedPlan plan{};
  plan.rank = columns.rank;
  plan.tile = tile;
  plan.rows = static_cast<int>(used.count);
  plan.blocks = fused_blocks(facts, tile, tokens);
  plan.neurons = used.neuron;
  plan.start = columns.start;
  plan.entries = carver.take<ChunkEntry>(static_cast<std::size_t>(columns.nonzeros));
  plan.support = carver.take<SupportEntry>(static_cast<std::size_t>(support));
  return plan;
}

void fill_fused(snmf4j_context& context, const SparseColumns& columns, const UsedRows& used,
                const SupportPlan& support, const FusedPlan& plan) {
  if (columns.nonzeros > 0) {
    gpu::launch(context.stream, {gpu::pieces(columns.nonzeros, kFillThreads), kFillThreads},
                place_entries, columns, used.number, plan);
  }
  if (support.nonzeros > 0) {
    gpu::launch(context.stream, {gpu::pieces(support.nonzeros, kFillThreads), kFillThreads},
                place_support, support, used.number, plan);
  }
}

int64_t fused(snmf4j_context& context, int type, int rule, const Slab& slab, const FusedPlan& plan,
              const Products& products, const UpdateNumbers* numbers,
              const Coefficients& coefficients, const SupportPlan& support) {
  const int64_t blocks =
      std::min(plan.blocks, fused_blocks(context.facts, plan.tile, slab.shape.tokens));
  const gpu::Shape shape{static_cast<unsigned>(blocks),
                         static_cast<unsigned>(plan.tile / kTokensOfWarp * gpu::kWarp),
                         shared_bytes(plan.tile, type, rule, plan.rank, plan.rows)};
  with_element(type, [&](auto element) {
    using Element = decltype(element);
    const auto launch = plan.tile == kMostFused ? launch_fused<Element, kMostFused>
                                                : launch_fused<Element, kLeastFused>;
    launch(context, shape, rule, slab, plan, products, numbers, coefficients, support);
  });
  return blocks;
}

}  // namespace snmf4j
