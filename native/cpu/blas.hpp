// OpenBLAS, loaded at run time from a path, so that our library links to no particular one.
#ifndef SNMF4J_CPU_BLAS_HPP
#define SNMF4J_CPU_BLAS_HPP

#include <cstddef>
#include <string>

namespace snmf4j {

class Blas {
 public:
  // Throws UNAVAILABLE if the library or one of its functions cannot be found.
  explicit Blas(const char* path);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  const char* config() const { return config_.c_str(); }

  // C [m, n] = A' B with A [k, m], B [k, n], all row-major.
  void multiply_transposed(int m, int n, int k, const float* a, int lda, const float* b, int ldb,
                           float* c, int ldc) const;

  // Lower factor L of M = LL' in place, row-major [k, k]; false if M is not positive definite.
  bool cholesky(int k, double* matrix) const;

  // Rows X [m, k] of X L' = B in place.
  void solve_transposed(int m, int k, const double* lower, double* rows) const;

  // Rows X [m, k] of X LL' = B in place.
  void solve_rows(int m, int k, const double* lower, double* rows) const;

 private:
  template <typename Function>
  void find(Function& function, const char* name);
  void close() noexcept;

  void* library_ = nullptr;
  std::string config_;
  void (*sgemm_)(int, int, int, int, int, int, float, const float*, int, const float*, int, float,
                 float*, int) = nullptr;
  void (*dtrsm_)(int, int, int, int, int, int, int, double, const double*, int, double*,
                 int) = nullptr;
  void (*dpotrf_)(const char*, const int*, double*, const int*, int*, std::size_t) = nullptr;
  void (*set_threads_)(int) = nullptr;
  int (*get_threads_)() = nullptr;
};

}  // namespace snmf4j

#endif
