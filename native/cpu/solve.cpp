// The features that C and G determine: all of them at once, column by column, or on their support.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "handles.hpp"
#include "limits.hpp"
#include "select.hpp"
#include "status.hpp"
#include "union.hpp"

using namespace snmf4j;

namespace {

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

void require_shapes(const snmf4j_statistics* s, const snmf4j_features* z) {
  require(s != nullptr && z != nullptr, "statistics and features must not be null");
  require(s->context == z->context, "all handles must share a context");
  require(s->neurons == z->neurons && s->rank == z->rank, "shapes must agree");
}

// The columns of Z while a sweep changes them, and the room to solve one.
class ColumnSweep {
 public:
  // `candidates`, if not null, are where entries may be, beside those that are.
  ColumnSweep(const snmf4j_statistics& s, snmf4j_features& z, snmf4j_features* candidates,
              int64_t keep, double penalty)
      : s_(s),
        z_(z),
        keep_(keep),
        penalty_(penalty),
        cross_(&z.context->memory, static_cast<std::size_t>(kGathered * z.neurons)),
        target_(&z.context->memory, static_cast<std::size_t>(z.neurons)),
        magnitudes_(&z.context->memory,
                    static_cast<std::size_t>(z.neurons) * (candidates == nullptr ? 1 : 2)),
        columns_(static_cast<std::size_t>(z.rank)) {
    const SparseColumns old = z.columns();
    for (int j = 0; j < z.rank; j++) {
      columns_[static_cast<std::size_t>(j)].assign(old.index + old.start[j],
                                                   old.index + old.start[j + 1]);
    }
    if (candidates != nullptr) {
      among_.emplace(&z.context->memory, old, candidates->columns());
      candidates_ = among_->columns();
    }
    z.changed();
  }

  // Columns have to come in their order.
  void solve(int j) {
    if (candidates_.rank > 0) {
      solve_among_candidates(j);
      return;
    }
    if (j % kGathered == 0) gather(j);
    float* column = clear(j);
    if (column == nullptr) return;
    const int64_t d = z_.neurons;
    const float* cross = cross_.data() + j % kGathered * d;
    for (int64_t i = 0; i < d; i++) target_[i] = cross[i];
    subtract_others(j);
    choose_largest(target_.data(), d, keep_, magnitudes_.data(), support(j));
    set(j, column);
  }

 private:
  std::vector<int32_t>& support(int j) { return columns_[static_cast<std::size_t>(j)]; }
  const double* gram(int j) const {
    return s_.gram.data() + static_cast<std::size_t>(j) * z_.rank;
  }

  // Empties a column; null if nothing can fill it again.
  float* clear(int j) {
    float* column = z_.dense.data() + j * z_.neurons;
    for (int32_t i : support(j)) column[i] = 0;
    support(j).clear();
    return gram(j)[j] > 0 ? column : nullptr;
  }

  // target - Z G_j, without column j's own part.
  void subtract_others(int j) {
    for (int l = 0; l < z_.rank; l++) {
      const double weight = gram(j)[l];
      if (l == j || weight == 0) continue;
      const float* other = z_.dense.data() + l * z_.neurons;
      for (int32_t i : support(l)) target_[i] -= weight * other[i];
    }
  }

  // What lies beyond the candidates is garbage in the target, and stays unread.
  void solve_among_candidates(int j) {
    float* column = clear(j);
    if (column == nullptr) return;
    const int32_t* among = candidates_.index + candidates_.start[j];
    const int64_t count = candidates_.start[j + 1] - candidates_.start[j];
    for (int64_t e = 0; e < count; e++) target_[among[e]] = s_.cross[among[e] * s_.padded + j];
    subtract_others(j);
    choose_largest(target_.data(), among, count, keep_, magnitudes_.data(), support(j));
    set(j, column);
  }

  // The best column with the support that was chosen.
  void set(int j, float* column) {
    double square = 0;
    for (int32_t i : support(j)) square += target_[i] * target_[i];
    const double norm = std::sqrt(square);
    const double length = norm - penalty_ * s_.row_sums[static_cast<std::size_t>(j)];
    if (!(length > 0)) {
      support(j).clear();
      return;
    }
    const double factor = length / norm / gram(j)[j];
    for (int32_t i : support(j)) column[i] = static_cast<float>(target_[i] * factor);
  }

  // Columns of C that are copied out together: a cache line of each of its rows.
  static constexpr int64_t kGathered = 16;

  void gather(int64_t first) {
    const int64_t count = std::min<int64_t>(kGathered, z_.rank - first);
    z_.context->pool.ranges(z_.neurons, [&](int, int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) {
        const float* row = s_.cross.data() + i * s_.padded + first;
        for (int64_t j = 0; j < count; j++) cross_[j * z_.neurons + i] = row[j];
      }
    });
  }

  const snmf4j_statistics& s_;
  snmf4j_features& z_;
  const int64_t keep_;
  const double penalty_;
  Buffer<float> cross_;  // some of C's columns
  Buffer<double> target_;
  Buffer<double> magnitudes_;
  std::vector<std::vector<int32_t>> columns_;
  std::optional<SupportUnion> among_;
  SparseColumns candidates_{};  // of rank 0 if all entries are
};

// Solves (M + ridge I) x = b for a symmetric M [m][m] in place, as LDL'; false if M + ridge I is
// not positive definite. One quotient for each unknown is all that has to be waited for long.
bool solve_small(int m, double* matrix, double ridge, double* x) {
  for (int i = 0; i < m; i++) {
    double* row = matrix + i * m;
    double diagonal = row[i] + ridge;
    for (int j = 0; j < i; j++) {
      // So far row[j] is L_ij D_j.
      for (int p = 0; p < j; p++) row[j] -= row[p] * matrix[j * m + p];
    }
    for (int j = 0; j < i; j++) {
      const double scaled = row[j];
      row[j] *= matrix[j * m + j];
      diagonal -= scaled * row[j];
      x[i] -= row[j] * x[j];
    }
    if (!(diagonal > 0)) return false;
    row[i] = 1 / diagonal;
  }
  for (int i = m - 1; i >= 0; i--) {
    x[i] *= matrix[i * m + i];
    for (int p = i + 1; p < m; p++) x[i] -= matrix[p * m + i] * x[p];
  }
  return true;
}

// Rows whose entries of C and Z, which lie apart, are asked for early.
constexpr int64_t kRefitAhead = 16;

// One neuron's entries on its support; `matrix` and `x` have room for rank^2 and rank values.
void refit_row(const snmf4j_statistics& s, const int32_t* support, int m, const double* diagonal,
               int64_t neuron, double* matrix, double* x) {
  double largest = 0;
  for (int i = 0; i < m; i++) {
    largest = std::max(largest, s.gram[static_cast<std::size_t>(support[i]) * s.rank + support[i]]);
  }
  if (!std::isfinite(largest)) throw Error(SNMF4J_NON_FINITE, "the Gram matrix is not finite");
  double ridge = std::max(1e-12 * largest, 2.3e-308);
  while (true) {
    for (int i = 0; i < m; i++) {
      const double* row = s.gram.data() + static_cast<std::size_t>(support[i]) * s.rank;
      for (int j = 0; j <= i; j++) matrix[i * m + j] = row[support[j]];
      matrix[i * m + i] += diagonal[support[i]];
      x[i] = s.cross[neuron * s.padded + support[i]];
    }
    if (solve_small(m, matrix, ridge, x)) return;
    ridge *= 10;
    if (!(ridge <= 1e3 * std::max(largest, 1e-300))) {
      throw Error(SNMF4J_NON_FINITE, "no ridge makes a row's system positive definite");
    }
  }
}

}  // namespace

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

int snmf4j_sweep_columns(const snmf4j_statistics* s, snmf4j_features* z, int64_t keep,
                         double penalty) {
  return entry([&] {
    require_shapes(s, z);
    require(keep >= 1 && keep <= z->neurons, "keep must be between 1 and the neurons");
    require_penalty(penalty);
    ColumnSweep sweep(*s, *z, nullptr, keep, penalty);
    for (int j = 0; j < z->rank; j++) sweep.solve(j);
  });
}

int snmf4j_sweep_candidates(const snmf4j_statistics* s, snmf4j_features* z,
                            snmf4j_features* candidates, int64_t keep, double penalty) {
  return entry([&] {
    require_shapes(s, z);
    require_shapes(s, candidates);
    require(candidates != z, "the candidates must be other features");
    require(keep >= 1 && keep <= z->neurons, "keep must be between 1 and the neurons");
    require_penalty(penalty);
    ColumnSweep sweep(*s, *z, candidates, keep, penalty);
    for (int j = 0; j < z->rank; j++) sweep.solve(j);
  });
}

int snmf4j_refit(const snmf4j_statistics* s, snmf4j_features* z, double penalty,
                 double relaxation) {
  return entry([&] {
    require_shapes(s, z);
    require_penalty(penalty);
    require_relaxation(relaxation);
    const SparseRows rows = z->rows();
    const int k = z->rank;
    std::vector<double> diagonal(static_cast<std::size_t>(k), 0);
    if (penalty > 0) {
      for (int j = 0; j < k; j++) {
        const float* column = z->dense.data() + j * z->neurons;
        double square = 0;
        for (int64_t i = 0; i < z->neurons; i++) {
          square += static_cast<double>(column[i]) * column[i];
        }
        const auto at = static_cast<std::size_t>(j);
        if (square > 0) diagonal[at] = penalty * s->row_sums[at] / std::sqrt(square);
      }
    }
    int64_t widest = 1;
    for (int64_t i = 0; i < z->neurons; i++) {
      widest = std::max(widest, rows.start[i + 1] - rows.start[i]);
    }
    const auto size = static_cast<std::size_t>(widest);
    ThreadPool& pool = z->context->pool;
    Buffer<double> room(&z->context->memory, (size * size + size) * pool.size());
    z->changed();
    float* values = z->row_values();
    pool.ranges(z->neurons, [&](int worker, int64_t from, int64_t to) {
      double* matrix = room.data() + static_cast<std::size_t>(worker) * (size * size + size);
      double* x = matrix + size * size;
      for (int64_t i = from; i < to; i++) {
        const int m = static_cast<int>(rows.start[i + 1] - rows.start[i]);
        const int32_t* support = rows.index + rows.start[i];
        const int64_t later = std::min(i + kRefitAhead, to - 1);
        for (int64_t e = rows.start[later]; e < rows.start[later + 1]; e++) {
          const int32_t j = rows.index[e];
          __builtin_prefetch(s->cross.data() + later * s->padded + j);
          __builtin_prefetch(z->dense.data() + j * z->neurons + later, 1);
        }
        refit_row(*s, support, m, diagonal.data(), i, matrix, x);
        for (int e = 0; e < m; e++) {
          const double old = values[rows.start[i] + e];
          const auto value = static_cast<float>(old + relaxation * (x[e] - old));
          z->dense[support[e] * z->neurons + i] = value;
          values[rows.start[i] + e] = value;
        }
      }
    });
    z->revalued();
  });
}
