// What cuBLAS computes, by the same conventions, without cuBLAS.
#include <algorithm>
#include <cstring>
#include <vector>

#include "blas.hpp"

namespace snmf4j::gpu {
namespace {

float widen(const void* from, Element element, int64_t at) {
  if (element == Element::kFloat32) return static_cast<const float*>(from)[at];
  const uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t*>(from)[at]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Sums are those of a plain loop over k; `left` is copied so that many of them are made at a time.
template <typename Left, typename Right, typename Sum>
void product(Operation a_op, Operation b_op, int m, int n, int k, Sum alpha, Left left,
             int64_t lda, Right right, int64_t ldb, Sum beta, Sum* c, int64_t ldc) {
  const auto width = static_cast<std::size_t>(m);
  std::vector<Sum> rows(width * static_cast<std::size_t>(k));  // of the inner index
  for (int64_t p = 0; p < k; p++) {
    for (int64_t i = 0; i < m; i++) {
      rows[static_cast<std::size_t>(p * m + i)] =
          left(a_op == Operation::kNone ? i + p * lda : p + i * lda);
    }
  }
  std::vector<Sum> sums(width);
  for (int64_t j = 0; j < n; j++) {
    std::fill(sums.begin(), sums.end(), Sum{0});
    for (int64_t p = 0; p < k; p++) {
      const Sum factor = right(b_op == Operation::kNone ? p + j * ldb : j + p * ldb);
      const Sum* row = rows.data() + p * m;
      Sum* sum = sums.data();
      for (int i = 0; i < m; i++) sum[i] += row[i] * factor;
    }
    for (int64_t i = 0; i < m; i++) {
      // As in BLAS, beta = 0 means that C is not read.
      Sum& target = c[i + j * ldc];
      target = alpha * sums[static_cast<std::size_t>(i)] + (beta == 0 ? 0 : beta * target);
    }
  }
}

}  // namespace

Blas::Blas(const char*, int, Memory&) {}
Blas::~Blas() = default;

void Blas::multiply(Stream&, Operation a_op, Operation b_op, int m, int n, int k, float alpha,
                    Element element, const void* a, int64_t lda, const void* b, int64_t ldb,
                    float beta, float* c, int64_t ldc, Arithmetic) {
  product(
      a_op, b_op, m, n, k, alpha, [&](int64_t at) { return widen(a, element, at); }, lda,
      [&](int64_t at) { return widen(b, element, at); }, ldb, beta, c, ldc);
}

void Blas::multiply(Stream&, Operation a_op, Operation b_op, int m, int n, int k, double alpha,
                    const double* a, int64_t lda, const double* b, int64_t ldb, double beta,
                    double* c, int64_t ldc) {
  product(
      a_op, b_op, m, n, k, alpha, [&](int64_t at) { return a[at]; }, lda,
      [&](int64_t at) { return b[at]; }, ldb, beta, c, ldc);
}

}  // namespace snmf4j::gpu
