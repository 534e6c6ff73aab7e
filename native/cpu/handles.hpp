// What the opaque handles of the C interface point to.
#ifndef SNMF4J_CPU_HANDLES_HPP
#define SNMF4J_CPU_HANDLES_HPP

#include <cstdint>
#include <vector>

#include "blas.hpp"
#include "kernels.hpp"
#include "memory.hpp"
#include "snmf4j/cpu.h"
#include "status.hpp"
#include "support.hpp"
#include "threads.hpp"

// Sums over some panels, in float32 where there are many.
struct snmf4j_part {
  snmf4j::Buffer<float> gram;       // lower triangle of G, [padded][padded]
  snmf4j::Buffer<float> support;    // C on the support, by nonzero of Z
  snmf4j::Buffer<double> row_sums;  // of Y, [k]
  double product;                   // <P,Y>
};

// Memory of one worker during a pass.
struct snmf4j_scratch {
  snmf4j::Buffer<float> projection;  // P, [k][64]
  snmf4j::Buffer<float> source;      // Y as read, [k][64]
  snmf4j::Buffer<float> transposed;  // Y', [64][padded]
  snmf4j::Buffer<double> wide;       // the same in float64
  snmf4j::Buffer<double> gram;       // this worker's G, [padded][padded]
  snmf4j::Buffer<double> support;    // this worker's C on the support, by nonzero of Z
  snmf4j_part part;                  // G and C of a group of panels, the rest of all
};

struct snmf4j_context {
  snmf4j_context(int threads, int isa, const char* blas_path);

  snmf4j::MemoryCounter memory;
  const int isa;
  const snmf4j::Kernels& kernels;
  const snmf4j::Blas blas;
  snmf4j::ThreadPool pool;
  const int64_t cache;  // bytes, see last_cache()
  std::vector<snmf4j_scratch> scratch;
  std::vector<snmf4j_part> open;  // of open groups, which whoever is free takes
};

struct snmf4j_panels {
  snmf4j_panels(snmf4j_context* context, int type, int64_t rows, int64_t tokens, bool clear);
  // A view of every stride-th panel.
  snmf4j_panels(const snmf4j_panels& origin, int64_t stride, int64_t count, int64_t tokens);

  // A panel of elements of any type, and one of floats.
  void* stored(int64_t p) { return base + p * step; }
  const void* stored(int64_t p) const { return base + p * step; }
  float* panel(int64_t p) { return static_cast<float*>(stored(p)); }
  const float* panel(int64_t p) const { return static_cast<const float*>(stored(p)); }

  snmf4j_context* const context;
  const int type;
  const snmf4j::PanelKernels& kernels;  // those of the type
  const int64_t rows;
  const int64_t tokens;
  const int64_t count;

 private:
  snmf4j::Buffer<unsigned char> data;  // empty in a view
  unsigned char* const base;
  const int64_t step;  // bytes between neighbouring panels
};

struct snmf4j_features {
  snmf4j_features(snmf4j_context* context, int64_t neurons, int rank);

  // All forms are made from `dense` when first needed after a change.
  snmf4j::SparseColumns columns();
  snmf4j::SparseRows rows();
  const snmf4j::SupportOrder& support();
  void changed() { starts_valid = columns_valid = rows_valid = false; }
  // Other values for what rows() holds; the same go into `dense`, and revalued() has to follow.
  float* row_values() { return row_value.data(); }
  void revalued();
  // Whether the sparse forms, which then need twice the memory of `dense`, do not pay.
  bool is_dense();

  snmf4j_context* const context;
  const int64_t neurons;
  const int rank;
  snmf4j::Buffer<float> dense;  // [k][d]

 private:
  // Where the columns of the sparse form start, or would.
  const int64_t* starts();

  snmf4j::Buffer<int64_t> column_start, row_start;
  snmf4j::Buffer<int32_t> column_index, row_index;
  snmf4j::Buffer<float> column_value, row_value;
  snmf4j::SupportOrder order;
  bool starts_valid = false;
  bool columns_valid = false;
  bool rows_valid = false;
  int64_t supports = 0;  // how many there have been
  int64_t arranged = 0;  // the one that `order` is of
};

struct snmf4j_statistics {
  snmf4j_statistics(snmf4j_context* context, int64_t neurons, int rank);

  snmf4j_context* const context;
  const int64_t neurons;
  const int rank;
  const int padded;
  snmf4j::Buffer<float> cross;      // C, [d][padded]
  snmf4j::Buffer<double> gram;      // G, [k][k]
  snmf4j::Buffer<double> row_sums;  // [k]
};

namespace snmf4j {

const Kernels& kernels_for(int isa);
int best_isa();
inline int padded_rank(int rank) { return (rank + kRankStep - 1) / kRankStep * kRankStep; }

// Runs the body of a C function; see guarded().
template <typename Body>
int entry(Body body) noexcept {
  return guarded(SNMF4J_OK, SNMF4J_OUT_OF_MEMORY, SNMF4J_INTERNAL, body);
}

}  // namespace snmf4j

#endif
