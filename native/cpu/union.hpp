// Two supports as one.
#ifndef SNMF4J_CPU_UNION_HPP
#define SNMF4J_CPU_UNION_HPP

#include <algorithm>

#include "kernels.hpp"
#include "memory.hpp"

namespace snmf4j {

// The places that either of two sparse forms has, line by line, ascending; no values.
class SupportUnion {
 public:
  SupportUnion(MemoryCounter* counter, const SparseColumns& x, const SparseColumns& y)
      : SupportUnion(counter, x.rank, x.start, x.index, y.start, y.index) {}
  SupportUnion(MemoryCounter* counter, const SparseRows& x, const SparseRows& y)
      : SupportUnion(counter, x.neurons, x.start, x.index, y.start, y.index) {}

  // Whichever of the two it was made of.
  SparseColumns columns() const {
    return {static_cast<int>(lines_), start_.data(), index_.data(), nullptr};
  }
  SparseRows rows() const { return {lines_, start_.data(), index_.data(), nullptr}; }

 private:
  SupportUnion(MemoryCounter* counter, int64_t lines, const int64_t* x_start,
               const int32_t* x_index, const int64_t* y_start, const int32_t* y_index)
      : lines_(lines),
        start_(counter, static_cast<std::size_t>(lines) + 1),
        index_(counter, static_cast<std::size_t>(x_start[lines] + y_start[lines])) {
    int32_t* end = index_.data();
    start_[0] = 0;
    for (int64_t i = 0; i < lines; i++) {
      end = std::set_union(x_index + x_start[i], x_index + x_start[i + 1], y_index + y_start[i],
                           y_index + y_start[i + 1], end);
      start_[static_cast<std::size_t>(i) + 1] = end - index_.data();
    }
  }

  const int64_t lines_;
  Buffer<int64_t> start_;
  Buffer<int32_t> index_;
};

}  // namespace snmf4j

#endif
