// Z = C (G + ridge I)^-1 for all of Z.
#include "solve.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "factor.hpp"
#include "neurons.hpp"

using namespace snmf4j;

namespace {

constexpr int kThreads = 256;
// Bytes of the rows of C that are solved at a time.
constexpr int64_t kSolved = int64_t{64} << 20;

// target = gram + (ridge + further) I; `further` may be null.
__global__ void add_ridge(const double* gram, int k, double ridge, const double* further,
                          double* target) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= static_cast<int64_t>(k) * k) return;
  const int row = static_cast<int>(i / k);
  double value = gram[i];
  if (row == i % k) {
    if (further != nullptr) value += further[row];
    value += ridge;
  }
  target[i] = value;
}

__global__ void widen_rows(const float* cross, int64_t rows, int rank, int padded, double* target) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= rows * rank) return;
  target[i] = cross[i / rank * padded + i % rank];
}

}  // namespace

namespace snmf4j {

std::vector<double> gram_diagonal(const snmf4j_statistics& s) {
  snmf4j_context& context = *s.context;
  const auto rank = static_cast<std::size_t>(s.rank);
  double* held = context.room<double>(2, rank);
  copy_diagonal(context, s.gram.data(), s.rank, held);
  std::vector<double> diagonal(rank);
  context.stream.download(diagonal.data(), held, rank * sizeof(double));
  context.stream.finish();
  return diagonal;
}

bool invert_ridge(const snmf4j_statistics& s, double ridge, const double* further,
                  double* inverse) {
  snmf4j_context& context = *s.context;
  const int64_t k = s.rank;
  const auto size = static_cast<std::size_t>(k * k);
  double* matrix = context.room<double>(0, size + 1);
  int* left_out = reinterpret_cast<int*>(matrix + size);
  gpu::launch(context.stream, {gpu::pieces(k * k, kThreads), kThreads}, add_ridge, s.gram.data(),
              s.rank, ridge, further, matrix);
  invert_factor(context, s.rank, undetermined(s.rank), matrix, inverse, left_out);
  int found = 0;
  context.stream.download(&found, left_out, sizeof found);
  context.stream.finish();
  return found == 0;
}

void solve_all(const snmf4j_statistics& s, const double* inverse, snmf4j_features& z) {
  snmf4j_context& context = *s.context;
  const int64_t k = s.rank;
  const int64_t row_bytes = k * static_cast<int64_t>(sizeof(double));
  const int64_t each =
      std::clamp<int64_t>(context.piece_bytes(kSolved) / row_bytes, 1, s.neurons);
  double* rows = context.room<double>(2, static_cast<std::size_t>(2 * each * k) + 1);
  double* room = rows + each * k;
  int* failed = reinterpret_cast<int*>(room + each * k);
  context.stream.clear(failed, sizeof *failed);
  for (int64_t first = 0; first < s.neurons; first += each) {
    const int64_t count = std::min(each, s.neurons - first);
    gpu::launch(context.stream, {gpu::pieces(count * k, kThreads), kThreads}, widen_rows,
                s.cross.data() + first * s.padded, count, s.rank, s.padded, rows);
    solve_columns(context, s.rank, inverse, static_cast<int>(count), rows, room);
    put_neurons(z, static_cast<const double*>(rows), first, count, failed);
  }
  int found = 0;
  context.stream.download(&found, failed, sizeof found);
  context.stream.finish();
  if (found != 0) throw Error(SNMF4J_NON_FINITE, "the features are beyond float32");
}

}  // namespace snmf4j

int snmf4j_ridge_solve(const snmf4j_statistics* s, double ridge, snmf4j_features* result) {
  return entry(context_of(s), [&] {
    require_solvable(s, result);
    require(ridge > 0 && std::isfinite(ridge), "ridge must be positive and finite");
    double largest = 0;
    for (const double value : gram_diagonal(*s)) {
      if (!std::isfinite(value)) throw Error(SNMF4J_NON_FINITE, "the Gram matrix is not finite");
      largest = std::max(largest, std::fabs(value));
    }
    const auto order = static_cast<std::size_t>(s->rank);
    double* inverse = s->context->room<double>(1, order * order);
    // A ridge too small for a singular G grows tenfold, starting at the rounding error of G's
    // largest entry.
    double used = ridge;
    while (!invert_ridge(*s, used, nullptr, inverse)) {
      used = std::max(10 * used, largest * 1e-15);
      if (!(used <= 1e3 * std::max(largest, ridge))) {
        throw Error(SNMF4J_NON_FINITE, "no ridge makes the Gram matrix positive definite");
      }
    }
    result->changed();
    solve_all(*s, inverse, *result);
  });
}
