// Q = Z'Z, and what the updates of Y read of it.
#ifndef SNMF4J_CUDA_PRODUCTS_HPP
#define SNMF4J_CUDA_PRODUCTS_HPP

#include "sparse.hpp"

namespace snmf4j {

// What an update needs to know beside the data, on the device: a recorded pass reads it there, so
// that other values do not make it another pass.
struct UpdateNumbers {
  double penalty;
  double tolerance;
  float epsilon;
  float beta;
  float relaxation;
  int sweeps;
};

// On the device. Passed to kernels.
struct Products {
  int rank;
  int padded;      // padded_rank(rank)
  double* wide;    // Q, [k][k]
  float* narrow;   // Q, [k][padded], padded with zeros
  float* inverse;  // relaxation / Q_jj, or 0 where that is nothing, [padded]
  float* shift;    // penalty |z_j|, [padded]
};

// Sets what `products` points at.
void multiply_features(snmf4j_context& context, const SparseColumns& columns, const float* dense,
                       int64_t neurons, const UpdateNumbers* numbers, const Products& products);

// Parts of <Q,G> and of sum_j |z_j| rowsum_j, and the sum of `size` others.
constexpr unsigned kSumParts = 32;
struct PassSums {
  double others;
  double spread;
  double quadratic[kSumParts];
};
// `statistics` may be null: then there are only the others.
void sum_up(snmf4j_context& context, const Products& products, const snmf4j_statistics* statistics,
            const double* others, int64_t size, PassSums* sums);

}  // namespace snmf4j

#endif
