// Blocks of the diagonal are factored and inverted by kernels of our own, the rest are products.
#include "factor.hpp"

#include <algorithm>

namespace snmf4j {
namespace {

using gpu::Operation;

// Rows of a block of the diagonal.
constexpr int kBlock = 64;
constexpr int kPitch = kBlock + 1;
constexpr int kThreads = 512;
constexpr std::size_t kShared = (kBlock * kPitch + 6 * kBlock) * sizeof(double);
// Columns of what is left that are updated together: less of what lies above the diagonal is.
constexpr int kUpdated = 1024;

__global__ void take_diagonal(const double* matrix, int k, double* diagonal) {
  const int j = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (j < k) diagonal[j] = matrix[static_cast<int64_t>(j) * k + j];
}

__device__ inline double reciprocal_root(double x) {
#ifdef __CUDA_ARCH__
  return rsqrt(x);
#else
  return 1 / sqrt(x);
#endif
}

// One block: L^-1 of the rows [first, first + size) of the matrix's diagonal. A thread has every
// eighth row of a column in registers: what is left of the matrix, until the column is reached, and
// then the inverse, whose rows get their lengths at the end. A step sees one column and one row,
// which their owners show to all; two buffers, so that one barrier a step is enough.
__global__ void __launch_bounds__(kThreads)
    invert_block(const double* matrix, int k, int first, int size, const double* diagonal,
                 double dependent, double* inverse, int* left_out) {
  SNMF4J_SHARED(double, room);
  double* square = room;                     // the matrix, and L^-1 at the end
  double* least = square + kBlock * kPitch;  // pivots have to be above
  double* roots = least + kBlock;            // reciprocal ones of the pivots
  double(*column)[kBlock] = reinterpret_cast<double(*)[kBlock]>(roots + kBlock);
  double(*row)[kBlock] = column + 2;
  const int64_t corner = static_cast<int64_t>(first) * k + first;
  const int c = static_cast<int>(threadIdx.x) % kBlock;
  constexpr int kRows = kThreads / kBlock;
  constexpr int kEach = kBlock / kRows;
  const int r = static_cast<int>(threadIdx.x) / kBlock;
  for (int j = r; j < kBlock; j += kRows) {
    const bool inside = j <= c && c < size;
    square[c * kPitch + j] = inside ? matrix[corner + static_cast<int64_t>(j) * k + c] : 0;
  }
  if (r == 0) least[c] = c < size ? dependent * diagonal[first + c] : 0;
  __syncthreads();
  double own[kEach];  // rows r, r + kRows, ...
#pragma unroll
  for (int q = 0; q < kEach; q++) own[q] = square[(r + q * kRows) * kPitch + c];
#pragma unroll
  for (int group = 0; group < kEach; group++) {
#pragma unroll 1
    for (int member = 0; member < kRows; member++) {
      const int p = group * kRows + member;
      if (p >= size) break;
      if (c == p) {
#pragma unroll
        for (int q = group; q < kEach; q++) column[p % 2][r + q * kRows] = own[q];
      }
      // Of the inverse, whose diagonal is one as yet.
      if (r == member && c <= p) row[p % 2][c] = c < p ? own[group] : 1;
      __syncthreads();
      const double rest = column[p % 2][p];
      const bool kept = rest > least[p];
      const double root = kept ? reciprocal_root(rest) : 0;
      if (threadIdx.x == 0) {
        roots[p] = root;
        if (!kept) *left_out = 1;
      }
      const double factor = (c <= p ? row[p % 2][c] : column[p % 2][c]) * root * root;
#pragma unroll
      for (int q = group; q < kEach; q++) {
        if (q == group && r <= member) continue;
        own[q] = (c == p ? 0 : own[q]) - column[p % 2][r + q * kRows] * factor;
      }
      if (c == p && r == member) own[group] = 1;
    }
  }
  __syncthreads();
#pragma unroll
  for (int q = 0; q < kEach; q++) {
    const int i = r + q * kRows;
    square[i * kPitch + c] = i < size && c <= i ? own[q] * roots[i] : 0;
  }
  __syncthreads();
  if (c < size) {
    for (int i = r; i < size; i += kRows) {
      inverse[corner + static_cast<int64_t>(i) * k + c] = square[c * kPitch + i];
    }
  }
}

// What lies under a block of the diagonal: L there, and what is left of the matrix after it.
void eliminate(snmf4j_context& context, int k, int first, int size, double* matrix,
               const double* inverse, double* room) {
  const int next = first + size;
  const int below = k - next;
  gpu::Blas& blas = context.blas;
  double* column = matrix + static_cast<int64_t>(first) * k + next;
  blas.multiply(context.stream, Operation::kNone, Operation::kTranspose, below, size, size, 1.0,
                column, k, inverse + static_cast<int64_t>(first) * k + first, k, 0.0, room, below);
  context.stream.copy_rows(column, static_cast<std::size_t>(k) * sizeof(double), room,
                           static_cast<std::size_t>(below) * sizeof(double),
                           static_cast<std::size_t>(below) * sizeof(double),
                           static_cast<std::size_t>(size));
  for (int done = 0; done < below; done += kUpdated) {
    const int columns = std::min(kUpdated, below - done);
    blas.multiply(context.stream, Operation::kNone, Operation::kTranspose, below - done, columns,
                  size, -1.0, room + done, below, room + done, below, 1.0,
                  matrix + static_cast<int64_t>(next + done) * k + next + done, k);
  }
}

}  // namespace

void copy_diagonal(snmf4j_context& context, const double* matrix, int k, double* diagonal) {
  constexpr int kCopied = 128;
  gpu::launch(context.stream, {gpu::pieces(k, kCopied), kCopied}, take_diagonal, matrix, k,
              diagonal);
}

void invert_factor(snmf4j_context& context, int k, double dependent, double* matrix,
                   double* inverse, int* left_out) {
  const auto order = static_cast<std::size_t>(k);
  double* room = context.room<double>(2, order * (kBlock + 1));
  double* diagonal = room + order * kBlock;
  copy_diagonal(context, matrix, k, diagonal);
  context.stream.clear(inverse, order * order * sizeof(double));
  context.stream.clear(left_out, sizeof *left_out);
  for (int first = 0; first < k; first += kBlock) {
    const int size = std::min(kBlock, k - first);
    gpu::launch(context.stream, {1, kThreads, kShared}, invert_block,
                static_cast<const double*>(matrix), k, first, size,
                static_cast<const double*>(diagonal), dependent, inverse, left_out);
    if (first + size < k) eliminate(context, k, first, size, matrix, inverse, room);
  }
  // Row of blocks after row: L^-1 is -(its own block) L (what is above).
  for (int first = kBlock; first < k; first += kBlock) {
    const int size = std::min(kBlock, k - first);
    context.blas.multiply(context.stream, Operation::kNone, Operation::kNone, size, first, first,
                          1.0, matrix + first, k, inverse, k, 0.0, room, size);
    context.blas.multiply(context.stream, Operation::kNone, Operation::kNone, size, first, size,
                          -1.0, inverse + static_cast<int64_t>(first) * k + first, k, room, size,
                          0.0, inverse + first, k);
  }
}

void solve_columns(snmf4j_context& context, int k, const double* inverse, int count, double* rows,
                   double* room) {
  context.blas.multiply(context.stream, Operation::kNone, Operation::kNone, k, count, k, 1.0,
                        inverse, k, rows, k, 0.0, room, k);
  context.blas.multiply(context.stream, Operation::kTranspose, Operation::kNone, k, count, k, 1.0,
                        inverse, k, room, k, 0.0, rows, k);
}

}  // namespace snmf4j
