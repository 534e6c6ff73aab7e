// C = AY', G = YY', and the features that solve them.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "handles.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

std::size_t cross_size(int64_t neurons, int rank) {
  require(neurons >= 1 && neurons <= INT32_MAX, "neurons must be between 1 and 2^31 - 1");
  require(rank >= 1 && rank <= 16384, "rank must be between 1 and 16384");
  return static_cast<std::size_t>(neurons) * static_cast<std::size_t>(padded_rank(rank));
}

// Rows of C solved at a time: large enough for BLAS, small enough for the cache.
constexpr int64_t kSolveRows = 128;

// The factor of G + ridge I; a ridge too small for a singular G grows tenfold, starting at the
// rounding error of G's largest entry.
void factor(const snmf4j_statistics& s, double ridge, double* lower) {
  const int k = s.rank;
  double largest = 0;
  for (int j = 0; j < k; j++) {
    const double entry = s.gram[static_cast<std::size_t>(j) * k + j];
    if (!std::isfinite(entry)) throw Error(SNMF4J_NON_FINITE, "the Gram matrix is not finite");
    largest = std::max(largest, std::fabs(entry));
  }
  for (double used = ridge; used <= 1e3 * std::max(largest, ridge);
       used = std::max(10 * used, largest * 1e-15)) {
    std::memcpy(lower, s.gram.data(), static_cast<std::size_t>(k) * k * sizeof(double));
    for (int j = 0; j < k; j++) lower[static_cast<std::size_t>(j) * k + j] += used;
    if (s.context->blas.cholesky(k, lower)) return;
  }
  throw Error(SNMF4J_NON_FINITE, "no ridge makes the Gram matrix positive definite");
}

}  // namespace

snmf4j_statistics::snmf4j_statistics(snmf4j_context* owner, int64_t height, int width)
    : context(owner),
      neurons(height),
      rank(width),
      padded(padded_rank(width)),
      cross(&owner->memory, cross_size(height, width)),
      gram(&owner->memory, static_cast<std::size_t>(width) * width) {
  std::memset(cross.data(), 0, cross.size() * sizeof(float));
  std::memset(gram.data(), 0, gram.size() * sizeof(double));
}

int snmf4j_statistics_create(snmf4j_context* context, int64_t neurons, int rank,
                             snmf4j_statistics** result) {
  return entry([&] {
    require(context != nullptr && result != nullptr, "context and result must not be null");
    *result = new snmf4j_statistics(context, neurons, rank);
  });
}

int snmf4j_statistics_destroy(snmf4j_statistics* statistics) {
  return entry([&] { delete statistics; });
}

int snmf4j_statistics_gram(const snmf4j_statistics* statistics, double* gram) {
  return entry([&] {
    require(statistics != nullptr && gram != nullptr, "statistics and gram must not be null");
    std::memcpy(gram, statistics->gram.data(), statistics->gram.size() * sizeof(double));
  });
}

int snmf4j_statistics_cross(const snmf4j_statistics* statistics, float* target, int64_t neuron,
                            int64_t neurons) {
  return entry([&] {
    require(statistics != nullptr && target != nullptr, "statistics and target must not be null");
    require(neuron >= 0 && neurons >= 1 && neuron <= statistics->neurons - neurons,
            "neurons must lie in the statistics");
    const auto bytes = static_cast<std::size_t>(statistics->rank) * sizeof(float);
    for (int64_t i = 0; i < neurons; i++) {
      std::memcpy(target + i * statistics->rank,
                  statistics->cross.data() + (neuron + i) * statistics->padded, bytes);
    }
  });
}

int snmf4j_ridge_solve(const snmf4j_statistics* s, double ridge, snmf4j_features* result) {
  return entry([&] {
    require(s != nullptr && result != nullptr, "statistics and result must not be null");
    require(s->context == result->context, "all handles must share a context");
    require(s->neurons == result->neurons && s->rank == result->rank, "shapes must agree");
    require(ridge > 0 && std::isfinite(ridge), "ridge must be positive and finite");
    snmf4j_context& context = *s->context;
    const int k = s->rank;
    Buffer<double> lower(&context.memory, static_cast<std::size_t>(k) * k);
    Buffer<double> rows(&context.memory,
                        static_cast<std::size_t>(kSolveRows) * k * context.pool.size());
    factor(*s, ridge, lower.data());
    result->changed();
    std::atomic<bool> finite{true};
    const int64_t blocks = (s->neurons + kSolveRows - 1) / kSolveRows;
    context.pool.ranges(blocks, [&](int worker, int64_t from, int64_t to) {
      double* block = rows.data() + worker * kSolveRows * k;
      for (int64_t b = from; b < to; b++) {
        const int64_t first = b * kSolveRows;
        const int count = static_cast<int>(std::min(kSolveRows, s->neurons - first));
        for (int i = 0; i < count; i++) {
          const float* source = s->cross.data() + (first + i) * s->padded;
          for (int j = 0; j < k; j++) block[static_cast<int64_t>(i) * k + j] = source[j];
        }
        context.blas.solve_rows(count, k, lower.data(), block);
        bool all = true;
        for (int j = 0; j < k; j++) {
          float* target = result->dense.data() + j * s->neurons + first;
          for (int i = 0; i < count; i++) {
            target[i] = static_cast<float>(block[static_cast<int64_t>(i) * k + j]);
            all = all && std::isfinite(target[i]);
          }
        }
        if (!all) finite = false;
      }
    });
    if (!finite) throw Error(SNMF4J_NON_FINITE, "the features are beyond float32");
  });
}
