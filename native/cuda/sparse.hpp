// The sparse forms of Z, on the device.
#ifndef SNMF4J_CUDA_SPARSE_HPP
#define SNMF4J_CUDA_SPARSE_HPP

#include "handles.hpp"

namespace snmf4j {

// Columns of Z: entry e in [start[j], start[j + 1]) of column j is value[e] at neuron index[e];
// neurons grow. Passed to kernels.
struct SparseColumns {
  int rank;
  int64_t nonzeros;
  const int64_t* start;
  const int32_t* index;
  const float* value;
};

// Rows of Z, likewise; `entry` is where the columns have an entry.
struct SparseRows {
  int64_t neurons;
  const int64_t* start;
  const int32_t* index;
  const float* value;
  const int64_t* entry;
};

// Make what is missing since the last change; valid until the next one. They use the context's room
// 3.
SparseColumns sparse_columns(snmf4j_features& z);
SparseRows sparse_rows(snmf4j_features& z);

// Features that are not zero where either of these is; they belong to z, and last until its next
// union.
snmf4j_features& support_union(snmf4j_features& z, const snmf4j_features& other);

// From a quarter of nonzeros on, dense products are faster than sparse ones.
bool is_dense(snmf4j_features& z);

}  // namespace snmf4j

#endif
