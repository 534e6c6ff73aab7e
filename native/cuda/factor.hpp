// Symmetric systems in float64, by the inverse of their Cholesky factor.
#ifndef SNMF4J_CUDA_FACTOR_HPP
#define SNMF4J_CUDA_FACTOR_HPP

#include "handles.hpp"

namespace snmf4j {

// Pivots of a positive definite matrix of this order that are not above so many times their entry of
// the diagonal may be nothing but rounding errors: each is left by at most `order` differences, which
// each are rounded by 2^-53 of that entry. Twice that.
inline double undetermined(int order) { return order * 0x1p-52; }

// The diagonal of a matrix [k][k], all on the device.
void copy_diagonal(snmf4j_context& context, const double* matrix, int k, double* diagonal);

// For M = LL' [k][k] puts L^-1, column by column with zeros above the diagonal, into `inverse`. M,
// of which the diagonal and one half are read, is lost. A pivot that is not above `dependent` times
// its entry of M's diagonal is left out: its row and column count as zero, the row of the inverse
// is zero. *left_out, on the device, becomes 1 then, and 0 otherwise. Uses the context's room 2.
void invert_factor(snmf4j_context& context, int k, double dependent, double* matrix,
                   double* inverse, int* left_out);

// rows <- M^-1 rows for [k, count], column by column, by the inverse factor; `room` is as large.
void solve_columns(snmf4j_context& context, int k, const double* inverse, int count, double* rows,
                   double* room);

}  // namespace snmf4j

#endif
