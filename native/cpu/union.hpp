// Two supports as one.
#ifndef SNMF4J_CPU_UNION_HPP
#define SNMF4J_CPU_UNION_HPP

#include <algorithm>

#include "handles.hpp"

namespace snmf4j {

// The positions that either of two sparse forms has, column by column, ascending; no values.
class SupportUnion {
 public:
  SupportUnion(snmf4j_context& context, const SparseColumns& x, const SparseColumns& y)
      : rank_(x.rank),
        start_(&context.memory, static_cast<std::size_t>(x.rank) + 1),
        index_(&context.memory, static_cast<std::size_t>(x.start[x.rank] + y.start[x.rank])) {
    int32_t* end = index_.data();
    start_[0] = 0;
    for (int j = 0; j < rank_; j++) {
      end = std::set_union(x.index + x.start[j], x.index + x.start[j + 1], y.index + y.start[j],
                           y.index + y.start[j + 1], end);
      start_[static_cast<std::size_t>(j) + 1] = end - index_.data();
    }
  }

  SparseColumns columns() const { return {rank_, start_.data(), index_.data(), nullptr}; }

 private:
  const int rank_;
  Buffer<int64_t> start_;
  Buffer<int32_t> index_;
};

}  // namespace snmf4j

#endif
