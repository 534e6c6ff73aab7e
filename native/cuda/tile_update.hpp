// The mathematics of an update of Y, for a tile of tokens whose coefficients lie in shared memory,
// row after row; device code. A tile has kTokens, one a lane, and a block kWarps.
//
// Features are taken 16 at a time: groups of kTokens threads share the products of Q's rows with Y,
// each a part of the sum, then the first group descends feature by feature.
#ifndef SNMF4J_CUDA_TILE_UPDATE_HPP
#define SNMF4J_CUDA_TILE_UPDATE_HPP

#include "collective.hpp"
#include "update.hpp"

namespace snmf4j {

constexpr int kFeatureBlock = kRankStep;

// Groups of as many threads as a tile has tokens.
template <int kWarps, int kTokens>
constexpr int kGroups = kWarps * gpu::kWarp / kTokens;

// Parts of products, by group.
template <int kTokens>
using Parts = float (*)[kFeatureBlock][kTokens];

// What a block holds in shared memory beside Y.
template <int kWarps, int kTokens>
struct alignas(16) UpdateRoom {
  float parts[kGroups<kWarps, kTokens>][kFeatureBlock][kTokens];  // the sums in the first
  float diagonal[kFeatureBlock][kFeatureBlock];                   // of Q, the rows at hand
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

// A group's part of rows [first, first + kFeatureBlock) of QY: a square of 4 features by 4 tokens a
// lane. With kSigned of the positive and the negative entries by themselves, into two rooms.
template <int kWarps, int kTokens, bool kSigned>
__device__ inline void multiply_part(const Products& q, int first, const float* y,
                                     Parts<kTokens> parts, Parts<kTokens> negative) {
  static_assert(kFeatureBlock == 16, "four lanes have four features each");
  constexpr int kSquares = kTokens / 4;
  const int thread = static_cast<int>(threadIdx.x);
  const int group = thread / kTokens;
  const int feature = thread / kSquares % 4 * 4;
  const int token = thread % kSquares * 4;
  const int each = (q.rank + kGroups<kWarps, kTokens> - 1) / kGroups<kWarps, kTokens>;
  const int to = min((group + 1) * each, q.rank);
  float sum[4][4] = {};
  float other[4][4] = {};
  const float* row = q.narrow + first + feature;
#pragma unroll 4
  for (int l = group * each; l < to; l++) {
    const float4 left = *reinterpret_cast<const float4*>(row + static_cast<int64_t>(l) * q.padded);
    const float4 right = *reinterpret_cast<const float4*>(y + l * kTokens + token);
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
    *reinterpret_cast<float4*>(&parts[group][feature + i][token]) =
        make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
    if (kSigned) {
      *reinterpret_cast<float4*>(&negative[group][feature + i][token]) =
          make_float4(other[i][0], other[i][1], other[i][2], other[i][3]);
    }
  }
}

template <int kWarps, int kTokens>
__device__ inline float add_parts(const float (*parts)[kFeatureBlock][kTokens], int feature,
                                  int token) {
  float sum = 0;
#pragma unroll
  for (int g = 0; g < kGroups<kWarps, kTokens>; g++) sum += parts[g][feature][token];
  return sum;
}

// One token's step over the features of a block, in order; returns by how much the error falls, if
// that is asked for.
template <bool kGains, int kWarps, int kTokens>
__device__ inline float descend(const UpdateRoom<kWarps, kTokens>& room, int count, float* y,
                                int lane) {
  float gradient[kFeatureBlock];
#pragma unroll
  for (int b = 0; b < kFeatureBlock; b++) gradient[b] = room.parts[0][b][lane];
  float gain = 0;
#pragma unroll
  for (int b = 0; b < kFeatureBlock; b++) {
    if (b >= count) break;
    const float inverse = room.inverse[b];
    const float old = y[b * kTokens + lane];
    // A feature without neurons has no reciprocal and keeps its coefficients.
    const float moved = inverse > 0 ? fmaxf(old + gradient[b] * inverse, 0.0f) : old;
    const float step = moved - old;
    if (kGains) gain += step * (2 * gradient[b] - room.diagonal[b][b] * step);
    y[b * kTokens + lane] = moved;
#pragma unroll
    for (int later = b + 1; later < kFeatureBlock; later++) {
      gradient[later] -= room.diagonal[b][later] * step;
    }
  }
  return gain;
}

// What a walk over the features of a tile is for: to leave Y and return to every thread its part of
// 2<P - shift,Y> - <QY,Y>; to change it; or that, and to return the gain to the first group.
enum class Walk { kMeasure, kDescend, kDescendAndGain };

template <int kWarps, int kTokens, Walk kWalk>
__device__ __forceinline__ double walk(const Products& q, const float* p, int64_t width, float* y,
                                       UpdateRoom<kWarps, kTokens>& room) {
  constexpr bool kMeasures = kWalk == Walk::kMeasure;
  const int token = static_cast<int>(threadIdx.x) % kTokens;
  const int group = static_cast<int>(threadIdx.x) / kTokens;
  double total = 0;
  for (int first = 0; first < q.rank; first += kFeatureBlock) {
    const int count = min(kFeatureBlock, q.rank - first);
    // A few features of a token for each thread.
    constexpr int kOwn = kFeatureBlock / kGroups<kWarps, kTokens>;
    const int own = kOwn * group;
    float unexplained[kOwn];
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const int j = first + own + i;
      unexplained[i] = own + i < count ? p[j * width + token] - q.shift[j] : 0;
    }
    if (!kMeasures) {
      const int other = static_cast<int>(threadIdx.x) % kFeatureBlock;
      for (int b = static_cast<int>(threadIdx.x) / kFeatureBlock; b < count;
           b += kWarps * gpu::kWarp / kFeatureBlock) {
        room.diagonal[b][other] =
            q.narrow[static_cast<int64_t>(first + b) * q.padded + first + other];
      }
      if (threadIdx.x < kFeatureBlock) room.inverse[threadIdx.x] = q.inverse[first + threadIdx.x];
    }
    multiply_part<kWarps, kTokens, false>(q, first, y, room.parts, nullptr);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const float rest = unexplained[i] - add_parts<kWarps, kTokens>(room.parts, own + i, token);
      if (kMeasures) {
        if (own + i < count) {
          total += static_cast<double>(y[(first + own + i) * kTokens + token]) *
                   (rest + unexplained[i]);
        }
      } else {
        // Nobody else reads or writes this sum's parts.
        room.parts[0][own + i][token] = rest;
      }
    }
    __syncthreads();
    if (kMeasures) continue;
    if (group == 0) {
      constexpr bool kGains = kWalk == Walk::kDescendAndGain;
      const float gain = descend<kGains>(room, count, y + first * kTokens, token);
      if (kGains) total += static_cast<double>(gain);
    }
    __syncthreads();
  }
  return total;
}

// y sqrt((P+ + Q-y) / (P- + Q+y + epsilon)) of a tile, all features at once, for put(j, token,
// value) to keep; returns this thread's part of <P,Y'>.
template <int kWarps, int kTokens, typename Put>
__device__ __forceinline__ double multiply(const Products& q, const float* p, int64_t width,
                                           float epsilon, const float* y,
                                           UpdateRoom<kWarps, kTokens>& room,
                                           Parts<kTokens> negative, const Put& put) {
  const int token = static_cast<int>(threadIdx.x) % kTokens;
  const int group = static_cast<int>(threadIdx.x) / kTokens;
  double dot = 0;
  for (int first = 0; first < q.rank; first += kFeatureBlock) {
    multiply_part<kWarps, kTokens, true>(q, first, y, room.parts, negative);
    __syncthreads();
    constexpr int kOwn = kFeatureBlock / kGroups<kWarps, kTokens>;
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      const int b = kOwn * group + i;
      const int j = first + b;
      if (j >= q.rank) break;
      const float own = p[j * width + token];
      const float up = add_parts<kWarps, kTokens>(negative, b, token) + fmaxf(own, 0.0f);
      const float down =
          add_parts<kWarps, kTokens>(room.parts, b, token) + fmaxf(-own, 0.0f) + epsilon;
      const float value = y[j * kTokens + token] * sqrtf(up / down);
      put(j, token, value);
      dot += static_cast<double>(own) * value;
    }
    __syncthreads();
  }
  return dot;
}

}  // namespace snmf4j

#endif
