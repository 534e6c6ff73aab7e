#include <algorithm>

#include "collective.hpp"
#include "products.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / gpu::kWarp;
constexpr int kSumThreads = 1024;
// Blocks that share a row of Q.
constexpr unsigned kShares = 4;

// A row of Q per x: its warps walk along the entries of the other columns and look them up in this
// one, which stays in the first cache. Each sum is float64, in an order of its own.
__global__ void multiply_columns(SparseColumns columns, const float* dense, int64_t neurons,
                                 const UpdateNumbers* numbers, Products q) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(blockIdx.y) * kWarps +
                   static_cast<int>(threadIdx.x) / gpu::kWarp;
  // The longest rows first.
  const int j = q.rank - 1 - static_cast<int>(blockIdx.x);
  const float* own = dense + j * neurons;
  for (int l = warp; l <= j; l += kWarps * static_cast<int>(kShares)) {
    const int64_t end = columns.start[l + 1];
    double sum = 0;
    for (int64_t e = columns.start[l] + lane; e < end; e += gpu::kWarp) {
      sum += static_cast<double>(columns.value[e]) * own[columns.index[e]];
    }
    sum = warp_sum(sum);
    if (lane != 0) continue;
    const auto narrow = static_cast<float>(sum);
    q.wide[static_cast<int64_t>(j) * q.rank + l] = sum;
    q.wide[static_cast<int64_t>(l) * q.rank + j] = sum;
    q.narrow[static_cast<int64_t>(j) * q.padded + l] = narrow;
    q.narrow[static_cast<int64_t>(l) * q.padded + j] = narrow;
    if (l == j) {
      const float reciprocal = narrow > 0 ? numbers->relaxation / narrow : 0;
      q.inverse[j] = isfinite(reciprocal) ? reciprocal : 0;
      q.shift[j] = static_cast<float>(numbers->penalty * sqrt(sum));
    }
  }
  if (blockIdx.y != 0) return;
  const int beyond = q.rank + static_cast<int>(threadIdx.x);
  if (beyond < q.padded) {
    q.narrow[static_cast<int64_t>(j) * q.padded + beyond] = 0;
    if (j == 0) q.inverse[beyond] = q.shift[beyond] = 0;
  }
}

// Each block a part of <Q,G>, the first one the rest besides.
__global__ void sum_parts(Products q, const double* gram, const double* row_sums,
                          const double* others, int64_t size, PassSums* sums) {
  __shared__ double room[kSumThreads / gpu::kWarp];
  const int64_t thread = threadIdx.x;
  if (gram != nullptr) {
    const int64_t all = static_cast<int64_t>(q.rank) * q.rank;
    double sum = 0;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * kSumThreads + thread; i < all;
         i += static_cast<int64_t>(gridDim.x) * kSumThreads) {
      sum += q.wide[i] * gram[i];
    }
    sum = block_sum(sum, room);
    if (thread == 0) sums->quadratic[blockIdx.x] = sum;
  }
  if (blockIdx.x != 0) return;
  if (thread >= gridDim.x && thread < kSumParts) sums->quadratic[thread] = 0;
  double sum = 0;
  for (int64_t i = thread; i < size; i += kSumThreads) sum += others[i];
  sum = block_sum(sum, room);
  if (thread == 0) sums->others = sum;
  if (gram == nullptr) return;
  sum = 0;
  for (int64_t j = thread; j < q.rank; j += kSumThreads) {
    sum += sqrt(q.wide[j * q.rank + j]) * row_sums[j];
  }
  sum = block_sum(sum, room);
  if (thread == 0) sums->spread = sum;
}

}  // namespace

void multiply_features(snmf4j_context& context, const SparseColumns& columns, const float* dense,
                       int64_t neurons, const UpdateNumbers* numbers, const Products& products) {
  gpu::launch(context.stream,
              {static_cast<unsigned>(products.rank), kThreads, 0, kShares}, multiply_columns,
              columns, dense, neurons, numbers, products);
}

void sum_up(snmf4j_context& context, const Products& products, const snmf4j_statistics* statistics,
            const double* others, int64_t size, PassSums* sums) {
  const double* gram = statistics == nullptr ? nullptr : statistics->gram.data();
  const double* row_sums = statistics == nullptr ? nullptr : statistics->row_sums.data();
  const unsigned parts =
      std::min(gpu::pieces(int64_t{products.rank} * products.rank, kSumThreads), kSumParts);
  gpu::launch(context.stream, {gram == nullptr ? 1 : parts, kSumThreads}, sum_parts, products,
              gram, row_sums, others, size, sums);
}

}  // namespace snmf4j
