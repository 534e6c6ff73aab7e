// Updates of Y. A block takes 32 tokens, whose coefficients stay in shared memory; while one of its
// warps descends, other blocks compute.
//
// Cost: a sweep is k^2 n multiplications, of which each takes an eighth of a load; Q comes from the
// second cache, once a tile, ahead of its use: loads that were waited for took two thirds of the
// time. 100000 tokens, k = 400: 0.55 ms a sweep at the full rate.
#include <algorithm>

#include "tile_update.hpp"

namespace snmf4j {
namespace {

// Warps of a block, for few features and for many, and of a multiprocessor: for these the registers
// are to suffice. With few features a step is short, and more tiles hide its barriers.
constexpr int kFewFeatures = 128;
constexpr int kFewWarps = 4;
constexpr int kManyWarps = 8;
constexpr int kResidentWarps = 24;
// Where sums decide when a tile is done or Y is not in shared memory, which takes more registers.
constexpr int kStoppingWarps = 16;
// Of tiles that shared memory cannot hold, so many blocks are under way.
constexpr int64_t kLargeBytes = int64_t{256} << 20;
template <int kWarps>
using Room = UpdateRoom<kWarps>;

// Where least squares begin, and what that explains: nothing if the unconstrained solution is
// worse than zero.
template <int kWarps, bool kStaged>
__device__ __forceinline__ double begin(const Coefficients& c, const Rows<kStaged>& rows,
                                        int64_t offset, int64_t tokens, float* y,
                                        Room<kWarps>& room) {
  const Products& q = rows.q;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t width = c.shape.width;
  double explained = 0;
  if (c.start != nullptr && *c.failed == 0) {
    for (int j = warp; j < q.rank; j += kWarps) {
      // Features without neurons get nothing.
      const bool live = q.inverse[j] > 0 && lane < tokens;
      y[j * kUpdateTile + lane] =
          live ? fmaxf(c.start[offset + j * width + lane] - c.offset[j], 0.0f) : 0;
    }
    explained = block_sum(walk<kWarps, Walk::kMeasure>(rows, c.p + offset, width, y, room),
                          room.sums);
    if (explained > 0) return explained;
  }
  for (int j = warp; j < q.rank; j += kWarps) y[j * kUpdateTile + lane] = 0;
  return 0;
}

// A tile; returns this thread's part of <P,Y'>. Without kStops all sweeps are made, and Y is read.
template <bool kStops, int kWarps, bool kStaged>
__device__ __forceinline__ double descend_tile(const Coefficients& c, const Rows<kStaged>& rows,
                                               const UpdateNumbers* numbers, bool solving,
                                               int64_t tile, float* y, Room<kWarps>& room) {
  const Products& q = rows.q;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t width = c.shape.width;
  const int64_t offset = c.shape.tile_offset(tile / 2) + tile % 2 * kUpdateTile;
  double explained = 0;
  rows.fetch(0);
  if (kStops && solving) {
    explained = begin(c, rows, offset, c.shape.tokens - tile * kUpdateTile, y, room);
  } else {
    const UpdateSource source{c, numbers->beta};
    for (int j = warp; j < q.rank; j += kWarps) {
      y[j * kUpdateTile + lane] = source(offset + j * width + lane, j);
    }
    if (kStops) {
      explained = block_sum(walk<kWarps, Walk::kMeasure>(rows, c.p + offset, width, y, room),
                            room.sums);
    }
  }
  for (int sweep = 0; sweep < numbers->sweeps; sweep++) {
    if (!kStops) {
      walk<kWarps, Walk::kDescend>(rows, c.p + offset, width, y, room);
      continue;
    }
    const double gain = block_sum(
        walk<kWarps, Walk::kDescendAndGain>(rows, c.p + offset, width, y, room), room.sums);
    explained += gain;
    if (numbers->tolerance > 0 && gain <= numbers->tolerance * fabs(explained)) break;
  }
  // For all threads' Y, and for the rows that were asked for in vain.
  rows.wait();
  double dot = 0;
  for (int j = warp; j < q.rank; j += kWarps) {
    const int64_t at = offset + j * width + lane;
    const float value = y[j * kUpdateTile + lane];
    c.result[at] = value;
    dot += static_cast<double>(c.p[at]) * value;
  }
  return dot;
}

// A block per tile, with Y's in shared memory, and room for rows of Q behind it.
template <int kWarps, bool kStops>
__global__ void __launch_bounds__(kWarps* gpu::kWarp,
                                  (kStops ? kStoppingWarps : kResidentWarps) / kWarps)
    descend_shared(Coefficients c, Products q, const UpdateNumbers* numbers, bool solving) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  auto* y = reinterpret_cast<float*>(memory + sizeof(Room<kWarps>));
  const Rows<true> rows{q, y + q.rank * kUpdateTile};
  const double dot = block_sum(
      descend_tile<kStops>(c, rows, numbers, solving, blockIdx.x, y, room), room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

// Blocks that walk over tiles, with Y's in a piece of `large` of each block's own.
template <int kWarps>
__global__ void __launch_bounds__(kWarps* gpu::kWarp, kStoppingWarps / kWarps)
    descend_large(Coefficients c, Products q, const UpdateNumbers* numbers, bool solving,
                  float* large) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  float* y = large + static_cast<int64_t>(blockIdx.x) * q.rank * kUpdateTile;
  const Rows<false> rows{q, nullptr};
  double dot = 0;
  for (int64_t tile = blockIdx.x; tile * kUpdateTile < c.shape.tokens; tile += gridDim.x) {
    dot += descend_tile<true>(c, rows, numbers, solving, tile, y, room);
    __syncthreads();
  }
  dot = block_sum(dot, room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

// A tile of the multiplicative rule; returns this thread's part of <P,Y'>.
template <int kWarps, bool kStaged>
__device__ inline double multiply_tile(const Coefficients& c, const Rows<kStaged>& rows,
                                       const UpdateNumbers* numbers, int64_t tile, float* y,
                                       Room<kWarps>& room, Parts negative) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t width = c.shape.width;
  const int64_t offset = c.shape.tile_offset(tile / 2) + tile % 2 * kUpdateTile;
  const UpdateSource source{c, numbers->beta};
  rows.fetch(0);
  for (int j = warp; j < rows.q.rank; j += kWarps) {
    y[j * kUpdateTile + lane] = source(offset + j * width + lane, j);
  }
  return multiply(rows, c.p + offset, width, numbers->epsilon, y, room, negative,
                  [&](int j, int token, float value) {
                    c.result[offset + j * width + token] = value;
                  });
}

// Room for the negative parts lies behind the other.
template <int kWarps>
__global__ void __launch_bounds__(kWarps* gpu::kWarp, kResidentWarps / kWarps)
    multiply_shared(Coefficients c, Products q, const UpdateNumbers* numbers) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  auto* negative = reinterpret_cast<Parts>(memory + sizeof(Room<kWarps>));
  auto* y = reinterpret_cast<float*>(memory + sizeof(Room<kWarps>) + sizeof room.parts);
  const Rows<true> rows{q, y + q.rank * kUpdateTile};
  const double dot =
      block_sum(multiply_tile(c, rows, numbers, blockIdx.x, y, room, negative), room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

template <int kWarps>
__global__ void __launch_bounds__(kWarps* gpu::kWarp, kStoppingWarps / kWarps)
    multiply_large(Coefficients c, Products q, const UpdateNumbers* numbers, float* large) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  auto* negative = reinterpret_cast<Parts>(memory + sizeof(Room<kWarps>));
  float* y = large + static_cast<int64_t>(blockIdx.x) * q.rank * kUpdateTile;
  const Rows<false> rows{q, nullptr};
  double dot = 0;
  for (int64_t tile = blockIdx.x; tile * kUpdateTile < c.shape.tokens; tile += gridDim.x) {
    dot += multiply_tile(c, rows, numbers, tile, y, room, negative);
    __syncthreads();
  }
  dot = block_sum(dot, room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

std::size_t tile_bytes(int rank) {
  return static_cast<std::size_t>(rank) * kUpdateTile * sizeof(float);
}

bool is_few(int rank) { return rank <= kFewFeatures; }

template <int kWarps>
std::size_t fixed_bytes(int rule) {
  return sizeof(Room<kWarps>) +
         (rule == SNMF4J_RULE_MULTIPLICATIVE ? sizeof(Room<kWarps>::parts) : 0);
}

std::size_t fixed_bytes(int rule, int rank) {
  return is_few(rank) ? fixed_bytes<kFewWarps>(rule) : fixed_bytes<kManyWarps>(rule);
}

// Of Y and of rows of Q.
std::size_t staged_bytes(int rank) {
  return tile_bytes(rank) + static_cast<std::size_t>(rank) * kFeatureBlock * sizeof(float);
}

bool in_shared_memory(const snmf4j_context& context, int rule, int rank) {
  return fixed_bytes(rule, rank) + staged_bytes(rank) <=
         static_cast<std::size_t>(context.facts.shared_bytes);
}

template <int kWarps>
void launch_update(snmf4j_context& context, int rule, bool stops, const Products& q,
                   const UpdateNumbers* numbers, const Coefficients& c, float* large) {
  const bool shared = in_shared_memory(context, rule, q.rank);
  const gpu::Shape shape{
      static_cast<unsigned>(update_blocks(context, rule, q.rank, c.shape.tokens)),
      kWarps * gpu::kWarp, fixed_bytes<kWarps>(rule) + (shared ? staged_bytes(q.rank) : 0)};
  const bool solving = rule == SNMF4J_RULE_LEAST_SQUARES;
  if (rule != SNMF4J_RULE_MULTIPLICATIVE && shared) {
    gpu::launch(context.stream, shape,
                stops || solving ? descend_shared<kWarps, true> : descend_shared<kWarps, false>, c,
                q, numbers, solving);
  } else if (rule != SNMF4J_RULE_MULTIPLICATIVE) {
    gpu::launch(context.stream, shape, descend_large<kWarps>, c, q, numbers, solving, large);
  } else if (shared) {
    gpu::launch(context.stream, shape, multiply_shared<kWarps>, c, q, numbers);
  } else {
    gpu::launch(context.stream, shape, multiply_large<kWarps>, c, q, numbers, large);
  }
}

}  // namespace

int64_t update_blocks(const snmf4j_context& context, int rule, int rank, int64_t tokens) {
  const int64_t tiles = (tokens + kUpdateTile - 1) / kUpdateTile;
  if (in_shared_memory(context, rule, rank)) return tiles;
  const int64_t most = std::max<int64_t>(kLargeBytes / static_cast<int64_t>(tile_bytes(rank)), 1);
  const int64_t resident = kResidentWarps / (is_few(rank) ? kFewWarps : kManyWarps);
  return std::min({tiles, most, resident * context.facts.multiprocessors});
}

std::size_t update_room(const snmf4j_context& context, int rule, int rank, int64_t tokens) {
  if (in_shared_memory(context, rule, rank)) return 0;
  return static_cast<std::size_t>(update_blocks(context, rule, rank, tokens)) * tile_bytes(rank) /
         sizeof(float);
}

void update(snmf4j_context& context, int rule, bool stops, const Products& products,
            const UpdateNumbers* numbers, const Coefficients& coefficients, float* large) {
  if (is_few(products.rank)) {
    launch_update<kFewWarps>(context, rule, stops, products, numbers, coefficients, large);
  } else {
    launch_update<kManyWarps>(context, rule, stops, products, numbers, coefficients, large);
  }
}

}  // namespace snmf4j
