// A library with the functions of cuBLAS that are used, for tests of how they are called. It checks
// what it is given and computes as the documentation says. SNMF4J_FAKE_CUBLAS, "function=status",
// makes a function fail.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int kInvalid = 7;

struct Context {
  void* stream;
  void* workspace;
  int math;
};

int failure(const char* function) {
  const char* wanted = std::getenv("SNMF4J_FAKE_CUBLAS");
  const std::string start = std::string(function) + "=";
  if (wanted == nullptr || std::strncmp(wanted, start.c_str(), start.size()) != 0) return 0;
  return std::atoi(wanted + start.size());
}

float bfloat(const void* from, int64_t at) {
  const uint32_t bits = uint32_t{static_cast<const uint16_t*>(from)[at]} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

int64_t at(int op, int64_t row, int64_t column, int ld) {
  return op == 0 ? row + column * ld : column + row * ld;
}

template <typename Sum, typename Left, typename Right>
int multiply(int a_op, int b_op, int m, int n, int k, Sum alpha, Left left, int lda, Right right,
             int ldb, Sum beta, Sum* c, int ldc) {
  if (lda < (a_op == 0 ? m : k) || ldb < (b_op == 0 ? k : n) || ldc < m) return kInvalid;
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < m; i++) {
      Sum sum = 0;
      for (int p = 0; p < k; p++) {
        sum += left(at(a_op, i, p, lda)) * right(at(b_op, p, j, ldb));
      }
      Sum& target = c[i + static_cast<int64_t>(j) * ldc];
      target = alpha * sum + (beta == 0 ? 0 : beta * target);
    }
  }
  return 0;
}

}  // namespace

#define FAKE extern "C" __attribute__((visibility("default"))) int

FAKE cublasCreate_v2(Context** result) {
  if (const int status = failure("create")) return status;
  *result = new Context{nullptr, nullptr, -1};
  return 0;
}

FAKE cublasDestroy_v2(Context* context) {
  delete context;
  return 0;
}

FAKE cublasGetVersion_v2(Context*, int* version) {
  *version = 130100;
  return 0;
}

FAKE cublasSetStream_v2(Context* context, void* stream) {
  context->stream = stream;
  context->workspace = nullptr;
  return failure("stream");
}

FAKE cublasSetWorkspace_v2(Context* context, void* workspace, std::size_t bytes) {
  context->workspace = workspace;
  // Has to be aligned.
  if (reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0 || bytes < (4u << 20)) return kInvalid;
  return failure("workspace");
}

FAKE cublasSetMathMode(Context* context, int mode) {
  context->math = mode;
  return failure("math");
}

#ifndef SNMF4J_FAKE_WITHOUT_GEMM
FAKE cublasGemmEx(Context* context, int a_op, int b_op, int m, int n, int k, const void* alpha,
                  const void* a, int a_type, int lda, const void* b, int b_type, int ldb,
                  const void* beta, void* c, int c_type, int ldc, int compute, int algorithm) {
  if (const int status = failure("gemm")) return status;
  const bool wide = a_type == 0;
  if (context->workspace == nullptr || context->math != 0 || a_type != b_type || c_type != 0 ||
      !(wide || a_type == 14) || !(compute == 68 || (wide && compute == 77)) || algorithm != -1) {
    return kInvalid;
  }
  const auto load = [wide](const void* from) {
    return [wide, from](int64_t i) {
      return wide ? static_cast<const float*>(from)[i] : bfloat(from, i);
    };
  };
  return multiply(a_op, b_op, m, n, k, *static_cast<const float*>(alpha), load(a), lda, load(b),
                  ldb, *static_cast<const float*>(beta), static_cast<float*>(c), ldc);
}
#endif

FAKE cublasDgemm_v2(Context* context, int a_op, int b_op, int m, int n, int k, const double* alpha,
                    const double* a, int lda, const double* b, int ldb, const double* beta,
                    double* c, int ldc) {
  if (const int status = failure("dgemm")) return status;
  if (context->workspace == nullptr) return kInvalid;
  return multiply(
      a_op, b_op, m, n, k, *alpha, [a](int64_t i) { return a[i]; }, lda,
      [b](int64_t i) { return b[i]; }, ldb, *beta, c, ldc);
}
