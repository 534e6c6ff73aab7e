// Sparse products. A block takes a tile of 64 tokens and walks over A in chunks of neurons: while a
// chunk comes into shared memory, the last one is multiplied. Each warp owns features, whose sums
// stay in registers, two tokens a lane. So A is read once, of its rows those that Z uses.
//
// A chunk has few nonzeros of a feature, two or three mostly, so that what is done for each feature
// counts as much as the products: nonzeros come in pairs, the next of which is loaded while one is
// multiplied, whatever feature it belongs to.
//
// Cost, n tokens: A's used rows from memory, and per nonzero and tile three words of 128 bytes from
// shared memory (two for 16 bits). 14336 x 100000, k = 400, density 0.01: no less than 1.5 ms, 1 ms
// for 16 bits. Where hardly any rows are shared, gather.cu takes over.
#include <algorithm>

#include "async.hpp"
#include "collective.hpp"
#include "gather.hpp"
#include "projection.hpp"
#include "stored.hpp"

namespace snmf4j {
namespace {

constexpr int kPlanThreads = 256;
// Bytes that a thread copies at a time.
constexpr int kPiece = 16;
// Most of them for a chunk.
constexpr int kMostPieces = 8;

// Few features: small blocks, three to a multiprocessor.
constexpr int kFewWarps = 8;
constexpr int kFewFeatures = 13;
constexpr int kFewEntries = 512;
constexpr int kFewBlocks = 3;  // of a multiprocessor
// Many: one that holds all sums.
constexpr int kManyWarps = 16;
constexpr int kManyFeatures = 28;
constexpr int kManyEntries = 4096;  // of a large chunk, and of a small one
constexpr int kSomeEntries = 1024;
constexpr int kManyBlocks = 1;

// Up to how many nonzeros a neuron, in halves, the rows of A are not worth sharing.
constexpr int64_t kHalvesGathered = 3;

// How many of a column's entries come before a neuron.
__device__ inline int entries_before(const SparseColumns& columns, int j, int64_t neuron) {
  const int64_t start = columns.start[j];
  int64_t low = start;
  int64_t high = columns.start[j + 1];
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (columns.index[middle] < neuron) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<int>(low - start);
}

// A block per chunk.
__global__ void plan_chunk(ChunkPlan plan) {
  const SparseColumns& columns = plan.columns;
  __shared__ int room[kPlanThreads / gpu::kWarp];
  SNMF4J_SHARED(unsigned, used);
  const int chunk = static_cast<int>(blockIdx.x);
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t first = static_cast<int64_t>(chunk) * plan.rows;
  const int words = plan.rows / 32;
  for (int w = thread; w < words; w += kPlanThreads) used[w] = 0;
  // All entries of earlier neurons come first.
  int before = 0;
  for (int j = thread; j < plan.rank; j += kPlanThreads) {
    before += entries_before(columns, j, first);
  }
  // Each feature of each chunk may have one more, to make pairs.
  int at = (block_sum(before, room) + chunk * plan.rank + 1) / 2 * 2;
  int* bounds = plan.bounds + static_cast<int64_t>(chunk) * (plan.rank + 1);
  for (int some = 0; some < plan.rank; some += kPlanThreads) {
    const int j = some + thread;
    int from = 0, count = 0, total = 0;
    if (j < plan.rank) {
      from = entries_before(columns, j, first);
      count = entries_before(columns, j, first + plan.rows) - from;
    }
    const int own = at + block_prefix(count + count % 2, room, total);
    if (j < plan.rank) {
      bounds[j] = own;
      const int64_t start = columns.start[j] + from;
      for (int i = 0; i < count; i++) {
        const int row = static_cast<int>(columns.index[start + i] - first);
        plan.entries[own + i] = {row * kTile * plan.element, columns.value[start + i]};
        atomicOr(&used[row / 32], 1u << (row % 32));
      }
      if (count % 2 != 0) {
        plan.entries[own + count] = {plan.entries[own + count - 1].offset, 0.0f};
      }
    }
    at += total;
  }
  if (thread == 0) bounds[plan.rank] = at;
  __syncthreads();
  for (int w = thread; w < words; w += kPlanThreads) {
    plan.used[static_cast<int64_t>(chunk) * words + w] = used[w];
  }
}

// What a block has of chunks: two of them in shared memory, their rows and their entries.
template <typename Element>
struct Chunks {
  static constexpr int kEach = kPiece / static_cast<int>(sizeof(Element));
  static constexpr int kRowPieces = kTile / kEach;

  const ChunkPlan& plan;
  const Element* tile;
  int64_t width;
  int first, end;  // features of the block
  unsigned char* stage;

  __device__ Element* rows(int chunk) const {
    return reinterpret_cast<Element*>(stage) + (chunk & 1) * plan.rows * kTile;
  }
  __device__ ChunkEntry* entries(int chunk) const {
    return reinterpret_cast<ChunkEntry*>(stage + 2 * static_cast<int64_t>(plan.rows) * kTile *
                                                     static_cast<int>(sizeof(Element))) +
           (chunk & 1) * plan.entries_staged;
  }

  // What this thread copies of a chunk: a bit per piece, and which entries the block needs.
  struct Wanted {
    unsigned pieces;
    int from, to;
  };
  // The same as it is read, by piece the word with its neuron's bit.
  struct Read {
    unsigned words[kMostPieces];
    int from, to;
  };

  __device__ static int row_of(int i) {
    return static_cast<int>(threadIdx.x + i * blockDim.x) / kRowPieces;
  }

  // Asks for it: whoever looks at it at once waits for it.
  __device__ Read read(int chunk) const {
    Read result{};
    if (chunk >= plan.chunks) return result;
    const unsigned* used = plan.used + static_cast<int64_t>(chunk) * (plan.rows / 32);
#pragma unroll
    for (int i = 0; i < kMostPieces; i++) {
      const int row = row_of(i);
      result.words[i] = row < plan.rows ? used[row / 32] : 0;
    }
    const int* bounds = plan.bounds + static_cast<int64_t>(chunk) * (plan.rank + 1);
    result.from = bounds[first];
    result.to = bounds[end];
    return result;
  }
  __device__ static Wanted wanted(const Read& read) {
    Wanted result{0, read.from, read.to};
#pragma unroll
    for (int i = 0; i < kMostPieces; i++) {
      result.pieces |= (read.words[i] >> (row_of(i) % 32) & 1u) << i;
    }
    return result;
  }

  // A pair beyond the last one may be read, and is to be nobody else's.
  __device__ bool staged(const Wanted& wanted) const {
    return wanted.to - wanted.from + 2 <= plan.entries_staged;
  }

  __device__ void fetch(int chunk, const Wanted& wanted) const {
    Element* target = rows(chunk);
    const Element* source = tile + static_cast<int64_t>(chunk) * plan.rows * width;
#pragma unroll 1
    for (int i = 0; i < kMostPieces; i++) {
      if ((wanted.pieces >> i & 1) == 0) continue;
      const int piece = static_cast<int>(threadIdx.x + i * blockDim.x);
      copy_async(target + piece * kEach,
                 source + piece / kRowPieces * width + piece % kRowPieces * kEach);
    }
    if (staged(wanted)) {
      ChunkEntry* list = entries(chunk);
      for (int i = 2 * static_cast<int>(threadIdx.x); i < wanted.to - wanted.from;
           i += 2 * static_cast<int>(blockDim.x)) {
        copy_async(list + i, plan.entries + wanted.from + i);
      }
    }
    commit_async();
  }
};

// Adds the products of a warp's features with the rows of a chunk. `at` is the warp's first pair,
// and lane f knows how many entries there are before the feature f's.
template <typename Element, int kFeatures>
__device__ __forceinline__ void add_chunk(const Element* rows, const ChunkPair* at, int bound,
                                          float2 (&sum)[kFeatures]) {
  const auto row = [&](const ChunkEntry& entry) {
    return load_pair(reinterpret_cast<const Element*>(reinterpret_cast<const char*>(rows) +
                                                      entry.offset));
  };
  int e = __shfl_sync(gpu::kAllLanes, bound, 0);
  // Both are asked for ahead of their use: one more is read than there are, and beyond the last
  // feature there is nothing.
  ChunkPair next = *at;
  int end = __shfl_sync(gpu::kAllLanes, bound, 1);
#pragma unroll
  for (int f = 0; f < kFeatures; f++) {
    const int following = f + 1 < kFeatures ? __shfl_sync(gpu::kAllLanes, bound, f + 2) : 0;
    // Copies of so short a loop cost more than they save.
#pragma unroll 1
    for (; e < end; e += 2) {
      const float2 x = row(next.one);
      const float2 y = row(next.two);
      const float one = next.one.value;
      const float two = next.two.value;
      next = *++at;
      sum[f].x += one * x.x;
      sum[f].y += one * x.y;
      sum[f].x += two * y.x;
      sum[f].y += two * y.y;
    }
    end = following;
  }
}

template <typename Element, int kWarps, int kFeatures, int kBlocks>
__global__ void __launch_bounds__(kWarps* gpu::kWarp, kBlocks)
    project_tile(const Element* a, PanelShape a_shape, ChunkPlan plan, float* p,
                 PanelShape p_shape) {
  SNMF4J_SHARED(unsigned char, stage);
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  // As many features to each block, and to each of its warps, as to the others.
  const int of_block = (plan.rank + static_cast<int>(gridDim.y) - 1) / static_cast<int>(gridDim.y);
  const int of_warp = (of_block + kWarps - 1) / kWarps;
  const int block_first = min(static_cast<int>(blockIdx.y) * of_block, plan.rank);
  const int block_end = min(block_first + of_block, plan.rank);
  const Chunks<Element> chunks{plan,
                               a + a_shape.tile_offset(blockIdx.x),
                               a_shape.width,
                               block_first,
                               block_end,
                               stage};
  const int first = min(block_first + warp * of_warp, block_end);
  const int count = min(of_warp, block_end - first);
  float2 sum[kFeatures];
#pragma unroll
  for (int f = 0; f < kFeatures; f++) sum[f] = make_float2(0, 0);

  auto now = chunks.wanted(chunks.read(0));
  chunks.fetch(0, now);
  auto next = chunks.wanted(chunks.read(1));
  // Lane f: where the entries of the warp's feature f begin, lane `count` where the last ones end.
  const int own = first + min(lane, count);
  int bound = plan.bounds[own];
  for (int c = 0; c < plan.chunks; c++) {
    chunks.fetch(c + 1, next);
    const auto after = chunks.read(c + 2);
    const int next_bound =
        c + 1 < plan.chunks
            ? plan.bounds[static_cast<int64_t>(c + 1) * (plan.rank + 1) + own]
            : 0;
    wait_async<1>();
    __syncthreads();
    const Element* rows = chunks.rows(c) + 2 * lane;
    const int skipped = __shfl_sync(gpu::kAllLanes, bound, 0);
    // Apart, so that the compiler knows where the list is.
    if (chunks.staged(now)) {
      add_chunk(rows, reinterpret_cast<const ChunkPair*>(chunks.entries(c) + (skipped - now.from)),
                bound, sum);
    } else {
      add_chunk(rows, reinterpret_cast<const ChunkPair*>(plan.entries + skipped), bound, sum);
    }
    // The next round but one writes where this one read.
    __syncthreads();
    now = next;
    next = chunks.wanted(after);
    bound = next_bound;
  }
  wait_async<0>();

  float* target = p + p_shape.tile_offset(blockIdx.x) + first * p_shape.width + 2 * lane;
#pragma unroll
  for (int f = 0; f < kFeatures; f++) {
    if (f >= count) break;
    *reinterpret_cast<float2*>(target + f * p_shape.width) = sum[f];
  }
}

// Bytes of a chunk's rows. Those for many features are large if a block may have two of them.
constexpr std::size_t kLarge = std::size_t{64} << 10;
constexpr std::size_t kSmall = std::size_t{32} << 10;

bool is_large(const snmf4j_context& context, bool many) {
  return many && 2 * (kLarge + kManyEntries * sizeof(ChunkEntry)) <=
                     static_cast<std::size_t>(context.facts.shared_bytes);
}

template <typename Element, int kWarps, int kFeatures, int kBlocks>
void launch_project(snmf4j_context& context, const Slab& slab, const ChunkPlan& plan, float* p) {
  PanelShape p_shape = slab.shape;
  p_shape.rows = plan.rank;
  const std::size_t shared =
      2 * (static_cast<std::size_t>(plan.rows) * kTile * sizeof(Element) +
           static_cast<std::size_t>(plan.entries_staged) * sizeof(ChunkEntry));
  gpu::launch(context.stream,
              {static_cast<unsigned>(slab.shape.tiles()), kWarps * gpu::kWarp, shared,
               gpu::pieces(plan.rank, kWarps * kFeatures)},
              project_tile<Element, kWarps, kFeatures, kBlocks>,
              static_cast<const Element*>(slab.data), slab.shape, plan, p, p_shape);
}

}  // namespace

ChunkPlan chunk_plan(const snmf4j_context& context, int type, int64_t neurons,
                     const SparseColumns& columns, Carver& carver) {
  ChunkPlan plan{};
  plan.columns = columns;
  plan.gathers = 2 * columns.nonzeros <= kHalvesGathered * neurons;
  if (plan.gathers) return plan;
  plan.rank = columns.rank;
  plan.element = element_bytes(type);
  plan.many = columns.rank > kFewWarps * kFewFeatures;
  const bool large = is_large(context, plan.many);
  plan.rows = static_cast<int>(large ? kLarge : kSmall) / kTile / element_bytes(type);
  plan.chunks = static_cast<int>((neurons + plan.rows - 1) / plan.rows);
  plan.entries_staged = large ? kManyEntries : plan.many ? kSomeEntries : kFewEntries;
  // With those that make pairs, and one pair more for a chunk that has none.
  plan.entries = carver.take<ChunkEntry>(static_cast<std::size_t>(columns.nonzeros) +
                                         static_cast<std::size_t>(plan.chunks) *
                                             static_cast<std::size_t>(plan.rank) +
                                         4);
  plan.bounds = carver.take<int>(static_cast<std::size_t>(plan.chunks) *
                                 (static_cast<std::size_t>(plan.rank) + 1));
  plan.used = carver.take<unsigned>(static_cast<std::size_t>(plan.chunks) * plan.rows / 32);
  return plan;
}

void fill_plan(snmf4j_context& context, const ChunkPlan& plan) {
  if (plan.gathers) return;
  gpu::launch(context.stream,
              {static_cast<unsigned>(plan.chunks), kPlanThreads,
               static_cast<std::size_t>(plan.rows) / 8},
              plan_chunk, plan);
}

void project(snmf4j_context& context, int type, const Slab& slab, const ChunkPlan& plan, float* p) {
  if (plan.gathers) {
    gather(context, type, slab, plan.columns, p);
    return;
  }
  with_element(type, [&](auto element) {
    using Element = decltype(element);
    if (plan.many) {
      launch_project<Element, kManyWarps, kManyFeatures, kManyBlocks>(context, slab, plan, p);
    } else {
      launch_project<Element, kFewWarps, kFewFeatures, kFewBlocks>(context, slab, plan, p);
    }
  });
}

}  // namespace snmf4j
