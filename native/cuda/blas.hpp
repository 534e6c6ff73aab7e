// cuBLAS, loaded at run time: the host brings it, and builds need no header of it.
#ifndef SNMF4J_CUDA_BLAS_HPP
#define SNMF4J_CUDA_BLAS_HPP

#include <cstdint>

#include "gpu.hpp"

namespace snmf4j::gpu {

// Matrices are column by column, as cuBLAS has them: op(A) is [m, k], op(B) [k, n], C [m, n].
enum class Operation { kNone = 0, kTranspose = 1 };
enum class Element { kFloat32, kBFloat16 };
// How float32 factors are multiplied.
enum class Arithmetic { kFloat32, kTf32 };

class Blas {
 public:
  // `path` names the shared library, `device` that of the calling thread. Throws UNAVAILABLE with
  // what the loader says, or with the name of what the library lacks.
  Blas(const char* path, int device, Memory& memory);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  int version() const { return version_; }

  // C = alpha op(A) op(B) + beta C for float32 C; A and B are of the given element.
  void multiply(Stream& stream, Operation a_op, Operation b_op, int m, int n, int k, float alpha,
                Element element, const void* a, int64_t lda, const void* b, int64_t ldb, float beta,
                float* c, int64_t ldc, Arithmetic arithmetic);
  // The same in float64.
  void multiply(Stream& stream, Operation a_op, Operation b_op, int m, int n, int k, double alpha,
                const double* a, int64_t lda, const double* b, int64_t ldb, double beta, double* c,
                int64_t ldc);

 private:
  struct Library;
  Library* library_ = nullptr;
  int version_ = 0;
  // Ours, so that recorded graphs and repeated runs use the same.
  Array<unsigned char> workspace_;
};

}  // namespace snmf4j::gpu

#endif
