// Steps of solving for all of Z at once.
#ifndef SNMF4J_CUDA_SOLVE_HPP
#define SNMF4J_CUDA_SOLVE_HPP

#include <vector>

#include "handles.hpp"

namespace snmf4j {

inline void require_solvable(const snmf4j_statistics* s, const snmf4j_features* z) {
  require(s != nullptr && z != nullptr, "statistics and features must not be null");
  require(s->context == z->context, "all handles must share a context");
  require(s->neurons == z->neurons && s->rank == z->rank, "shapes must agree");
}

// G's diagonal, on the host.
std::vector<double> gram_diagonal(const snmf4j_statistics& s);

// The inverse Cholesky factor of G + ridge I, plus a diagonal, on the device, if that is not null;
// false if there is none, or none that rounding errors do not decide. `inverse` has k by k elements.
// Uses the rooms 0 and 2.
bool invert_ridge(const snmf4j_statistics& s, double ridge, const double* further,
                  double* inverse);

// Z from C and such a factor. Throws NON_FINITE if Z is beyond float32. Uses the room 2.
void solve_all(const snmf4j_statistics& s, const double* inverse, snmf4j_features& z);

}  // namespace snmf4j

#endif
