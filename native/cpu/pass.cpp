// The passes over A: each worker takes a range of panels and does everything for a panel while it
// is in the cache.
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "handles.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

void require_shapes(const snmf4j_panels* a, const snmf4j_panels* y) {
  require(a != nullptr && y != nullptr, "panels must not be null");
  require(a->context == y->context, "all handles must share a context");
  require(a->tokens == y->tokens, "A and Y must have the same tokens");
  require(y->type == SNMF4J_FLOAT32, "Y must be SNMF4J_FLOAT32");
}

void require_shapes(const snmf4j_panels* a, const snmf4j_features* z, const snmf4j_panels* y) {
  require_shapes(a, y);
  require(z != nullptr, "features must not be null");
  require(z->context == a->context, "all handles must share a context");
  require(z->neurons == a->rows, "A and Z must have the same neurons");
  require(z->rank == y->rows, "Z and Y must have the same rank");
}

void require_shapes(const snmf4j_panels* a, const snmf4j_panels* y, const snmf4j_statistics* s) {
  require(s != nullptr, "statistics must not be null");
  require(s->context == a->context, "all handles must share a context");
  require(s->neurons == a->rows && s->rank == y->rows, "shapes must agree");
}

// Q = Z'Z in float64 and the float32 forms that the kernels read.
struct Products {
  Products(snmf4j_context& context, const SparseColumns& z, const float* dense, int64_t neurons)
      : rank(z.rank),
        wide(&context.memory, static_cast<std::size_t>(rank) * rank),
        narrow(&context.memory, static_cast<std::size_t>(rank) * rank) {
    context.pool.run([&](int worker) {
      // Row j has j + 1 products: dealt out in turn, so that the workers get equal shares.
      for (int j = worker; j < rank; j += context.pool.size()) {
        for (int l = 0; l <= j; l++) {
          const float* column = dense + l * neurons;
          double sum = 0;
          for (int64_t e = z.start[j]; e < z.start[j + 1]; e++) {
            sum += static_cast<double>(z.value[e]) * column[z.index[e]];
          }
          set(j, l, sum);
          set(l, j, sum);
        }
      }
    });
  }

  void set(int j, int l, double value) {
    const std::size_t at = static_cast<std::size_t>(j) * rank + l;
    wide[at] = value;
    narrow[at] = static_cast<float>(value);
  }

  const int rank;
  Buffer<double> wide;
  Buffer<float> narrow;
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

// Panels whose G is summed in float32 before it is added to that of all. The tokens of a panel sum up
// to it, so that the error stays at that of a few dozen roundings.
constexpr int kGramPanels = 16;

// Sums of C and G, by worker and then together.
class Sums {
 public:
  // `support` is Z's; it is read if C is wanted there. `fetches` says that the next panel's rows at
  // the support are to be asked for.
  Sums(const snmf4j_panels& a, snmf4j_statistics* target, int refresh, const SparseColumns& support,
       bool fetches)
      : context_(*a.context),
        stored_(a.kernels),
        target_(target),
        refresh_(refresh),
        support_(support),
        // With the dense C the whole panel is fetched.
        fetches_(fetches && refresh != SNMF4J_REFRESH_DENSE),
        pending_(static_cast<std::size_t>(context_.pool.size()), 0) {
    if (refresh == SNMF4J_REFRESH_NONE) return;
    const auto padded = static_cast<std::size_t>(target->padded);
    for (int w = 0; w < context_.pool.size(); w++) {
      snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(w)];
      scratch.transposed.reserve(&context_.memory, padded * kPanel);
      scratch.gram.reserve(&context_.memory, padded * padded);
      scratch.some_gram.reserve(&context_.memory, padded * padded);
      scratch.row_sums.reserve(&context_.memory, padded);
      if (refresh == SNMF4J_REFRESH_SUPPORT) {
        scratch.support.reserve(&context_.memory, nonzeros());
      }
      if (refresh == SNMF4J_REFRESH_DENSE && w > 0) {
        scratch.cross.reserve(&context_.memory, target->cross.size());
      }
    }
  }

  // Zeroes a worker's sums; called by that worker, so that it owns the pages.
  void begin(int worker) {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(worker)];
    const auto padded = static_cast<std::size_t>(target_->padded);
    std::memset(scratch.transposed.data(), 0, padded * kPanel * sizeof(float));
    std::memset(scratch.gram.data(), 0, padded * padded * sizeof(double));
    std::memset(scratch.some_gram.data(), 0, padded * padded * sizeof(float));
    pending_[static_cast<std::size_t>(worker)] = 0;
    std::memset(scratch.row_sums.data(), 0, padded * sizeof(double));
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) {
      std::memset(scratch.support.data(), 0, nonzeros() * sizeof(float));
    }
    if (refresh_ == SNMF4J_REFRESH_DENSE) {
      std::memset(cross(worker), 0, target_->cross.size() * sizeof(float));
    }
  }

  // `next` is the panel that comes after, or null.
  void add(int worker, const void* a, const float* y, const void* next) {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    const auto at = static_cast<std::size_t>(worker);
    snmf4j_scratch& scratch = context_.scratch[at];
    const Kernels& kernels = context_.kernels;
    Fetch fetch{static_cast<const char*>(next), support_.index, 0,
                fetches_ && next != nullptr ? support_.start[support_.rank] : 0,
                kPanel * stored_.bytes};
    kernels.transpose(y, target_->rank, target_->padded, scratch.transposed.data(), nullptr);
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) {
      stored_.support_cross(a, support_, y, scratch.support.data(), fetch);
    }
    kernels.gram(scratch.transposed.data(), target_->padded, scratch.some_gram.data(), fetch);
    if (++pending_[at] == kGramPanels) settle(worker);
    kernels.row_sums(y, target_->rank, scratch.row_sums.data());
    if (refresh_ == SNMF4J_REFRESH_DENSE) {
      stored_.cross(a, target_->neurons, scratch.transposed.data(), target_->padded, cross(worker),
                    next);
    }
  }

  // Called by each worker after its last panel.
  void end(int worker) {
    if (refresh_ != SNMF4J_REFRESH_NONE) settle(worker);
  }

  // `workers` of them have begun.
  void reduce(const std::vector<char>& begun) {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    const int k = target_->rank;
    const auto padded = static_cast<std::size_t>(target_->padded);
    for (int j = 0; j < k; j++) {
      for (int l = 0; l <= j; l++) {
        double sum = 0;
        for (std::size_t w = 0; w < begun.size(); w++) {
          if (begun[w]) sum += context_.scratch[w].gram[static_cast<std::size_t>(j) * padded + l];
        }
        target_->gram[static_cast<std::size_t>(j) * k + l] = sum;
        target_->gram[static_cast<std::size_t>(l) * k + j] = sum;
      }
    }
    for (int j = 0; j < k; j++) {
      double sum = 0;
      for (std::size_t w = 0; w < begun.size(); w++) {
        if (begun[w]) sum += context_.scratch[w].row_sums[static_cast<std::size_t>(j)];
      }
      target_->row_sums[static_cast<std::size_t>(j)] = sum;
    }
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) reduce_support(begun);
    if (refresh_ != SNMF4J_REFRESH_DENSE) return;
    const auto size = static_cast<int64_t>(target_->cross.size());
    context_.pool.ranges(size, [&](int, int64_t from, int64_t to) {
      float* total = target_->cross.data();
      for (std::size_t w = 1; w < begun.size(); w++) {
        if (!begun[w]) continue;
        const float* part = context_.scratch[w].cross.data();
        for (int64_t i = from; i < to; i++) total[i] += part[i];
      }
    });
  }

  double quadratic(const Products& q) const {
    if (refresh_ == SNMF4J_REFRESH_NONE) return NAN;
    double sum = 0;
    for (std::size_t i = 0; i < q.wide.size(); i++) sum += q.wide[i] * target_->gram[i];
    return sum;
  }

  double spread(const Products& q) const {
    if (refresh_ == SNMF4J_REFRESH_NONE) return NAN;
    double sum = 0;
    for (std::size_t j = 0; j < target_->row_sums.size(); j++) {
      sum += std::sqrt(q.wide[j * target_->row_sums.size() + j]) * target_->row_sums[j];
    }
    return sum;
  }

 private:
  void settle(int worker) {
    const auto at = static_cast<std::size_t>(worker);
    snmf4j_scratch& scratch = context_.scratch[at];
    const auto padded = static_cast<std::size_t>(target_->padded);
    for (std::size_t j = 0; j < static_cast<std::size_t>(target_->rank); j++) {
      float* some = scratch.some_gram.data() + j * padded;
      double* total = scratch.gram.data() + j * padded;
      for (std::size_t l = 0; l <= j; l++) total[l] += static_cast<double>(some[l]);
      // The tiles reach beyond the diagonal.
      std::memset(some, 0, padded * sizeof(float));
    }
    pending_[at] = 0;
  }

  std::size_t nonzeros() const { return static_cast<std::size_t>(support_.start[support_.rank]); }

  void reduce_support(const std::vector<char>& begun) {
    for (int j = 0; j < support_.rank; j++) {
      for (int64_t e = support_.start[j]; e < support_.start[j + 1]; e++) {
        float sum = 0;
        for (std::size_t w = 0; w < begun.size(); w++) {
          if (begun[w]) sum += context_.scratch[w].support[static_cast<std::size_t>(e)];
        }
        target_->cross[static_cast<std::size_t>(support_.index[e]) * target_->padded + j] = sum;
      }
    }
  }

  float* cross(int worker) {
    return worker == 0 ? target_->cross.data()
                       : context_.scratch[static_cast<std::size_t>(worker)].cross.data();
  }

  snmf4j_context& context_;
  const PanelKernels& stored_;
  snmf4j_statistics* const target_;
  const int refresh_;
  const SparseColumns support_;
  const bool fetches_;
  std::vector<int> pending_;  // by worker, panels whose G is still in float32
};

// P of a panel, by the kernel that suits the density of the features.
class Projector {
 public:
  Projector(const snmf4j_panels& a, snmf4j_features& z)
      : stored_(a.kernels),
        columns_(z.columns()),
        dense_(z.is_dense() ? z.dense.data() : nullptr),
        neurons_(z.neurons) {}

  const SparseColumns& columns() const { return columns_; }
  bool is_dense() const { return dense_ != nullptr; }

  // `next` is the panel that comes after, or null.
  void operator()(const void* a, float* p, const void* next) const {
    if (dense_ == nullptr) {
      stored_.project(a, columns_, p);
    } else {
      stored_.project_dense(a, neurons_, dense_, columns_.rank, p, next);
    }
  }

 private:
  const PanelKernels& stored_;
  const SparseColumns columns_;
  const float* const dense_;
  const int64_t neurons_;
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
  // what each sweep gains adds to it.
  void run(const float* p, float* y, int sweeps, double tolerance, double explained) const {
    for (int sweep = 0; sweep < sweeps; sweep++) {
      const double gain =
          kernels.descend(q.rank, q.narrow.data(), inverse.data(), shift.data(), p, y);
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

void require_update(const snmf4j_update* update, const snmf4j_panels* y,
                    const snmf4j_panels* result) {
  require(update != nullptr, "update must not be null");
  if (update->rule == SNMF4J_RULE_MULTIPLICATIVE) {
    require(update->epsilon > 0, "epsilon must be positive");
  } else {
    require(update->rule == SNMF4J_RULE_HALS || update->rule == SNMF4J_RULE_LEAST_SQUARES,
            "rule must be one of SNMF4J_RULE_*");
    require(update->sweeps >= 1, "sweeps must be at least 1");
    require(update->tolerance >= 0, "tolerance must not be negative");
    require(update->penalty >= 0 && std::isfinite(update->penalty),
            "penalty must be finite and not negative");
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
void read(const Kernels& kernels, const snmf4j_update& update, const snmf4j_panels& y,
          int64_t panel, float* target) {
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

}  // namespace

int snmf4j_dense_statistics(const snmf4j_panels* a, const snmf4j_panels* y,
                            snmf4j_statistics* result) {
  return entry([&] {
    require_shapes(a, y);
    require_shapes(a, y, result);
    snmf4j_context& context = *a->context;
    Sums sums(*a, result, SNMF4J_REFRESH_DENSE, SparseColumns{}, false);
    std::vector<char> begun(static_cast<std::size_t>(context.pool.size()), 0);
    // The first worker's C is the result's own and must be zeroed even if it gets no panel.
    sums.begin(0);
    begun[0] = 1;
    context.pool.ranges(a->count, [&](int worker, int64_t from, int64_t to) {
      if (worker > 0) sums.begin(worker);
      begun[static_cast<std::size_t>(worker)] = 1;
      for (int64_t p = from; p < to; p++) {
        sums.add(worker, a->stored(p), y->panel(p), p + 1 < to ? a->stored(p + 1) : nullptr);
      }
      sums.end(worker);
    });
    sums.reduce(begun);
  });
}

int snmf4j_pass(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_update* update,
                const snmf4j_panels* y, snmf4j_panels* result, int refresh,
                snmf4j_statistics* statistics, double* sums_out) {
  return entry([&] {
    require_shapes(a, z, y);
    require_shapes(a, z, result);
    require_update(update, y, result);
    require(sums_out != nullptr, "sums must not be null");
    require(refresh >= SNMF4J_REFRESH_NONE && refresh <= SNMF4J_REFRESH_DENSE,
            "refresh must be one of SNMF4J_REFRESH_*");
    if (refresh != SNMF4J_REFRESH_NONE) require_shapes(a, y, statistics);
    snmf4j_context& context = *a->context;
    const Kernels& kernels = context.kernels;
    const bool multiplicative = update->rule == SNMF4J_RULE_MULTIPLICATIVE;
    const bool solving = update->rule == SNMF4J_RULE_LEAST_SQUARES;
    const int64_t size = static_cast<int64_t>(z->rank) * kPanel;
    const Projector project(*a, *z);
    const Products q(context, project.columns(), z->dense.data(), z->neurons);
    // Each rule reads Q in a form of its own.
    std::optional<SignedForm> signs;
    std::optional<Descent> descent;
    std::optional<UnconstrainedStart> start;
    if (multiplicative) {
      signs.emplace(context, q);
    } else {
      descent.emplace(context, q, update->penalty, solving ? kRelaxation : 1);
      if (solving) start.emplace(context, *descent);
    }
    Sums sums(*a, statistics, refresh, project.columns(), !project.is_dense());
    for (snmf4j_scratch& scratch : context.scratch) {
      scratch.projection.reserve(&context.memory, static_cast<std::size_t>(size));
      scratch.source.reserve(&context.memory, static_cast<std::size_t>(size));
    }
    std::vector<double> cross(static_cast<std::size_t>(context.pool.size()), 0);
    std::vector<char> begun(static_cast<std::size_t>(context.pool.size()), 0);
    sums.begin(0);
    begun[0] = 1;
    context.pool.ranges(a->count, [&](int worker, int64_t from, int64_t to) {
      if (worker > 0) sums.begin(worker);
      begun[static_cast<std::size_t>(worker)] = 1;
      float* p = context.scratch[static_cast<std::size_t>(worker)].projection.data();
      float* source = context.scratch[static_cast<std::size_t>(worker)].source.data();
      double total = 0;
      for (int64_t panel = from; panel < to; panel++) {
        const void* activations = a->stored(panel);
        const void* next = panel + 1 < to ? a->stored(panel + 1) : nullptr;
        float* target = result->panel(panel);
        project(activations, p, next);
        if (!solving) read(kernels, *update, *y, panel, source);
        if (solving) {
          const double explained = (*start)(p, a->tokens - panel * kPanel, target);
          descent->run(p, target, update->sweeps, update->tolerance, explained);
        } else if (multiplicative) {
          kernels.multiply(signs->rows, p, source, static_cast<float>(update->epsilon), target);
        } else {
          const double explained = update->tolerance > 0 ? descent->explained(p, source) : 0;
          descent->run(p, source, update->sweeps, update->tolerance, explained);
          std::memcpy(target, source, static_cast<std::size_t>(size) * sizeof(float));
        }
        total += kernels.dot(p, target, size);
        sums.add(worker, activations, target, next);
      }
      sums.end(worker);
      cross[static_cast<std::size_t>(worker)] = total;
    });
    sums.reduce(begun);
    sums_out[0] = 0;
    for (double part : cross) sums_out[0] += part;
    sums_out[1] = sums.quadratic(q);
    sums_out[2] = sums.spread(q);
  });
}

int snmf4j_project(const snmf4j_panels* a, snmf4j_features* z, snmf4j_panels* result) {
  return entry([&] {
    require_shapes(a, z, result);
    const Projector project(*a, *z);
    a->context->pool.ranges(a->count, [&](int, int64_t from, int64_t to) {
      for (int64_t p = from; p < to; p++) {
        project(a->stored(p), result->panel(p), p + 1 < to ? a->stored(p + 1) : nullptr);
      }
    });
  });
}

int snmf4j_residual(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_panels* y,
                    double* result) {
  return entry([&] {
    require_shapes(a, z, y);
    require(result != nullptr, "result must not be null");
    const SparseRows rows = z->rows();
    std::vector<double> parts(static_cast<std::size_t>(a->context->pool.size()), 0);
    a->context->pool.ranges(a->count, [&](int worker, int64_t from, int64_t to) {
      double total = 0;
      for (int64_t p = from; p < to; p++) {
        total += a->kernels.residual(a->stored(p), rows, y->panel(p));
      }
      parts[static_cast<std::size_t>(worker)] = total;
    });
    *result = 0;
    for (double part : parts) *result += part;
  });
}
