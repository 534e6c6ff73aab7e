// Z's nonzeros in the order in which C is summed on them.
#ifndef SNMF4J_CPU_SUPPORT_HPP
#define SNMF4J_CPU_SUPPORT_HPP

#include <algorithm>
#include <cstring>

#include "kernels.hpp"
#include "memory.hpp"

namespace snmf4j {

class SupportOrder {
 public:
  void arrange(MemoryCounter* counter, const SparseRows& z) {
    count_ = 0;
    touched_ = 0;
    const int64_t total = z.start[z.neurons];
    int64_t rows = 0;
    for (int64_t i = 0; i < z.neurons; i++) rows += z.start[i + 1] > z.start[i];
    // Each block leaves one group of each run length incomplete.
    const auto most = static_cast<std::size_t>(total / kGroup + 4 * (rows / kBlock + 1));
    run_.reserve(counter, most);
    filled_.reserve(counter, most);
    row_.reserve(counter, most * kRowWords);
    feature_.reserve(counter, most * kFeatureWords);
    rows_.reserve(counter, static_cast<std::size_t>(rows));
    for (int64_t i = 0; i < z.neurons; i++) {
      if (z.start[i + 1] > z.start[i]) rows_[touched_++] = static_cast<int32_t>(i);
    }
    order_.reserve(counter, touched_);
    std::copy(rows_.data(), rows_.data() + touched_, order_.data());
    std::stable_sort(order_.data(), order_.data() + touched_, [&](int32_t left, int32_t right) {
      return z.index[z.start[left]] < z.index[z.start[right]];
    });
    for (std::size_t from = 0; from < touched_; from += kBlock) {
      const std::size_t to = std::min(from + kBlock, touched_);
      for (int run = kLongest; run >= 1; run /= 2) append(z, run, from, to);
    }
  }

  SupportGroups groups() const {
    return {static_cast<int64_t>(count_), run_.data(), row_.data(), feature_.data()};
  }

  // Of C in this order: some at the ends of groups are nobody's.
  std::size_t size() const { return count_ * kGroup; }

  // Rows with nonzeros, each once: in ascending order, and as the columns of Z come to them.
  const int32_t* touched() const { return rows_.data(); }
  const int32_t* by_column() const { return order_.data(); }
  int64_t touched_count() const { return static_cast<int64_t>(touched_); }

  // Calls visit(e, row, feature) for each nonzero of groups [from, to) and its place in this order.
  template <typename Visit>
  void each(int64_t from, int64_t to, Visit visit) const {
    for (auto g = static_cast<std::size_t>(from); g < static_cast<std::size_t>(to); g++) {
      for (std::size_t i = 0; i < filled_[g]; i++) {
        const std::size_t run = i / run_[g];
        const uint64_t row = row_[g * kRowWords + run / 2] >> (32 * (run % 2)) & 0xffffffff;
        const uint64_t feature = feature_[g * kFeatureWords + i / 4] >> (16 * (i % 4)) & 0xffff;
        visit(g * kGroup + i, static_cast<std::size_t>(row), static_cast<std::size_t>(feature));
      }
    }
  }

 private:
  static constexpr int kLongest = 8;
  // Rows that pass through the cache together, once for every run length.
  static constexpr std::size_t kBlock = 1024;
  static constexpr std::size_t kRowWords = kGroup / 2;
  static constexpr std::size_t kFeatureWords = kGroup / 4;

  // The runs of one length in a block of rows. What a row does not fill of longer runs is left to
  // shorter ones.
  void append(const SparseRows& z, int run, std::size_t from, std::size_t to) {
    std::size_t filled = kGroup;
    for (std::size_t r = from; r < to; r++) {
      const int32_t row = order_[r];
      const int64_t begin = z.start[row];
      const int64_t count = z.start[row + 1] - begin;
      const int64_t first = run == kLongest ? 0 : count / (2 * run) * (2 * run);
      const int64_t last = count / run * run;
      for (int64_t e = first; e < last; e++) {
        if (filled == kGroup) {
          open(run);
          filled = 0;
        }
        place(filled++, run, row, z.index[begin + e]);
      }
    }
    if (filled < kGroup) filled_[count_ - 1] = static_cast<uint8_t>(filled);
  }

  // Unused places hold row 0 and feature 0, which exist.
  void open(int run) {
    run_[count_] = static_cast<uint8_t>(run);
    filled_[count_] = kGroup;
    std::memset(row_.data() + count_ * kRowWords, 0, kRowWords * sizeof(uint64_t));
    std::memset(feature_.data() + count_ * kFeatureWords, 0, kFeatureWords * sizeof(uint64_t));
    count_++;
  }

  void place(std::size_t i, int run, int32_t row, int32_t feature) {
    const std::size_t at = i / static_cast<std::size_t>(run);
    if (i % static_cast<std::size_t>(run) == 0) {
      row_[(count_ - 1) * kRowWords + at / 2] |= static_cast<uint64_t>(row) << (32 * (at % 2));
    }
    feature_[(count_ - 1) * kFeatureWords + i / 4] |= static_cast<uint64_t>(feature) << (16 * (i % 4));
  }

  Buffer<uint8_t> run_, filled_;
  Buffer<uint64_t> row_, feature_;
  Buffer<int32_t> rows_, order_;
  std::size_t count_ = 0;
  std::size_t touched_ = 0;
};

}  // namespace snmf4j

#endif
