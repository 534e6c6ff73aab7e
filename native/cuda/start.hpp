// Where least squares start.
#ifndef SNMF4J_CUDA_START_HPP
#define SNMF4J_CUDA_START_HPP

#include "carver.hpp"
#include "products.hpp"

namespace snmf4j {

// The solution without the constraint, (Q + ridge I)^-1 (P - shift), its negatives set to zero.
// Most signs are right at once, which saves half of the sweeps and more. On the device.
struct UnconstrainedStart {
  // Beyond this rank the inverse costs more than a few tiles' sweeps.
  static constexpr int kMaxRank = 1024;

  double* matrix;  // [k][k]
  double* lower;   // [k][k]
  float* inverse;  // (Q + ridge I)^-1, [k][k]
  float* offset;   // of the rows, [k]
  int* failed;     // not 0: there is no inverse
};

UnconstrainedStart unconstrained_start(int rank, Carver& carver);
// Sets what the start points at. Uses the context's room 2.
void prepare_start(snmf4j_context& context, const Products& products,
                   const UnconstrainedStart& start);
// (Q + ridge I)^-1 P for panels of a shape.
void solve_unconstrained(snmf4j_context& context, const UnconstrainedStart& start,
                         const PanelShape& shape, const float* p, float* result);

}  // namespace snmf4j

#endif
