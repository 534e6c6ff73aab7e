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
constexpr std::size_t kShared = (2 * kBlock * kPitch + kBlock) * sizeof(double);
// Columns of what is left that are updated together: less of what lies above the diagonal is.
constexpr int kUpdated = 1024;

__global__ void take_diagonal(const double* matrix, int k, double* diagonal) {
  const int j = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (j < k) diagonal[j] = matrix[static_cast<int64_t>(j) * k + j];
}

// One block: L^-1 of the rows [first, first + size) of the matrix's diagonal.
__global__ void __launch_bounds__(kThreads)
    invert_block(const double* matrix, int k, int first, int size, const double* diagonal,
                 double dependent, double* inverse, int* left_out) {
  SNMF4J_SHARED(double, room);
  double* left = room;                      // what remains of the matrix, and L
  double* solved = room + kBlock * kPitch;  // L^-1
  double* least = solved + kBlock * kPitch; // pivots have to be above
  const int64_t corner = static_cast<int64_t>(first) * k + first;
  const int c = static_cast<int>(threadIdx.x) % kBlock;
  constexpr int kRows = kThreads / kBlock;
  const int r = static_cast<int>(threadIdx.x) / kBlock;
  if (c < size) {
    for (int j = r; j < size; j += kRows) {
      left[c * kPitch + j] = j <= c ? matrix[corner + static_cast<int64_t>(j) * k + c] : 0;
      solved[c * kPitch + j] = j == c ? 1 : 0;
    }
    if (r == 0) least[c] = dependent * diagonal[first + c];
  }
  __syncthreads();
  for (int p = 0; p < size; p++) {
    const double rest = left[p * kPitch + p];
    const bool kept = rest > least[p];
    const double scale = kept ? 1 / sqrt(rest) : 0;
    // Some threads scale the column below, others the row.
    if (r == 0 && c > p && c < size) left[c * kPitch + p] *= scale;
    if (r == 1 && c <= p) solved[p * kPitch + c] *= scale;
    if (threadIdx.x == 0 && !kept) *left_out = 1;
    __syncthreads();
    if (c < size) {
      double* target = c <= p ? solved : left;
      const double factor = c <= p ? solved[p * kPitch + c] : left[c * kPitch + p];
      for (int i = p + 1 + r; i < size; i += kRows) {
        if (c <= i) target[i * kPitch + c] -= left[i * kPitch + p] * factor;
      }
    }
    __syncthreads();
  }
  if (c < size) {
    for (int i = r; i < size; i += kRows) {
      inverse[corner + static_cast<int64_t>(i) * k + c] = i <= c ? solved[c * kPitch + i] : 0;
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
