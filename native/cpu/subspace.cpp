// A subspace of the neurons that activations are compressed to: its basis, and products with it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "handles.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

// Neurons of a block: as many as a panel has tokens, so that the Gram kernel of panels serves.
constexpr int64_t kBlock = kPanel;
// A direction that the ones before it explain up to this share of its squared length is none.
constexpr double kDependent = 1e-10;

// The b-th block of neurons, [k][64], zeros after the last.
void copy_block(const snmf4j_features& z, int64_t b, float* target) {
  const int64_t first = b * kBlock;
  const auto width = static_cast<std::size_t>(std::min(kBlock, z.neurons - first));
  for (int j = 0; j < z.rank; j++) {
    float* row = target + j * kBlock;
    std::memcpy(row, z.dense.data() + j * z.neurons + first, width * sizeof(float));
    std::memset(row + width, 0, (static_cast<std::size_t>(kBlock) - width) * sizeof(float));
  }
}

// ZZ' of blocks of neurons, summed over the workers: the lower triangle of Z'Z, [k][padded].
void gram_of_columns(snmf4j_features& z, Buffer<double>& total, int padded) {
  snmf4j_context& context = *z.context;
  const int k = z.rank;
  const auto size = static_cast<std::size_t>(padded) * padded;
  for (snmf4j_scratch& scratch : context.scratch) {
    scratch.source.reserve(&context.memory, static_cast<std::size_t>(k) * kBlock);
    scratch.transposed.reserve(&context.memory, static_cast<std::size_t>(padded) * kBlock);
    scratch.wide.reserve(&context.memory, static_cast<std::size_t>(padded) * kBlock);
    scratch.gram.reserve(&context.memory, size);
  }
  context.pool.run([&](int worker) {
    snmf4j_scratch& scratch = context.scratch[static_cast<std::size_t>(worker)];
    std::memset(scratch.gram.data(), 0, size * sizeof(double));
    std::memset(scratch.wide.data(), 0, static_cast<std::size_t>(padded) * kBlock * sizeof(double));
  });
  context.pool.ranges((z.neurons + kBlock - 1) / kBlock, [&](int worker, int64_t from, int64_t to) {
    snmf4j_scratch& scratch = context.scratch[static_cast<std::size_t>(worker)];
    for (int64_t b = from; b < to; b++) {
      copy_block(z, b, scratch.source.data());
      context.kernels.transpose(scratch.source.data(), k, padded, scratch.transposed.data(),
                                scratch.wide.data());
      context.kernels.gram_wide(scratch.wide.data(), padded, scratch.gram.data());
    }
  });
  for (std::size_t i = 0; i < size; i++) {
    double sum = 0;
    for (const snmf4j_scratch& scratch : context.scratch) sum += scratch.gram[i];
    total[i] = sum;
  }
}

// Lower factor of the k by k matrix in `gram`, row-major; false if a pivot shows that a column
// depends on those before it.
bool factor(const Buffer<double>& gram, int k, int padded, const Blas& blas, double* lower) {
  for (int i = 0; i < k; i++) {
    std::memcpy(lower + static_cast<std::size_t>(i) * k,
                gram.data() + static_cast<std::size_t>(i) * padded,
                static_cast<std::size_t>(i + 1) * sizeof(double));
  }
  if (!blas.cholesky(k, lower)) return false;
  for (int i = 0; i < k; i++) {
    const double pivot = lower[static_cast<std::size_t>(i) * k + i];
    if (!(pivot * pivot > kDependent * gram[static_cast<std::size_t>(i) * padded + i])) return false;
  }
  return true;
}

// The same by hand: a column that depends on those before it gets a unit row, which marks it.
void factor_dependent(const Buffer<double>& gram, int k, int padded, double* lower,
                      std::vector<char>& dependent) {
  for (int i = 0; i < k; i++) {
    double* row = lower + static_cast<std::size_t>(i) * k;
    const double* source = gram.data() + static_cast<std::size_t>(i) * padded;
    double rest = source[i];
    for (int j = 0; j < i; j++) {
      const double* other = lower + static_cast<std::size_t>(j) * k;
      double sum = source[j];
      for (int p = 0; p < j; p++) sum -= row[p] * other[p];
      row[j] = dependent[static_cast<std::size_t>(j)] ? 0 : sum / other[j];
      rest -= row[j] * row[j];
    }
    const bool none = !(rest > kDependent * source[i]);
    dependent[static_cast<std::size_t>(i)] = none;
    if (none) std::fill(row, row + i, 0.0);
    row[i] = none ? 1 : std::sqrt(rest);
  }
}

// Z <- Z L^-T, dependent columns zero.
void apply(snmf4j_features& z, const double* lower, const std::vector<char>& dependent) {
  snmf4j_context& context = *z.context;
  const int k = z.rank;
  const auto block = static_cast<std::size_t>(kBlock) * k;
  Buffer<double> rows(&context.memory, block * context.pool.size());
  context.pool.ranges((z.neurons + kBlock - 1) / kBlock, [&](int worker, int64_t from, int64_t to) {
    double* x = rows.data() + static_cast<std::size_t>(worker) * block;
    for (int64_t b = from; b < to; b++) {
      const int64_t first = b * kBlock;
      const int count = static_cast<int>(std::min(kBlock, z.neurons - first));
      for (int j = 0; j < k; j++) {
        const float* column = z.dense.data() + j * z.neurons + first;
        for (int i = 0; i < count; i++) x[static_cast<std::size_t>(i) * k + j] = column[i];
      }
      context.blas.solve_transposed(count, k, lower, x);
      for (int j = 0; j < k; j++) {
        float* column = z.dense.data() + j * z.neurons + first;
        for (int i = 0; i < count; i++) {
          column[i] = dependent[static_cast<std::size_t>(j)]
                          ? 0
                          : static_cast<float>(x[static_cast<std::size_t>(i) * k + j]);
        }
      }
    }
  });
}

}  // namespace

int snmf4j_features_orthonormalize(snmf4j_features* z) {
  return entry([&] {
    require(z != nullptr, "features must not be null");
    const int k = z->rank;
    const int padded = padded_rank(k);
    snmf4j_context& context = *z->context;
    Buffer<double> gram(&context.memory, static_cast<std::size_t>(padded) * padded);
    gram_of_columns(*z, gram, padded);
    for (int j = 0; j < k; j++) {
      if (!std::isfinite(gram[static_cast<std::size_t>(j) * padded + j])) {
        throw Error(SNMF4J_NON_FINITE, "the features' squares are not finite");
      }
    }
    Buffer<double> lower(&context.memory, static_cast<std::size_t>(k) * k);
    std::vector<char> dependent(static_cast<std::size_t>(k), 0);
    if (!factor(gram, k, padded, context.blas, lower.data())) {
      factor_dependent(gram, k, padded, lower.data(), dependent);
    }
    z->changed();
    apply(*z, lower.data(), dependent);
  });
}

int snmf4j_features_multiply(const snmf4j_features* left, const snmf4j_features* right,
                             snmf4j_features* result) {
  return entry([&] {
    require(left != nullptr && right != nullptr && result != nullptr, "features must not be null");
    require(left->context == right->context && left->context == result->context,
            "all handles must share a context");
    require(left->rank == right->neurons && left->neurons == result->neurons &&
                right->rank == result->rank,
            "shapes must agree");
    require(result != left && result != right, "the result must not be a factor");
    result->changed();
    snmf4j_context& context = *left->context;
    const int r = left->rank;
    const int k = right->rank;
    for (snmf4j_scratch& scratch : context.scratch) {
      scratch.source.reserve(&context.memory, static_cast<std::size_t>(r) * kBlock);
      scratch.projection.reserve(&context.memory, static_cast<std::size_t>(k) * kBlock);
    }
    const PanelKernels& kernels = context.kernels.float32;
    const int64_t blocks = (left->neurons + kBlock - 1) / kBlock;
    context.pool.ranges(blocks, [&](int worker, int64_t from, int64_t to) {
      snmf4j_scratch& scratch = context.scratch[static_cast<std::size_t>(worker)];
      for (int64_t b = from; b < to; b++) {
        // Neurons stand in for tokens: 64 of them make a panel of r rows.
        copy_block(*left, b, scratch.source.data());
        kernels.project_dense(scratch.source.data(), r, right->dense.data(), k,
                              scratch.projection.data(), nullptr);
        const int64_t first = b * kBlock;
        const auto width = static_cast<std::size_t>(std::min(kBlock, left->neurons - first));
        for (int j = 0; j < k; j++) {
          std::memcpy(result->dense.data() + j * left->neurons + first,
                      scratch.projection.data() + j * kBlock, width * sizeof(float));
        }
      }
    });
  });
}

int snmf4j_compress(const snmf4j_panels* a, const snmf4j_features* basis, snmf4j_panels** result,
                    double* squares) {
  return entry([&] {
    require(a != nullptr && basis != nullptr && result != nullptr && squares != nullptr,
            "panels, basis, result and squares must not be null");
    require(a->context == basis->context, "all handles must share a context");
    require(a->rows == basis->neurons, "A and the basis must have the same neurons");
    snmf4j_context& context = *a->context;
    std::unique_ptr<snmf4j_panels> compressed(
        new snmf4j_panels(&context, SNMF4J_FLOAT32, basis->rank, a->tokens, false));
    std::vector<double> parts(static_cast<std::size_t>(context.pool.size()), 0);
    context.pool.ranges(a->count, [&](int worker, int64_t from, int64_t to) {
      for (int64_t p = from; p < to; p++) {
        float* target = compressed->panel(p);
        a->kernels.project_dense(a->stored(p), a->rows, basis->dense.data(), basis->rank, target,
                                 p + 1 < to ? a->stored(p + 1) : nullptr);
        parts[static_cast<std::size_t>(worker)] +=
            context.kernels.float32.squares(target, compressed->rows * kPanel);
      }
    });
    *squares = 0;
    for (double part : parts) *squares += part;
    if (!std::isfinite(*squares)) {
      throw Error(SNMF4J_NON_FINITE, "the compressed activations' squares are not finite");
    }
    *result = compressed.release();
  });
}

int snmf4j_expand(const snmf4j_features* basis, const snmf4j_statistics* coordinates,
                  snmf4j_statistics* result) {
  return entry([&] {
    require(basis != nullptr && coordinates != nullptr && result != nullptr,
            "basis, coordinates and result must not be null");
    require(basis->context == coordinates->context && basis->context == result->context,
            "all handles must share a context");
    require(basis->rank == coordinates->neurons && basis->neurons == result->neurons &&
                coordinates->rank == result->rank,
            "shapes must agree");
    require(result != coordinates, "the result must not be the coordinates");
    const int padded = result->padded;
    basis->context->pool.ranges(basis->neurons, [&](int, int64_t from, int64_t to) {
      basis->context->blas.multiply_transposed(
          static_cast<int>(to - from), padded, basis->rank, basis->dense.data() + from,
          static_cast<int>(basis->neurons), coordinates->cross.data(), padded,
          result->cross.data() + from * padded, padded);
    });
    std::copy(coordinates->gram.data(), coordinates->gram.data() + coordinates->gram.size(),
              result->gram.data());
    std::copy(coordinates->row_sums.data(),
              coordinates->row_sums.data() + coordinates->row_sums.size(), result->row_sums.data());
  });
}
