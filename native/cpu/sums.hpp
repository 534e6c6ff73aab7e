// The sums of a pass, by worker and then together.
#ifndef SNMF4J_CPU_SUMS_HPP
#define SNMF4J_CPU_SUMS_HPP

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <numeric>
#include <vector>

#include "handles.hpp"
#include "updates.hpp"

namespace snmf4j {

// Rows of C that are shared out together: whole tiles of any kernel.
constexpr int64_t kSharedRows = 12;

// C = AY' in full, by neurons: each worker sums its own rows over all tokens, so that the result
// does not depend on how many share the work, and none needs a C of its own.
inline void sum_cross(const snmf4j_panels& a, const snmf4j_panels& y, snmf4j_statistics& target) {
  snmf4j_context& context = *a.context;
  const auto size = static_cast<std::size_t>(target.padded) * kPanel;
  for (snmf4j_scratch& scratch : context.scratch) {
    scratch.transposed.reserve(&context.memory, size);
  }
  const int64_t tiles = (a.rows + kSharedRows - 1) / kSharedRows;
  context.pool.ranges(tiles, [&](int worker, int64_t from, int64_t to) {
    float* yt = context.scratch[static_cast<std::size_t>(worker)].transposed.data();
    const int64_t first = from * kSharedRows;
    const int64_t rows = std::min(to * kSharedRows, a.rows) - first;
    const int64_t skipped = first * kPanel * a.kernels.bytes;
    float* cross = target.cross.data() + first * target.padded;
    std::memset(yt, 0, size * sizeof(float));
    std::memset(cross, 0, static_cast<std::size_t>(rows * target.padded) * sizeof(float));
    for (int64_t p = 0; p < a.count; p++) {
      const auto* next = p + 1 < a.count ? static_cast<const char*>(a.stored(p + 1)) : nullptr;
      context.kernels.transpose(y.panel(p), target.rank, target.padded, yt, nullptr);
      a.kernels.cross(static_cast<const char*>(a.stored(p)) + skipped, rows, yt, target.padded,
                      cross, next == nullptr ? nullptr : next + skipped);
    }
  });
}

// G, the sums of Y's rows, and C on the support, in one walk over the panels, by groups of them.
//
// A group is summed in float32, and added to the others in float64. The groups do not depend on how
// many workers share them, and adding them is so exact that its order is lost when the total is
// rounded to float32: results are the same for any number of threads.
class Sums {
 public:
  // C is wanted on `support`, or, if that is null, on none.
  Sums(const snmf4j_panels& a, snmf4j_statistics* target, int refresh, const SupportOrder* support)
      : context_(*a.context),
        stored_(a.kernels),
        target_(target),
        refresh_(refresh),
        support_(support),
        panels_(a.count),
        groups_(group_count(a.count)),
        begun_(static_cast<std::size_t>(context_.pool.size()), 0) {
    if (refresh == SNMF4J_REFRESH_NONE) return;
    const auto padded = static_cast<std::size_t>(target->padded);
    for (int w = 0; w < context_.pool.size(); w++) {
      snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(w)];
      scratch.transposed.reserve(&context_.memory, padded * kPanel);
      scratch.gram.reserve(&context_.memory, padded * padded);
      scratch.some_gram.reserve(&context_.memory, padded * padded);
      scratch.row_sums.reserve(&context_.memory, padded);
      if (support_ != nullptr) {
        scratch.some_support.reserve(&context_.memory, support_->size());
        scratch.support.reserve(&context_.memory, support_->size());
      }
    }
  }

  // How many groups there are, and the first panel of one, or of none after the last.
  int64_t groups() const { return groups_; }
  int64_t first(int64_t group) const {
    return panels_ / groups_ * group + panels_ % groups_ * group / groups_;
  }

  // Zeroes a worker's sums; called by that worker, so that it owns the pages.
  void begin(int worker) {
    begun_[static_cast<std::size_t>(worker)] = 1;
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(worker)];
    const auto padded = static_cast<std::size_t>(target_->padded);
    std::memset(scratch.transposed.data(), 0, padded * kPanel * sizeof(float));
    std::memset(scratch.gram.data(), 0, padded * padded * sizeof(double));
    std::memset(scratch.some_gram.data(), 0, padded * padded * sizeof(float));
    std::memset(scratch.row_sums.data(), 0, padded * sizeof(double));
    if (support_ != nullptr) {
      std::memset(scratch.some_support.data(), 0, support_->size() * sizeof(float));
      std::memset(scratch.support.data(), 0, support_->size() * sizeof(double));
    }
  }

  // The fetches are what to ask for while C and while G is summed.
  void add(int worker, const void* a, const float* y, const Fetch& with_cross,
           const Fetch& with_gram) {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(worker)];
    const Kernels& kernels = context_.kernels;
    if (support_ != nullptr) {
      stored_.support_cross(a, support_->groups(), y, scratch.some_support.data(), with_cross);
    }
    kernels.transpose(y, target_->rank, target_->padded, scratch.transposed.data(), nullptr);
    kernels.gram(scratch.transposed.data(), target_->padded, scratch.some_gram.data(), with_gram);
    kernels.row_sums(y, target_->rank, scratch.row_sums.data());
  }

  // Called by a worker after each of its groups.
  void settle(int worker) {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(worker)];
    const auto padded = static_cast<std::size_t>(target_->padded);
    for (std::size_t j = 0; j < static_cast<std::size_t>(target_->rank); j++) {
      float* some = scratch.some_gram.data() + j * padded;
      double* total = scratch.gram.data() + j * padded;
      for (std::size_t l = 0; l <= j; l++) total[l] += static_cast<double>(some[l]);
      // The tiles reach beyond the diagonal.
      std::memset(some, 0, padded * sizeof(float));
    }
    if (support_ == nullptr) return;
    for (std::size_t e = 0; e < support_->size(); e++) {
      scratch.support[e] += static_cast<double>(scratch.some_support[e]);
      scratch.some_support[e] = 0;
    }
  }

  // Adds up what the workers have that have begun.
  void reduce() {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    const int k = target_->rank;
    const auto padded = static_cast<std::size_t>(target_->padded);
    for (int j = 0; j < k; j++) {
      target_->row_sums[static_cast<std::size_t>(j)] =
          total(&snmf4j_scratch::row_sums, static_cast<std::size_t>(j));
    }
    context_.pool.ranges(k, [&](int, int64_t from, int64_t to) {
      for (int64_t j = from; j < to; j++) {
        // The upper triangle is read below the diagonal, where it was summed.
        for (int64_t l = 0; l < k; l++) {
          const auto at = static_cast<std::size_t>(std::max(j, l)) * padded +
                          static_cast<std::size_t>(std::min(j, l));
          target_->gram[static_cast<std::size_t>(j * k + l)] = total(&snmf4j_scratch::gram, at);
        }
      }
    });
    if (support_ == nullptr) return;
    context_.pool.ranges(support_->groups().count, [&](int, int64_t from, int64_t to) {
      support_->each(from, to, [&](std::size_t e, std::size_t row, std::size_t feature) {
        target_->cross[row * padded + feature] = total(&snmf4j_scratch::support, e);
      });
    });
  }

  double quadratic(const Products& q) const {
    if (refresh_ == SNMF4J_REFRESH_NONE) return NAN;
    // Several sums: additions to one wait for each other.
    double sums[8] = {};
    for (std::size_t i = 0; i < q.wide.size(); i++) sums[i % 8] += q.wide[i] * target_->gram[i];
    return std::accumulate(std::begin(sums), std::end(sums), 0.0);
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
  // Many groups, so that many workers get even shares, but not so many that adding them up takes
  // long; and at most so many panels each: their tokens sum up to a total, so that the error stays
  // at that of a few dozen roundings.
  static constexpr int64_t kGroups = 32;
  static constexpr int64_t kFewPanels = 128;
  static constexpr int64_t kMaxGroup = 16;

  static int64_t group_count(int64_t panels) {
    const int64_t least = panels < kFewPanels ? kGroups / 2 : kGroups;
    return std::min(panels, std::max(least, (panels + kMaxGroup - 1) / kMaxGroup));
  }

  // One of the sums, of all workers.
  float total(Buffer<double> snmf4j_scratch::*sums, std::size_t at) const {
    double sum = 0;
    for (std::size_t w = 0; w < begun_.size(); w++) {
      if (begun_[w]) sum += (context_.scratch[w].*sums)[at];
    }
    return static_cast<float>(sum);
  }

  snmf4j_context& context_;
  const PanelKernels& stored_;
  snmf4j_statistics* const target_;
  const int refresh_;
  const SupportOrder* const support_;
  const int64_t panels_;
  const int64_t groups_;
  std::vector<char> begun_;  // by worker
};

}  // namespace snmf4j

#endif
