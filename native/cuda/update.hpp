// How a pass changes Y, once P is known.
#ifndef SNMF4J_CUDA_UPDATE_HPP
#define SNMF4J_CUDA_UPDATE_HPP

#include "products.hpp"

namespace snmf4j {

// Tokens that a block updates together, and that are done together.
constexpr int kUpdateTile = 32;

// Panels of coefficients and what their update reads. All arrays begin at the first of these panels
// and lie as `shape` says. Passed to kernels.
struct Coefficients {
  PanelShape shape;
  const float* p;
  const float* y;       // not read by least squares
  const float* before;  // or null
  const double* scale;  // of the rows, [k], or null
  // Of least squares: (Q + ridge I)^-1 P, or null, what is subtracted from its rows, [k], and
  // whether there is no inverse.
  const float* start;
  const float* offset;
  const int* failed;
  float* result;
  double* dots;  // <P,Y'> of each block, [update_blocks()]
};

// Updates by the rule; `stops` says that there is a tolerance, `large` has room for tiles that
// shared memory cannot hold.
void update(snmf4j_context& context, int rule, bool stops, const Products& products,
            const UpdateNumbers* numbers, const Coefficients& coefficients, float* large);
int64_t update_blocks(const snmf4j_context& context, int rule, int rank, int64_t tokens);
// Floats of `large`.
std::size_t update_room(const snmf4j_context& context, int rule, int rank, int64_t tokens);

}  // namespace snmf4j

#endif
