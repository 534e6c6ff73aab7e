// What features and coefficients leave unexplained.
#ifndef SNMF4J_CUDA_RESIDUAL_HPP
#define SNMF4J_CUDA_RESIDUAL_HPP

#include "slabs.hpp"
#include "sparse.hpp"

namespace snmf4j {

// |a - Zy|^2 of each token of a slab into `tokens`, and of each tile into `tiles`; either may be
// null. They have elements for whole tiles, and `y` begins where the slab does.
void square_residuals(snmf4j_context& context, int type, const Slab& slab, const SparseRows& rows,
                      const float* y, int rank, double* tokens, double* tiles);

}  // namespace snmf4j

#endif
