#include "collective.hpp"
#include "factor.hpp"
#include "start.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 256;
// Against the largest Q_jj: far below the eigenvalues that matter, and large enough that rounding
// errors of P stay small where features are nearly dependent.
constexpr double kRidge = 1e-4;

// A block per row.
__global__ void add_ridge(const double* wide, int rank, double* matrix) {
  __shared__ double room[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  double largest = 0;
  for (int64_t j = thread; j < rank; j += kThreads) largest = fmax(largest, wide[j * rank + j]);
  room[thread] = largest;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread < half) room[thread] = fmax(room[thread], room[thread + half]);
    __syncthreads();
  }
  const int row = static_cast<int>(blockIdx.x);
  const int64_t first = static_cast<int64_t>(row) * rank;
  for (int l = thread; l < rank; l += kThreads) {
    matrix[first + l] = wide[first + l] + (l == row ? kRidge * room[0] : 0);
  }
}

// A block per row.
__global__ void narrow_inverse(const double* matrix, const float* shift, int rank, float* inverse,
                               float* offset) {
  __shared__ double room[kThreads / gpu::kWarp];
  const int64_t first = static_cast<int64_t>(blockIdx.x) * rank;
  double sum = 0;
  for (int l = static_cast<int>(threadIdx.x); l < rank; l += kThreads) {
    inverse[first + l] = static_cast<float>(matrix[first + l]);
    sum += matrix[first + l] * shift[l];
  }
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) offset[blockIdx.x] = static_cast<float>(sum);
}

}  // namespace

UnconstrainedStart unconstrained_start(int rank, Carver& carver) {
  const auto k = static_cast<std::size_t>(rank);
  UnconstrainedStart start{};
  start.matrix = carver.take<double>(k * k);
  start.lower = carver.take<double>(k * k);
  start.inverse = carver.take<float>(k * k);
  start.offset = carver.take<float>(k);
  start.failed = carver.take<int>(1);
  return start;
}

void prepare_start(snmf4j_context& context, const Products& products,
                   const UnconstrainedStart& start) {
  const int k = products.rank;
  const auto rows = static_cast<unsigned>(k);
  gpu::launch(context.stream, {rows, kThreads}, add_ridge, products.wide, k, start.matrix);
  invert_factor(context, k, 0, start.matrix, start.lower, start.failed);
  // (LL')^-1; symmetric, so that it is the same by rows and by columns.
  context.blas.multiply(context.stream, gpu::Operation::kTranspose, gpu::Operation::kNone, k, k, k,
                        1.0, start.lower, k, start.lower, k, 0.0, start.matrix, k);
  gpu::launch(context.stream, {rows, kThreads}, narrow_inverse, start.matrix, products.shift, k,
              start.inverse, start.offset);
}

void solve_unconstrained(snmf4j_context& context, const UnconstrainedStart& start,
                         const PanelShape& shape, const float* p, float* result) {
  const int k = static_cast<int>(shape.rows);
  for (int64_t panel = 0; panel < shape.panels; panel++) {
    // To cuBLAS a panel is [width, k].
    const int64_t at = panel * shape.panel_elements();
    context.blas.multiply(context.stream, gpu::Operation::kNone, gpu::Operation::kNone,
                          static_cast<int>(shape.width), k, k, 1.0f, gpu::Element::kFloat32, p + at,
                          shape.width, start.inverse, k, 0.0f, result + at, shape.width,
                          gpu::Arithmetic::kFloat32);
  }
}

}  // namespace snmf4j
