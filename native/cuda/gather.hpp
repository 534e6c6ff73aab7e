// P = Z'A from Z's nonzeros, where few features share a neuron.
#ifndef SNMF4J_CUDA_GATHER_HPP
#define SNMF4J_CUDA_GATHER_HPP

#include "slabs.hpp"
#include "sparse.hpp"

namespace snmf4j {

// P of a slab, in panels as the slab has them.
void gather(snmf4j_context& context, int type, const Slab& slab, const SparseColumns& columns,
            float* p);

}  // namespace snmf4j

#endif
