// Updates of Y. A block takes 32 tokens, whose coefficients stay in shared memory, and 16 features
// at a time: its warps share the products of Q's rows with Y, each a part of the sum, then one warp
// descends feature by feature, a token a lane, while other blocks compute.
//
// Cost: a sweep is k^2 n multiplications, of which each takes an eighth of a load; Q comes from the
// second cache, once a tile. 100000 tokens, k = 400: 0.55 ms a sweep at the full rate.
#include <algorithm>

#include "collective.hpp"
#include "update.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / gpu::kWarp;
constexpr int kBlock = kRankStep;  // features
// Blocks of a multiprocessor that the registers are to suffice for.
constexpr int kResident = 3;
// Of tiles that shared memory cannot hold, so many blocks are under way.
constexpr int64_t kLargeBytes = int64_t{256} << 20;
static_assert(kUpdateTile == gpu::kWarp, "a token a lane");

// What a block holds in shared memory beside Y.
struct alignas(16) Room {
  float parts[kWarps][kBlock][kUpdateTile];  // of products, by warp; the sums in the first
  float diagonal[kBlock][kBlock];            // of Q, the rows at hand
  float inverse[kBlock];
  double sums[kWarps];
  int done;
};

// Y as it is read: scaled or extrapolated.
struct Source {
  const Coefficients& c;
  float beta;

  __device__ float operator()(int64_t at, int j) const {
    const float now = c.y[at];
    if (c.before != nullptr) return fmaxf(now + beta * (now - c.before[at]), 0.0f);
    // In float64: the scale of a row that has almost died is beyond float32.
    return c.scale == nullptr ? now : static_cast<float>(now * c.scale[j]);
  }
};

// A warp's part of rows [first, first + kBlock) of QY: a square of 4 features by 4 tokens a lane.
// With kSigned of the positive and the negative entries by themselves, into two rooms.
template <bool kSigned>
__device__ inline void multiply_part(const Products& q, int first, const float* y, int warp,
                                     int lane, float (*parts)[kBlock][kUpdateTile],
                                     float (*negative)[kBlock][kUpdateTile]) {
  const int feature = lane / 8 * 4;
  const int token = lane % 8 * 4;
  const int each = (q.rank + kWarps - 1) / kWarps;
  const int to = min((warp + 1) * each, q.rank);
  float sum[4][4] = {};
  float other[4][4] = {};
  const float* row = q.narrow + first + feature;
#pragma unroll 4
  for (int l = warp * each; l < to; l++) {
    const float4 left = *reinterpret_cast<const float4*>(row + static_cast<int64_t>(l) * q.padded);
    const float4 right = *reinterpret_cast<const float4*>(y + l * kUpdateTile + token);
    const float values[4] = {left.x, left.y, left.z, left.w};
    const float tokens[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int t = 0; t < 4; t++) {
        if (kSigned) {
          sum[i][t] += fmaxf(values[i], 0.0f) * tokens[t];
          other[i][t] += fmaxf(-values[i], 0.0f) * tokens[t];
        } else {
          sum[i][t] += values[i] * tokens[t];
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    *reinterpret_cast<float4*>(&parts[warp][feature + i][token]) =
        make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
    if (kSigned) {
      *reinterpret_cast<float4*>(&negative[warp][feature + i][token]) =
          make_float4(other[i][0], other[i][1], other[i][2], other[i][3]);
    }
  }
}

__device__ inline float add_parts(const float (*parts)[kBlock][kUpdateTile], int feature,
                                  int token) {
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; w++) sum += parts[w][feature][token];
  return sum;
}

// One token's step over the features of a block, in order; returns by how much the error falls.
__device__ inline float descend(const Room& room, int count, float* y, int lane) {
  float gradient[kBlock];
#pragma unroll
  for (int b = 0; b < kBlock; b++) gradient[b] = room.parts[0][b][lane];
  float gain = 0;
#pragma unroll
  for (int b = 0; b < kBlock; b++) {
    if (b >= count) break;
    const float inverse = room.inverse[b];
    const float old = y[b * kUpdateTile + lane];
    // A feature without neurons has no reciprocal and keeps its coefficients.
    const float moved = inverse > 0 ? fmaxf(old + gradient[b] * inverse, 0.0f) : old;
    const float step = moved - old;
    gain += step * (2 * gradient[b] - room.diagonal[b][b] * step);
    y[b * kUpdateTile + lane] = moved;
#pragma unroll
    for (int later = b + 1; later < kBlock; later++) {
      gradient[later] -= room.diagonal[b][later] * step;
    }
  }
  return gain;
}

// One walk over the features of a tile. Measuring, it leaves Y and returns to every thread its part
// of 2<P - shift,Y> - <QY,Y>; otherwise the lanes of the first warp get parts of the gain.
template <bool kMeasures>
__device__ __forceinline__ double walk(const Products& q, const float* p, int64_t width, float* y,
                              Room& room) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  double total = 0;
  for (int first = 0; first < q.rank; first += kBlock) {
    const int count = min(kBlock, q.rank - first);
    // Two features of a token for each thread.
    const int own = 2 * warp;
    float unexplained[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int j = first + own + i;
      unexplained[i] = own + i < count ? p[j * width + lane] - q.shift[j] : 0;
    }
    if (!kMeasures) {
      const int b = static_cast<int>(threadIdx.x) / kBlock;
      const int other = static_cast<int>(threadIdx.x) % kBlock;
      if (b < count) {
        room.diagonal[b][other] =
            q.narrow[static_cast<int64_t>(first + b) * q.padded + first + other];
      }
      if (threadIdx.x < kBlock) room.inverse[threadIdx.x] = q.inverse[first + threadIdx.x];
    }
    multiply_part<false>(q, first, y, warp, lane, room.parts, nullptr);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float rest = unexplained[i] - add_parts(room.parts, own + i, lane);
      if (kMeasures) {
        if (own + i < count) {
          total += static_cast<double>(y[(first + own + i) * kUpdateTile + lane]) *
                   (rest + unexplained[i]);
        }
      } else {
        // Nobody else reads or writes this sum's parts.
        room.parts[0][own + i][lane] = rest;
      }
    }
    __syncthreads();
    if (kMeasures) continue;
    if (warp == 0) {
      total += static_cast<double>(descend(room, count, y + first * kUpdateTile, lane));
    }
    __syncthreads();
  }
  return total;
}

// Where least squares begin, and what that explains: nothing if the unconstrained solution is
// worse than zero.
__device__ __forceinline__ double begin(const Coefficients& c, const Products& q, int64_t offset,
                               int64_t tokens, float* y, Room& room) {
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
    __syncthreads();
    explained = block_sum(walk<true>(q, c.p + offset, width, y, room), room.sums);
    if (explained > 0) return explained;
  }
  for (int j = warp; j < q.rank; j += kWarps) y[j * kUpdateTile + lane] = 0;
  __syncthreads();
  return 0;
}

// A tile; returns this thread's part of <P,Y'>.
__device__ __forceinline__ double descend_tile(const Coefficients& c, const Products& q,
                                      const UpdateNumbers* numbers, bool solving, int64_t tile,
                                      float* y, Room& room) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t width = c.shape.width;
  const int64_t offset = c.shape.tile_offset(tile / 2) + tile % 2 * kUpdateTile;
  double explained = 0;
  if (solving) {
    explained = begin(c, q, offset, c.shape.tokens - tile * kUpdateTile, y, room);
  } else {
    const Source source{c, numbers->beta};
    for (int j = warp; j < q.rank; j += kWarps) {
      y[j * kUpdateTile + lane] = source(offset + j * width + lane, j);
    }
    __syncthreads();
    if (numbers->tolerance > 0) {
      explained = block_sum(walk<true>(q, c.p + offset, width, y, room), room.sums);
    }
  }
  for (int sweep = 0; sweep < numbers->sweeps; sweep++) {
    double gain = walk<false>(q, c.p + offset, width, y, room);
    if (!(numbers->tolerance > 0)) continue;
    gain = block_sum(gain, room.sums);
    explained += gain;
    if (gain <= numbers->tolerance * fabs(explained)) break;
  }
  double dot = 0;
  for (int j = warp; j < q.rank; j += kWarps) {
    const int64_t at = offset + j * width + lane;
    const float value = y[j * kUpdateTile + lane];
    c.result[at] = value;
    dot += static_cast<double>(c.p[at]) * value;
  }
  return dot;
}

// A block per tile, with Y's in shared memory.
__global__ void __launch_bounds__(kThreads, kResident)
    descend_shared(Coefficients c, Products q, const UpdateNumbers* numbers, bool solving) {
  SNMF4J_SHARED(unsigned char, memory);
  Room& room = *reinterpret_cast<Room*>(memory);
  auto* y = reinterpret_cast<float*>(memory + sizeof(Room));
  const double dot =
      block_sum(descend_tile(c, q, numbers, solving, blockIdx.x, y, room), room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

// Blocks that walk over tiles, with Y's in a piece of `large` of each block's own.
__global__ void __launch_bounds__(kThreads)
    descend_large(Coefficients c, Products q, const UpdateNumbers* numbers, bool solving,
                  float* large) {
  SNMF4J_SHARED(unsigned char, memory);
  Room& room = *reinterpret_cast<Room*>(memory);
  float* y = large + static_cast<int64_t>(blockIdx.x) * q.rank * kUpdateTile;
  double dot = 0;
  for (int64_t tile = blockIdx.x; tile * kUpdateTile < c.shape.tokens; tile += gridDim.x) {
    dot += descend_tile(c, q, numbers, solving, tile, y, room);
    __syncthreads();
  }
  dot = block_sum(dot, room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

// y sqrt((P+ + Q-y) / (P- + Q+y + epsilon)) of a tile, all features at once; returns this thread's
// part of <P,Y'>.
__device__ inline double multiply_tile(const Coefficients& c, const Products& q,
                                       const UpdateNumbers* numbers, int64_t tile, float* y,
                                       Room& room, float (*negative)[kBlock][kUpdateTile]) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t width = c.shape.width;
  const int64_t offset = c.shape.tile_offset(tile / 2) + tile % 2 * kUpdateTile;
  const Source source{c, numbers->beta};
  for (int j = warp; j < q.rank; j += kWarps) {
    y[j * kUpdateTile + lane] = source(offset + j * width + lane, j);
  }
  __syncthreads();
  double dot = 0;
  for (int first = 0; first < q.rank; first += kBlock) {
    multiply_part<true>(q, first, y, warp, lane, room.parts, negative);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int b = 2 * warp + i;
      const int j = first + b;
      if (j >= q.rank) break;
      const int64_t at = offset + j * width + lane;
      const float p = c.p[at];
      const float up = add_parts(negative, b, lane) + fmaxf(p, 0.0f);
      const float down = add_parts(room.parts, b, lane) + fmaxf(-p, 0.0f) + numbers->epsilon;
      const float value = y[j * kUpdateTile + lane] * sqrtf(up / down);
      c.result[at] = value;
      dot += static_cast<double>(p) * value;
    }
    __syncthreads();
  }
  return dot;
}

// Room for the negative parts lies behind the other.
__global__ void __launch_bounds__(kThreads, kResident)
    multiply_shared(Coefficients c, Products q, const UpdateNumbers* numbers) {
  SNMF4J_SHARED(unsigned char, memory);
  Room& room = *reinterpret_cast<Room*>(memory);
  auto* negative = reinterpret_cast<float(*)[kBlock][kUpdateTile]>(memory + sizeof(Room));
  auto* y = reinterpret_cast<float*>(memory + sizeof(Room) + sizeof room.parts);
  const double dot =
      block_sum(multiply_tile(c, q, numbers, blockIdx.x, y, room, negative), room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

__global__ void __launch_bounds__(kThreads)
    multiply_large(Coefficients c, Products q, const UpdateNumbers* numbers, float* large) {
  SNMF4J_SHARED(unsigned char, memory);
  Room& room = *reinterpret_cast<Room*>(memory);
  auto* negative = reinterpret_cast<float(*)[kBlock][kUpdateTile]>(memory + sizeof(Room));
  float* y = large + static_cast<int64_t>(blockIdx.x) * q.rank * kUpdateTile;
  double dot = 0;
  for (int64_t tile = blockIdx.x; tile * kUpdateTile < c.shape.tokens; tile += gridDim.x) {
    dot += multiply_tile(c, q, numbers, tile, y, room, negative);
  }
  dot = block_sum(dot, room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

std::size_t tile_bytes(int rank) {
  return static_cast<std::size_t>(rank) * kUpdateTile * sizeof(float);
}

std::size_t fixed_bytes(int rule) {
  return sizeof(Room) + (rule == SNMF4J_RULE_MULTIPLICATIVE ? sizeof(Room::parts) : 0);
}

bool in_shared_memory(const snmf4j_context& context, int rule, int rank) {
  return fixed_bytes(rule) + tile_bytes(rank) <=
         static_cast<std::size_t>(context.facts.shared_bytes);
}

}  // namespace

int64_t update_blocks(const snmf4j_context& context, int rule, int rank, int64_t tokens) {
  const int64_t tiles = (tokens + kUpdateTile - 1) / kUpdateTile;
  if (in_shared_memory(context, rule, rank)) return tiles;
  const int64_t most = std::max<int64_t>(kLargeBytes / static_cast<int64_t>(tile_bytes(rank)), 1);
  return std::min({tiles, most, int64_t{kResident} * context.facts.multiprocessors});
}

std::size_t update_room(const snmf4j_context& context, int rule, int rank, int64_t tokens) {
  if (in_shared_memory(context, rule, rank)) return 0;
  return static_cast<std::size_t>(update_blocks(context, rule, rank, tokens)) * tile_bytes(rank) /
         sizeof(float);
}

void update(snmf4j_context& context, int rule, const Products& products,
            const UpdateNumbers* numbers, const Coefficients& coefficients, float* large) {
  const bool shared = in_shared_memory(context, rule, products.rank);
  const gpu::Shape shape{
      static_cast<unsigned>(
          update_blocks(context, rule, products.rank, coefficients.shape.tokens)),
      kThreads, fixed_bytes(rule) + (shared ? tile_bytes(products.rank) : 0)};
  const bool solving = rule == SNMF4J_RULE_LEAST_SQUARES;
  if (rule != SNMF4J_RULE_MULTIPLICATIVE && shared) {
    gpu::launch(context.stream, shape, descend_shared, coefficients, products, numbers, solving);
  } else if (rule != SNMF4J_RULE_MULTIPLICATIVE) {
    gpu::launch(context.stream, shape, descend_large, coefficients, products, numbers, solving,
                large);
  } else if (shared) {
    gpu::launch(context.stream, shape, multiply_shared, coefficients, products, numbers);
  } else {
    gpu::launch(context.stream, shape, multiply_large, coefficients, products, numbers, large);
  }
}

}  // namespace snmf4j
