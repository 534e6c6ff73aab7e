// The sums of a pass, by worker and then together.
#ifndef SNMF4J_CPU_SUMS_HPP
#define SNMF4J_CPU_SUMS_HPP

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <numeric>
#include <vector>

#include "groups.hpp"
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

// <P,Y>, G, the sums of Y's rows, and C on the support, in one walk over the panels, by groups.
//
// A group is summed in float32, and added to the others in float64. The groups do not depend on how
// many workers share them, and adding them is so exact that its order is lost when the total is
// rounded to float32, as all but <P,Y> is: results are the same for any number of threads. Each
// open group has sums of its own, so that the order, and with it every bit, is always the same for
// as many of them.
class Sums {
 public:
  // C is wanted on `support`, or, if that is null, on none.
  Sums(const snmf4j_panels& a, snmf4j_statistics* target, int refresh, const SupportOrder* support)
      : context_(*a.context),
        stored_(a.kernels),
        target_(target),
        refresh_(refresh),
        support_(support),
        groups_(a.count),
        begun_(static_cast<std::size_t>(context_.pool.size()), 0) {
    if (context_.open.size() < open_count()) context_.open.resize(open_count());
    if (refresh == SNMF4J_REFRESH_NONE) return;
    const auto padded = static_cast<std::size_t>(target->padded);
    for (snmf4j_scratch& scratch : context_.scratch) {
      scratch.transposed.reserve(&context_.memory, padded * kPanel);
      scratch.gram.reserve(&context_.memory, padded * padded);
      if (support_ != nullptr) scratch.support.reserve(&context_.memory, support_->size());
      reserve(scratch.part);
    }
    for (std::size_t i = 0; i < open_count(); i++) reserve(context_.open[i]);
  }

  const Groups& groups() const { return groups_; }

  // Where a worker sums a group. Called by that worker, so that it owns the pages.
  snmf4j_part& part(int worker, int64_t group) {
    if (group >= groups_.owned()) {
      snmf4j_part& part = context_.open[static_cast<std::size_t>(group - groups_.owned())];
      clear(part);
      return part;
    }
    snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(worker)];
    if (!begun_[static_cast<std::size_t>(worker)]) {
      begun_[static_cast<std::size_t>(worker)] = 1;
      clear(scratch.part);
      if (refresh_ == SNMF4J_REFRESH_NONE) return scratch.part;
      const auto padded = static_cast<std::size_t>(target_->padded);
      std::memset(scratch.transposed.data(), 0, padded * kPanel * sizeof(float));
      std::memset(scratch.gram.data(), 0, padded * padded * sizeof(double));
      if (support_ != nullptr) {
        std::memset(scratch.support.data(), 0, support_->size() * sizeof(double));
      }
    }
    return scratch.part;
  }

  // The fetches are what to ask for while C and while G is summed.
  void add(int worker, snmf4j_part& part, const void* a, const float* y, const Fetch& with_cross,
           const Fetch& with_gram) {
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    float* yt = context_.scratch[static_cast<std::size_t>(worker)].transposed.data();
    const Kernels& kernels = context_.kernels;
    if (support_ != nullptr) {
      stored_.support_cross(a, support_->groups(), y, part.support.data(), with_cross);
    }
    kernels.transpose(y, target_->rank, target_->padded, yt, nullptr);
    kernels.gram(yt, target_->padded, part.gram.data(), with_gram);
    kernels.row_sums(y, target_->rank, part.row_sums.data());
  }

  // Called by a worker after each of its groups.
  void settle(int worker, int64_t group) {
    if (refresh_ == SNMF4J_REFRESH_NONE || group >= groups_.owned()) return;
    snmf4j_scratch& scratch = context_.scratch[static_cast<std::size_t>(worker)];
    const Kernels& kernels = context_.kernels;
    for (int j = 0; j < target_->rank; j++) {
      const int64_t at = int64_t{j} * target_->padded;
      // The tiles reach beyond the diagonal, but not beyond this.
      kernels.settle(scratch.part.gram.data() + at, scratch.gram.data() + at, padded_rank(j + 1));
    }
    if (support_ == nullptr) return;
    kernels.settle(scratch.part.support.data(), scratch.support.data(),
                   static_cast<int64_t>(support_->size()));
  }

  // Adds up what the workers and the open groups have; returns <P,Y>.
  double reduce() {
    Summed summed;
    for (std::size_t w = 0; w < begun_.size(); w++) {
      if (begun_[w]) summed.workers.push_back(&context_.scratch[w]);
    }
    for (std::size_t i = 0; i < open_count(); i++) summed.open.push_back(&context_.open[i]);
    std::vector<const snmf4j_part*> parts(summed.open);
    for (const snmf4j_scratch* scratch : summed.workers) parts.push_back(&scratch->part);
    double product = 0;
    for (const snmf4j_part* part : parts) product += part->product;
    if (refresh_ == SNMF4J_REFRESH_NONE) return product;
    for (std::size_t j = 0; j < target_->row_sums.size(); j++) {
      double sum = 0;
      for (const snmf4j_part* part : parts) sum += part->row_sums[j];
      target_->row_sums[j] = static_cast<float>(sum);
    }
    context_.pool.run([&](int worker) {
      reduce_gram(summed, worker);
      if (support_ != nullptr) reduce_cross(summed, worker);
    });
    return product;
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
  // Where there is something to add up.
  struct Summed {
    std::vector<snmf4j_scratch*> workers;  // the first one's sums become those of all
    std::vector<const snmf4j_part*> open;
  };

  // A worker's share of G. Row j has j + 1 sums: dealt out in turn, so that the shares are equal,
  // but by lines of the cache, which the result's columns are written to.
  void reduce_gram(const Summed& summed, int worker) {
    const auto k = static_cast<std::size_t>(target_->rank);
    const auto padded = static_cast<std::size_t>(target_->padded);
    const auto all = static_cast<std::size_t>(context_.pool.size());
    for (auto block = static_cast<std::size_t>(worker); block * kRankStep < k; block += all) {
      const std::size_t from = block * kRankStep;
      for (std::size_t j = from; j < std::min(from + kRankStep, k); j++) {
        double* row = summed.workers[0]->gram.data() + j * padded;
        for (std::size_t w = 1; w < summed.workers.size(); w++) {
          accumulate(row, summed.workers[w]->gram.data() + j * padded, j + 1);
        }
        for (const snmf4j_part* part : summed.open) {
          accumulate(row, part->gram.data() + j * padded, j + 1);
        }
        for (std::size_t l = 0; l <= j; l++) {
          const auto sum = static_cast<float>(row[l]);
          target_->gram[j * k + l] = sum;
          target_->gram[l * k + j] = sum;
        }
      }
    }
  }

  // A worker's share of C.
  void reduce_cross(const Summed& summed, int worker) {
    const auto padded = static_cast<std::size_t>(target_->padded);
    const int64_t groups = support_->groups().count;
    const int64_t first = context_.pool.bound(groups, worker);
    const int64_t last = context_.pool.bound(groups, worker + 1);
    const auto from = static_cast<std::size_t>(first) * kGroup;
    const auto count = static_cast<std::size_t>(last - first) * kGroup;
    double* sums = summed.workers[0]->support.data();
    for (std::size_t w = 1; w < summed.workers.size(); w++) {
      accumulate(sums + from, summed.workers[w]->support.data() + from, count);
    }
    for (const snmf4j_part* part : summed.open) {
      accumulate(sums + from, part->support.data() + from, count);
    }
    support_->each(first, last, [&](std::size_t e, std::size_t row, std::size_t feature) {
      target_->cross[row * padded + feature] = static_cast<float>(sums[e]);
    });
  }

  std::size_t open_count() const { return static_cast<std::size_t>(groups_.open()); }

  void reserve(snmf4j_part& part) {
    const auto padded = static_cast<std::size_t>(target_->padded);
    part.gram.reserve(&context_.memory, padded * padded);
    part.row_sums.reserve(&context_.memory, padded);
    if (support_ != nullptr) part.support.reserve(&context_.memory, support_->size());
  }

  void clear(snmf4j_part& part) {
    part.product = 0;
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    const auto padded = static_cast<std::size_t>(target_->padded);
    std::memset(part.gram.data(), 0, padded * padded * sizeof(float));
    std::memset(part.row_sums.data(), 0, padded * sizeof(double));
    if (support_ != nullptr) {
      std::memset(part.support.data(), 0, support_->size() * sizeof(float));
    }
  }

  template <typename Element>
  static void accumulate(double* total, const Element* some, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) total[i] += static_cast<double>(some[i]);
  }

  snmf4j_context& context_;
  const PanelKernels& stored_;
  snmf4j_statistics* const target_;
  const int refresh_;
  const SupportOrder* const support_;
  const Groups groups_;
  std::vector<char> begun_;  // by worker
};

}  // namespace snmf4j

#endif
