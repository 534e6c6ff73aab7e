// The mathematics of an update of Y, for a tile of tokens whose coefficients lie in shared memory,
// row after row; device code. A tile has a token for each lane, and a block kWarps.
//
// Features are taken 16 at a time: the warps share the products of Q's rows with Y, each a part of
// the sum, then the first one descends feature by feature. Meanwhile the rows that the next step
// needs are on their way into shared memory.
#ifndef SNMF4J_CUDA_TILE_UPDATE_HPP
#define SNMF4J_CUDA_TILE_UPDATE_HPP

#include "async.hpp"
#include "collective.hpp"
#include "update.hpp"

namespace snmf4j {

constexpr int kFeatureBlock = kRankStep;
static_assert(kUpdateTile == gpu::kWarp, "a token a lane");

// Parts of products, by warp.
using Parts = float (*)[kFeatureBlock][kUpdateTile];

// What a block holds in shared memory beside Y and rows of Q.
template <int kWarps>
struct alignas(16) UpdateRoom {
  float parts[kWarps][kFeatureBlock][kUpdateTile];  // the sums in the first
  float diagonal[kFeatureBlock][kFeatureBlock];     // of Q, the rows at hand
  float inverse[kFeatureBlock];
  double sums[kWarps];
};

// Y as it is read: scaled or extrapolated.
struct UpdateSource {
  const Coefficients& c;
  float beta;

  __device__ float operator()(int64_t at, int j) const {
    const float now = c.y[at];
    if (c.before != nullptr) return fmaxf(now + beta * (now - c.before[at]), 0.0f);
    // In float64: the scale of a row that has almost died is beyond float32.
    return c.scale == nullptr ? now : static_cast<float>(now * c.scale[j]);
  }
};

// The rows of Q of a step, as columns, which they are, too: in shared memory, [rank] times
// kFeatureBlock, or where Q is if that has no room.
template <bool kStaged>
struct Rows {
  const Products& q;
  float* stage;

  // Asks for the rows from `first` on; nobody may still read the last ones.
  __device__ void fetch(int first) const {
    if (!kStaged) return;
    constexpr int kPieces = kFeatureBlock / 4;
    for (int i = static_cast<int>(threadIdx.x); i < q.rank * kPieces;
         i += static_cast<int>(blockDim.x)) {
      copy_async(stage + 4 * i,
                 q.narrow + static_cast<int64_t>(i / kPieces) * q.padded + first + i % kPieces * 4);
    }
    commit_async();
  }
  // Waits for them, and for all threads of the block.
  __device__ void wait() const {
    if (kStaged) wait_async<0>();
    __syncthreads();
  }
  __device__ const float* at(int first) const { return kStaged ? stage : q.narrow + first; }
  __device__ int64_t pitch() const { return kStaged ? kFeatureBlock : q.padded; }
};

// A warp's part of rows [first, first + kFeatureBlock) of QY: a square of 4 features by 4 tokens a
// lane. With kSigned of the positive and the negative entries by themselves, into two rooms.
template <int kWarps, bool kSigned, bool kStaged>
__device__ __forceinline__ void multiply_part(const Rows<kStaged>& rows, int first, const float* y,
                                              Parts parts, Parts negative) {
  static_assert(kFeatureBlock == 16, "four lanes have four features each");
  constexpr int kSquares = kUpdateTile / 4;
  const int thread = static_cast<int>(threadIdx.x);
  const int warp = thread / gpu::kWarp;
  const int feature = thread / kSquares % 4 * 4;
  const int token = thread % kSquares * 4;
  const int rank = rows.q.rank;
  const int each = (rank + kWarps - 1) / kWarps;
  const int to = min((warp + 1) * each, rank);
  float sum[4][4] = {};
  float other[4][4] = {};
  const float* row = rows.at(first) + feature;
#pragma unroll 4
  for (int l = warp * each; l < to; l++) {
    const float4 left = *reinterpret_cast<const float4*>(row + l * rows.pitch());
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
__device__ inline float add_parts(const float (*parts)[kFeatureBlock][kUpdateTile], int feature,
                                  int token) {
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; w++) sum += parts[w][feature][token];
  return sum;
}

// One token's step over the features of a block, in order; returns by how much the error falls, if
// that is asked for.
template <bool kGains, int kWarps>
__device__ inline float descend(const UpdateRoom<kWarps>& room, int count, float* y, int lane) {
  float gradient[kFeatureBlock];
#pragma unroll
  for (int b = 0; b < kFeatureBlock; b++) gradient[b] = room.parts[0][b][lane];
  float gain = 0;
#pragma unroll
  for (int b = 0; b < kFeatureBlock; b++) {
    if (b >= count) break;
    const float inverse = room.inverse[b];
    const float old = y[b * kUpdateTile + lane];
    // A feature without neurons has no reciprocal and keeps its coefficients.
    const float moved = inverse > 0 ? fmaxf(old + gradient[b] * inverse, 0.0f) : old;
    const float step = moved - old;
    if (kGains) gain += step * (2 * gradient[b] - room.diagonal[b][b] * step);
    y[b * kUpdateTile + lane] = moved;
#pragma unroll
    for (int four = (b + 1) / 4 * 4; four < kFeatureBlock; four += 4) {
      const float4 q = *reinterpret_cast<const float4*>(&room.diagonal[b][four]);
      if (four > b) gradient[four] -= q.x * step;
      if (four + 1 > b) gradient[four + 1] -= q.y * step;
      if (four + 2 > b) gradient[four + 2] -= q.z * step;
      gradient[four + 3] -= q.w * step;
    }
  }
  return gain;
}

// What a walk over the features of a tile is for: to leave Y and return to every thread its part of
// 2<P - shift,Y> - <QY,Y>; to change it; or that, and to return the gain to the first warp.
enum class Walk { kMeasure, kDescend, kDescendAndGain };

// The first rows have been asked for, and are again. Y is to be read behind a barrier.
template <int kWarps, Walk kWalk, bool kStaged>
__device__ __forceinline__ double walk(const Rows<kStaged>& rows, const float* p, int64_t width,
                                       float* y, UpdateRoom<kWarps>& room) {
  constexpr bool kMeasures = kWalk == Walk::kMeasure;
  const Products& q = rows.q;
  const int token = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  double total = 0;
  for (int first = 0; first < q.rank; first += kFeatureBlock) {
    const int count = min(kFeatureBlock, q.rank - first);
    // A few features of a token for each thread.
    constexpr int kOwn = kFeatureBlock / kWarps;
    const int own = kOwn * warp;
    // What comes from afar is asked for long before it is used: a thread that waits does nothing
    // else.
    float projected[kOwn], shift[kOwn], inverse = 0;
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const int j = first + own + i;
      projected[i] = own + i < count ? p[j * width + token] : 0;
      shift[i] = own + i < count ? q.shift[j] : 0;
    }
    if (!kMeasures && threadIdx.x < kFeatureBlock) inverse = q.inverse[first + threadIdx.x];
    rows.wait();
    if (!kMeasures) {
      const int other = static_cast<int>(threadIdx.x) % kFeatureBlock;
      const float* diagonal = rows.at(first) + first * rows.pitch();
      for (int b = static_cast<int>(threadIdx.x) / kFeatureBlock; b < count;
           b += kWarps * gpu::kWarp / kFeatureBlock) {
        room.diagonal[b][other] = diagonal[b * rows.pitch() + other];
      }
    }
    multiply_part<kWarps, false>(rows, first, y, room.parts, nullptr);
    if (!kMeasures && threadIdx.x < kFeatureBlock) room.inverse[threadIdx.x] = inverse;
    __syncthreads();
    rows.fetch(first + kFeatureBlock < q.rank ? first + kFeatureBlock : 0);
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const float unexplained = projected[i] - shift[i];
      const float rest = unexplained - add_parts<kWarps>(room.parts, own + i, token);
      if (kMeasures) {
        if (own + i < count) {
          total += static_cast<double>(y[(first + own + i) * kUpdateTile + token]) *
                   (rest + unexplained);
        }
      } else {
        // Nobody else reads or writes this sum's parts.
        room.parts[0][own + i][token] = rest;
      }
    }
    if (kMeasures) continue;
    __syncthreads();
    if (warp == 0) {
      constexpr bool kGains = kWalk == Walk::kDescendAndGain;
      const float gain = descend<kGains>(room, count, y + first * kUpdateTile, token);
      if (kGains) total += static_cast<double>(gain);
    }
  }
  return total;
}

// y sqrt((P+ + Q-y) / (P- + Q+y + epsilon)) of a tile, all features at once, for put(j, token,
// value) to keep; returns this thread's part of <P,Y'>. The first rows have been asked for.
template <int kWarps, bool kStaged, typename Put>
__device__ __forceinline__ double multiply(const Rows<kStaged>& rows, const float* p, int64_t width,
                                           float epsilon, const float* y, UpdateRoom<kWarps>& room,
                                           Parts negative, const Put& put) {
  const int rank = rows.q.rank;
  const int token = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  double dot = 0;
  for (int first = 0; first < rank; first += kFeatureBlock) {
    constexpr int kOwn = kFeatureBlock / kWarps;
    float projected[kOwn];
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const int j = first + kOwn * warp + i;
      projected[i] = j < rank ? p[j * width + token] : 0;
    }
    rows.wait();
    multiply_part<kWarps, true>(rows, first, y, room.parts, negative);
    __syncthreads();
    if (first + kFeatureBlock < rank) rows.fetch(first + kFeatureBlock);
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const int b = kOwn * warp + i;
      const int j = first + b;
      if (j >= rank) break;
      const float own = projected[i];
      const float up = add_parts<kWarps>(negative, b, token) + fmaxf(own, 0.0f);
      const float down = add_parts<kWarps>(room.parts, b, token) + fmaxf(-own, 0.0f) + epsilon;
      const float value = y[j * kUpdateTile + token] * sqrtf(up / down);
      put(j, token, value);
      dot += static_cast<double>(own) * value;
    }
  }
  return dot;
}

}  // namespace snmf4j

#endif
