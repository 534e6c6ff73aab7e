// Products of A with dense matrices, through cuBLAS panel by panel. A's elements are used as they
// are stored where cuBLAS can, as the context's SNMF4J_DENSE_* says, and widened to float32
// otherwise. They use the context's rooms 4 and 5.
#ifndef SNMF4J_CUDA_DENSE_HPP
#define SNMF4J_CUDA_DENSE_HPP

#include "slabs.hpp"

namespace snmf4j {

// How float32 factors are multiplied.
gpu::Arithmetic arithmetic(const snmf4j_context& context);

// A float32 matrix as the sum of two of bfloat16, which is exact to 2^-17 of each element.
struct SplitMatrix {
  const void* high;
  const void* low;
};
// Into the context's room 4.
SplitMatrix split_matrix(snmf4j_context& context, const float* matrix, int64_t size);

// C = AY', from slabs of A in their order.
class CrossProduct {
 public:
  CrossProduct(snmf4j_context& context, int type, const snmf4j_panels& y,
               snmf4j_statistics& statistics);
  void operator()(const Slab& slab);

 private:
  snmf4j_context& context_;
  const int type_;
  const snmf4j_panels& y_;
  snmf4j_statistics& statistics_;
};

// P = Z'A for dense Z, of a slab at a time.
class DenseProjection {
 public:
  // Z must not change afterwards.
  DenseProjection(snmf4j_context& context, int type, const snmf4j_features& z);
  // `target`, [rank, the slab's tokens] in panels of the slab's width, is written over.
  void operator()(const Slab& slab, float* target);

 private:
  snmf4j_context& context_;
  const int type_;
  const snmf4j_features& z_;
  const bool splits_;
  SplitMatrix split_{};
};

}  // namespace snmf4j

#endif
