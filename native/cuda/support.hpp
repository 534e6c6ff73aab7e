// C = AY' where Z is not zero.
#ifndef SNMF4J_CUDA_SUPPORT_HPP
#define SNMF4J_CUDA_SUPPORT_HPP

#include "carver.hpp"
#include "slabs.hpp"
#include "sparse.hpp"

namespace snmf4j {

// A nonzero of Z, by neuron.
struct alignas(8) SupportEntry {
  int neuron;
  int feature;
};

// How the sums are cut: tokens into slices, each with sums of its own, and the nonzeros, in the
// order of the neurons, into shares. Passed to kernels.
struct SupportPlan {
  int rank;
  int64_t nonzeros;
  int64_t slices;
  int64_t shares;
  SupportEntry* entries;  // [nonzeros]
  float* sums;            // [slices][nonzeros]
};

// A plan for panels of so many tokens, its arrays from the carver.
SupportPlan support_plan(const snmf4j_context& context, int64_t tokens,
                         const SparseColumns& columns, Carver& carver);
// Sets the entries and zeroes the sums; puts its work into the stream.
void begin_support(gpu::Stream& stream, const SparseColumns& columns, const SparseRows& rows,
                   const SupportPlan& plan);
// Adds a slab; `y` has its panels.
void add_support(snmf4j_context& context, int type, const Slab& slab, const float* y,
                 const SupportPlan& plan);
// Puts the totals into C.
void end_support(snmf4j_context& context, const SupportPlan& plan, snmf4j_statistics& statistics);

}  // namespace snmf4j

#endif
