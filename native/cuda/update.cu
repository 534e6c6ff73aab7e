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

constexpr int kBlock = kRankStep;  // features
// Warps of a block, for few features and for many, and of a multiprocessor: for these the registers
// are to suffice. With few features a step is short, and more tiles hide its barriers.
constexpr int kFewFeatures = 128;
constexpr int kFewWarps = 4;
constexpr int kManyWarps = 8;
constexpr int kResidentWarps = 24;
// Where sums decide when a tile is done, which takes more registers.
constexpr int kStoppingWarps = 16;
// Of tiles that shared memory cannot hold, so many blocks are under way.
constexpr int64_t kLargeBytes = int64_t{256} << 20;
static_assert(kUpdateTile == gpu::kWarp, "a token a lane");

// What a block holds in shared memory beside Y.
template <int kWarps>
struct alignas(16) Room {
  float parts[kWarps][kBlock][kUpdateTile];  // of products, by warp; the sums in the first
  float diagonal[kBlock][kBlock];            // of Q, the rows at hand
  float inverse[kBlock];
  double sums[kWarps];
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
template <int kWarps, bool kSigned>
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

template <int kWarps>
__device__ inline float add_parts(const float (*parts)[kBlock][kUpdateTile], int feature,
                                  int token) {
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; w++) sum += parts[w][feature][token];
  return sum;
}

// One token's step over the features of a block, in order; returns by how much the error falls, if
// that is asked for.
template <bool kGains, int kWarps>
__device__ inline float descend(const Room<kWarps>& room, int count, float* y, int lane) {
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
    if (kGains) gain += step * (2 * gradient[b] - room.diagonal[b][b] * step);
    y[b * kUpdateTile + lane] = moved;
#pragma unroll
    for (int later = b + 1; later < kBlock; later++) {
      gradient[later] -= room.diagonal[b][later] * step;
    }
  }
  return gain;
}

// What a walk over the features of a tile is for: to leave Y and return to every thread its part of
// 2<P - shift,Y> - <QY,Y>; to change it; or that, and to return the gain to the first warp's lanes.
enum class Walk { kMeasure, kDescend, kDescendAndGain };

template <int kWarps, Walk kWalk>
__device__ __forceinline__ double walk(const Products& q, const float* p, int64_t width,
                                       float* y, Room<kWarps>& room) {
  constexpr bool kMeasures = kWalk == Walk::kMeasure;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  double total = 0;
  for (int first = 0; first < q.rank; first += kBlock) {
    const int count = min(kBlock, q.rank - first);
    // A few features of a token for each thread.
    constexpr int kOwn = kBlock / kWarps;
    const int own = kOwn * warp;
    float unexplained[kOwn];
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const int j = first + own + i;
      unexplained[i] = own + i < count ? p[j * width + lane] - q.shift[j] : 0;
    }
    if (!kMeasures) {
      const int other = static_cast<int>(threadIdx.x) % kBlock;
      for (int b = static_cast<int>(threadIdx.x) / kBlock; b < count;
           b += kWarps * gpu::kWarp / kBlock) {
        room.diagonal[b][other] =
            q.narrow[static_cast<int64_t>(first + b) * q.padded + first + other];
      }
      if (threadIdx.x < kBlock) room.inverse[threadIdx.x] = q.inverse[first + threadIdx.x];
    }
    multiply_part<kWarps, false>(q, first, y, warp, lane, room.parts, nullptr);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const float rest = unexplained[i] - add_parts<kWarps>(room.parts, own + i, lane);
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
      constexpr bool kGains = kWalk == Walk::kDescendAndGain;
      const float gain = descend<kGains>(room, count, y + first * kUpdateTile, lane);
      if (kGains) total += static_cast<double>(gain);
    }
    __syncthreads();
  }
  return total;
}

// Where least squares begin, and what that explains: nothing if the unconstrained solution is
// worse than zero.
template <int kWarps>
__device__ __forceinline__ double begin(const Coefficients& c, const Products& q, int64_t offset,
                               int64_t tokens, float* y, Room<kWarps>& room) {
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
    explained = block_sum(walk<kWarps, Walk::kMeasure>(q, c.p + offset, width, y, room), room.sums);
    if (explained > 0) return explained;
  }
  for (int j = warp; j < q.rank; j += kWarps) y[j * kUpdateTile + lane] = 0;
  __syncthreads();
  return 0;
}

// A tile; returns this thread's part of <P,Y'>. Without kStops all sweeps are made, and Y is read.
template <bool kStops, int kWarps>
__device__ __forceinline__ double descend_tile(const Coefficients& c, const Products& q,
                                               const UpdateNumbers* numbers, bool solving,
                                               int64_t tile, float* y, Room<kWarps>& room) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t width = c.shape.width;
  const int64_t offset = c.shape.tile_offset(tile / 2) + tile % 2 * kUpdateTile;
  double explained = 0;
  if (kStops && solving) {
    explained = begin(c, q, offset, c.shape.tokens - tile * kUpdateTile, y, room);
  } else {
    const Source source{c, numbers->beta};
    for (int j = warp; j < q.rank; j += kWarps) {
      y[j * kUpdateTile + lane] = source(offset + j * width + lane, j);
    }
    __syncthreads();
    if (kStops) {
      explained =
          block_sum(walk<kWarps, Walk::kMeasure>(q, c.p + offset, width, y, room), room.sums);
    }
  }
  for (int sweep = 0; sweep < numbers->sweeps; sweep++) {
    if (!kStops) {
      walk<kWarps, Walk::kDescend>(q, c.p + offset, width, y, room);
      continue;
    }
    const double gain = block_sum(
        walk<kWarps, Walk::kDescendAndGain>(q, c.p + offset, width, y, room), room.sums);
    explained += gain;
    if (numbers->tolerance > 0 && gain <= numbers->tolerance * fabs(explained)) break;
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
template <int kWarps, bool kStops>
__global__ void __launch_bounds__(kWarps* gpu::kWarp,
                                  (kStops ? kStoppingWarps : kResidentWarps) / kWarps)
    descend_shared(Coefficients c, Products q, const UpdateNumbers* numbers, bool solving) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  auto* y = reinterpret_cast<float*>(memory + sizeof(Room<kWarps>));
  const double dot = block_sum(
      descend_tile<kStops>(c, q, numbers, solving, blockIdx.x, y, room), room.sums);
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
  double dot = 0;
  for (int64_t tile = blockIdx.x; tile * kUpdateTile < c.shape.tokens; tile += gridDim.x) {
    dot += descend_tile<true>(c, q, numbers, solving, tile, y, room);
    __syncthreads();
  }
  dot = block_sum(dot, room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

// y sqrt((P+ + Q-y) / (P- + Q+y + epsilon)) of a tile, all features at once; returns this thread's
// part of <P,Y'>.
template <int kWarps>
__device__ inline double multiply_tile(const Coefficients& c, const Products& q,
                                       const UpdateNumbers* numbers, int64_t tile, float* y,
                                       Room<kWarps>& room, float (*negative)[kBlock][kUpdateTile]) {
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
    multiply_part<kWarps, true>(q, first, y, warp, lane, room.parts, negative);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kBlock / kWarps; i++) {
      const int b = kBlock / kWarps * warp + i;
      const int j = first + b;
      if (j >= q.rank) break;
      const int64_t at = offset + j * width + lane;
      const float p = c.p[at];
      const float up = add_parts<kWarps>(negative, b, lane) + fmaxf(p, 0.0f);
      const float down =
          add_parts<kWarps>(room.parts, b, lane) + fmaxf(-p, 0.0f) + numbers->epsilon;
      const float value = y[j * kUpdateTile + lane] * sqrtf(up / down);
      c.result[at] = value;
      dot += static_cast<double>(p) * value;
    }
    __syncthreads();
  }
  return dot;
}

// Room for the negative parts lies behind the other.
template <int kWarps>
__global__ void __launch_bounds__(kWarps* gpu::kWarp, kResidentWarps / kWarps)
    multiply_shared(Coefficients c, Products q, const UpdateNumbers* numbers) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  auto* negative = reinterpret_cast<float(*)[kBlock][kUpdateTile]>(memory + sizeof(Room<kWarps>));
  auto* y = reinterpret_cast<float*>(memory + sizeof(Room<kWarps>) + sizeof room.parts);
  const double dot =
      block_sum(multiply_tile(c, q, numbers, blockIdx.x, y, room, negative), room.sums);
  if (threadIdx.x == 0) c.dots[blockIdx.x] = dot;
}

template <int kWarps>
__global__ void __launch_bounds__(kWarps* gpu::kWarp)
    multiply_large(Coefficients c, Products q, const UpdateNumbers* numbers, float* large) {
  SNMF4J_SHARED(unsigned char, memory);
  Room<kWarps>& room = *reinterpret_cast<Room<kWarps>*>(memory);
  auto* negative = reinterpret_cast<float(*)[kBlock][kUpdateTile]>(memory + sizeof(Room<kWarps>));
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

bool is_few(int rank) { return rank <= kFewFeatures; }

template <int kWarps>
std::size_t fixed_bytes(int rule) {
  return sizeof(Room<kWarps>) +
         (rule == SNMF4J_RULE_MULTIPLICATIVE ? sizeof(Room<kWarps>::parts) : 0);
}

std::size_t fixed_bytes(int rule, int rank) {
  return is_few(rank) ? fixed_bytes<kFewWarps>(rule) : fixed_bytes<kManyWarps>(rule);
}

bool in_shared_memory(const snmf4j_context& context, int rule, int rank) {
  return fixed_bytes(rule, rank) + tile_bytes(rank) <=
         static_cast<std::size_t>(context.facts.shared_bytes);
}

template <int kWarps>
void launch_update(snmf4j_context& context, int rule, bool stops, const Products& q,
                   const UpdateNumbers* numbers, const Coefficients& c, float* large) {
  const bool shared = in_shared_memory(context, rule, q.rank);
  const gpu::Shape shape{
      static_cast<unsigned>(update_blocks(context, rule, q.rank, c.shape.tokens)),
      kWarps * gpu::kWarp, fixed_bytes<kWarps>(rule) + (shared ? tile_bytes(q.rank) : 0)};
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
