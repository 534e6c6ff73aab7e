// What the updates of Y read besides P, and how they begin.
#ifndef SNMF4J_CPU_UPDATES_HPP
#define SNMF4J_CPU_UPDATES_HPP

#include <cmath>
#include <cstring>

#include "handles.hpp"
#include "limits.hpp"
#include "schedule.hpp"
#include "status.hpp"

namespace snmf4j {

// Q = Z'Z in float64 and the float32 forms that the kernels read.
struct Products {
  Products(snmf4j_context& context, snmf4j_features& z)
      : rank(z.rank),
        wide(&context.memory, static_cast<std::size_t>(rank) * rank),
        narrow(&context.memory, static_cast<std::size_t>(rank) * rank) {
    const SparseColumns columns = z.columns();
    const int64_t products = columns.start[rank] * rank / kShareable;
    // Rows of even length have the fewest pairs: none but sparse features need their rows made.
    const int64_t fewest = columns.start[rank] / z.neurons * columns.start[rank];
    if (fewest < products && pairs(z.rows()) < products) {
      add_neurons(z.rows());
    } else {
      multiply_columns(context, columns, z);
    }
  }

  void set(int j, int l, double value) {
    const std::size_t at = static_cast<std::size_t>(j) * rank + l;
    wide[at] = value;
    narrow[at] = static_cast<float>(value);
  }

  const int rank;
  Buffer<double> wide;
  Buffer<float> narrow;

 private:
  // One thread that sees pairs of nonzeros only is then faster than many that look up all columns.
  static constexpr int64_t kShareable = 2;

  static int64_t pairs(const SparseRows& z) {
    int64_t sum = 0;
    for (int64_t i = 0; i < z.neurons; i++) {
      const int64_t m = z.start[i + 1] - z.start[i];
      sum += m * m;
    }
    return sum;
  }

  // Both ways add the same products in the order of the neurons.
  void add_neurons(const SparseRows& z) {
    std::memset(wide.data(), 0, wide.size() * sizeof(double));
    for (int64_t i = 0; i < z.neurons; i++) {
      for (int64_t e = z.start[i]; e < z.start[i + 1]; e++) {
        double* row = wide.data() + static_cast<std::size_t>(z.index[e]) * rank;
        const double value = z.value[e];
        for (int64_t f = z.start[i]; f <= e; f++) row[z.index[f]] += value * z.value[f];
      }
    }
    for (int j = 0; j < rank; j++) {
      for (int l = 0; l <= j; l++) {
        const double sum = wide[static_cast<std::size_t>(j) * rank + l];
        set(j, l, sum);
        set(l, j, sum);
      }
    }
  }

  void multiply_columns(snmf4j_context& context, const SparseColumns& columns,
                        const snmf4j_features& z) {
    context.pool.run([&](int worker) {
      // Row j has j + 1 products: dealt out in turn, so that the workers get equal shares.
      for (int j = worker; j < rank; j += context.pool.size()) {
        for (int l = 0; l <= j; l++) {
          const float* column = z.dense.data() + l * z.neurons;
          double sum = 0;
          for (int64_t e = columns.start[j]; e < columns.start[j + 1]; e++) {
            sum += static_cast<double>(columns.value[e]) * column[columns.index[e]];
          }
          set(j, l, sum);
          set(l, j, sum);
        }
      }
    });
  }
};

struct SignedForm {
  SignedForm(snmf4j_context& context, const Products& q)
      : start(&context.memory, 2 * static_cast<std::size_t>(q.rank) + 1),
        index(&context.memory, static_cast<std::size_t>(q.rank) * q.rank),
        value(&context.memory, static_cast<std::size_t>(q.rank) * q.rank) {
    int32_t at = 0;
    for (int j = 0; j < q.rank; j++) {
      const float* row = q.narrow.data() + static_cast<std::size_t>(j) * q.rank;
      start[2 * static_cast<std::size_t>(j)] = at;
      for (int l = 0; l < q.rank; l++) {
        if (row[l] > 0) append(at, l, row[l]);
      }
      start[2 * static_cast<std::size_t>(j) + 1] = at;
      for (int l = 0; l < q.rank; l++) {
        if (row[l] < 0) append(at, l, -row[l]);
      }
    }
    start[2 * static_cast<std::size_t>(q.rank)] = at;
    rows = {q.rank, start.data(), index.data(), value.data()};
  }

  void append(int32_t& at, int l, float magnitude) {
    index[static_cast<std::size_t>(at)] = l;
    value[static_cast<std::size_t>(at)] = magnitude;
    at++;
  }

  Buffer<int32_t> start, index;
  Buffer<float> value;
  SignedRows rows{};
};

// What HALS reads besides Q: relaxation / Q_jj, or 0 where that is nothing, and penalty * |z_j|.
struct Descent {
  Descent(snmf4j_context& context, const Products& products, double penalty, float relaxation)
      : kernels(context.kernels),
        q(products),
        inverse(&context.memory, static_cast<std::size_t>(q.rank)),
        shift(&context.memory, static_cast<std::size_t>(q.rank)) {
    for (std::size_t j = 0; j < inverse.size(); j++) {
      const std::size_t at = j * inverse.size() + j;
      const float reciprocal = q.narrow[at] > 0 ? relaxation / q.narrow[at] : 0;
      inverse[j] = std::isfinite(reciprocal) ? reciprocal : 0;
      shift[j] = static_cast<float>(penalty * std::sqrt(q.wide[at]));
    }
  }

  double explained(const float* p, const float* y) const {
    return kernels.explained(q.rank, q.narrow.data(), shift.data(), p, y);
  }

  // Sweeps until the panel's error falls no more. `explained` is Y's, unless all sweeps are wanted;
  // what each sweep gains adds to it. `fetch` is what to ask for meanwhile.
  void run(const float* p, float* y, int sweeps, double tolerance, double explained,
           const Fetch& fetch) const {
    const int certain = certain_sweeps(sweeps, tolerance);
    for (int sweep = 0; sweep < sweeps; sweep++) {
      const Fetch some = sweep < certain ? split(fetch, sweep, sweep + 1, certain) : Fetch{};
      const double gain =
          kernels.descend(q.rank, q.narrow.data(), inverse.data(), shift.data(), p, y, some);
      explained += gain;
      if (tolerance > 0 && gain <= tolerance * std::fabs(explained)) return;
    }
  }

  const Kernels& kernels;
  const Products& q;
  Buffer<float> inverse, shift;
};

// Where least squares start: the solution without the constraint, (Q + ridge I)^-1 (P - shift),
// its negatives set to zero. Most signs are right at once, which saves half of the sweeps and more.
class UnconstrainedStart {
 public:
  // Beyond this rank the inverse costs more than a few panels' sweeps.
  static constexpr int kMaxRank = 1024;
  // Against the largest Q_jj: far below the eigenvalues that matter, and large enough that rounding
  // errors of P stay small where features are nearly dependent.
  static constexpr double kRidge = 1e-4;

  UnconstrainedStart(snmf4j_context& context, const Descent& descent)
      : kernels_(context.kernels.float32),
        descent_(descent),
        rank_(descent.q.rank) {
    if (rank_ > kMaxRank) return;
    const auto k = static_cast<std::size_t>(rank_);
    Buffer<double> lower(&context.memory, k * k);
    Buffer<double> rows(&context.memory, k * k);
    double largest = 0;
    for (std::size_t j = 0; j < k; j++) largest = std::fmax(largest, descent.q.wide[j * k + j]);
    std::memcpy(lower.data(), descent.q.wide.data(), k * k * sizeof(double));
    std::memset(rows.data(), 0, k * k * sizeof(double));
    for (std::size_t j = 0; j < k; j++) {
      lower[j * k + j] += kRidge * largest;
      rows[j * k + j] = 1;
    }
    // Without a factor, as of features that are all zero, zero is the start.
    if (!(largest > 0) || !std::isfinite(largest) || !context.blas.cholesky(rank_, lower.data())) {
      return;
    }
    context.blas.solve_rows(rank_, rank_, lower.data(), rows.data());
    inverse_ = Buffer<float>(&context.memory, k * k);
    offset_ = Buffer<float>(&context.memory, k);
    for (std::size_t j = 0; j < k; j++) {
      double sum = 0;
      for (std::size_t l = 0; l < k; l++) {
        inverse_[j * k + l] = static_cast<float>(rows[j * k + l]);
        sum += rows[j * k + l] * descent.shift[l];
      }
      offset_[j] = static_cast<float>(sum);
    }
  }

  // Sets Y for a panel of so many tokens; returns what it explains.
  double operator()(const float* p, int64_t tokens, float* y) const {
    const int64_t size = static_cast<int64_t>(rank_) * kPanel;
    if (inverse_.size() > 0) {
      // The inverse is symmetric: its own transpose.
      kernels_.project_dense(p, rank_, inverse_.data(), rank_, y, nullptr);
      for (std::size_t j = 0; j < offset_.size(); j++) {
        float* row = y + j * kPanel;
        const float offset = offset_[j];
        // Features without neurons get nothing.
        const float live = descent_.inverse[j] > 0 ? 1 : 0;
        for (int t = 0; t < kPanel; t++) row[t] = live * std::fmax(row[t] - offset, 0.0F);
        for (int64_t t = tokens; t < kPanel; t++) row[t] = 0;
      }
      const double explained = descent_.explained(p, y);
      if (explained > 0) return explained;
    }
    std::memset(y, 0, static_cast<std::size_t>(size) * sizeof(float));
    return 0;
  }

 private:
  const PanelKernels& kernels_;
  const Descent& descent_;
  const int rank_;
  Buffer<float> inverse_, offset_;
};

// Over-relaxation of the sweeps of least squares: converges for any factor below 2 (Cryer 1971),
// fastest near 1 for features that hardly overlap and above 1.5 for those that do.
constexpr float kRelaxation = 1.25F;

inline void require_update(const snmf4j_update* update, const snmf4j_panels* y,
                           const snmf4j_panels* result) {
  require(update != nullptr, "update must not be null");
  if (update->rule == SNMF4J_RULE_MULTIPLICATIVE) {
    require(update->epsilon > 0, "epsilon must be positive");
  } else {
    require(update->rule == SNMF4J_RULE_HALS || update->rule == SNMF4J_RULE_LEAST_SQUARES,
            "rule must be one of SNMF4J_RULE_*");
    require(update->sweeps >= 1, "sweeps must be at least 1");
    require(update->tolerance >= 0, "tolerance must not be negative");
    require_penalty(update->penalty);
    if (update->rule == SNMF4J_RULE_HALS) require_relaxation(update->relaxation);
  }
  if (update->before != nullptr) {
    require(update->before->context == y->context, "all handles must share a context");
    require(update->before->type == SNMF4J_FLOAT32, "what was before must be SNMF4J_FLOAT32");
    require(update->before->rows == y->rows && update->before->tokens == y->tokens,
            "Y and what was before must have the same shape");
    require(update->before != result, "what was before must not be overwritten");
    require(update->beta >= 0 && update->beta <= 1, "beta must be between 0 and 1");
  }
}

// Y as an update reads it, with its rows scaled or extrapolated.
inline void read_source(const Kernels& kernels, const snmf4j_update& update,
                        const snmf4j_panels& y, int64_t panel, float* target) {
  const float* now = y.panel(panel);
  const int64_t size = y.rows * kPanel;
  if (update.before != nullptr) {
    kernels.extrapolate(now, update.before->panel(panel), static_cast<float>(update.beta), size,
                        target);
  } else if (update.row_scale == nullptr) {
    std::memcpy(target, now, static_cast<std::size_t>(size) * sizeof(float));
  } else {
    for (int64_t j = 0; j < y.rows; j++) {
      // In float64: the scale of a row that has almost died is beyond float32.
      const double factor = update.row_scale[j];
      for (int t = 0; t < kPanel; t++) {
        target[j * kPanel + t] = static_cast<float>(now[j * kPanel + t] * factor);
      }
    }
  }
}

}  // namespace snmf4j

#endif
