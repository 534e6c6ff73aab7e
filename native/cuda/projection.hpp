// P = Z'A from Z's nonzeros.
#ifndef SNMF4J_CUDA_PROJECTION_HPP
#define SNMF4J_CUDA_PROJECTION_HPP

#include "carver.hpp"
#include "slabs.hpp"
#include "sparse.hpp"

namespace snmf4j {

// A nonzero: the byte at which its neuron's row begins in a chunk that lies in shared memory.
struct alignas(8) ChunkEntry {
  int offset;
  float value;
};

struct alignas(16) ChunkPair {
  ChunkEntry one, two;
};

// Z's nonzeros in the order in which the projection meets them: by chunk of neurons, inside by
// feature, inside by neuron; an even number of each feature, a zero making up for one. Passed to
// kernels.
struct ChunkPlan {
  SparseColumns columns;
  bool gathers;  // there is no more to the plan: see gather.hpp
  int rank;
  int element;  // bytes of one of A's
  int rows;     // neurons of a chunk, a multiple of 32
  int chunks;
  bool many;    // features: blocks of more warps, with more features each
  int entries_staged;  // so many of a chunk's entries go through shared memory
  ChunkEntry* entries;
  int* bounds;     // [chunks][rank + 1]: where the entries of a chunk and a feature begin
  unsigned* used;  // a bit per neuron: it has nonzeros
};

// A plan for activations of a type, its arrays from the carver.
ChunkPlan chunk_plan(const snmf4j_context& context, int type, int64_t neurons,
                     const SparseColumns& columns, Carver& carver);
// Sets what the plan points at.
void fill_plan(snmf4j_context& context, const ChunkPlan& plan);

// P of a slab, in panels as the slab has them.
void project(snmf4j_context& context, int type, const Slab& slab, const ChunkPlan& plan, float* p);

}  // namespace snmf4j

#endif
