// Contexts and handles for tests, which close themselves, and plain matrices beside them.
#ifndef SNMF4J_TEST_CUDA_DEVICE_HPP
#define SNMF4J_TEST_CUDA_DEVICE_HPP

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "snmf4j/cuda.h"

namespace test {

// [rows, columns], row after row.
struct Matrix {
  Matrix(int64_t height, int64_t width)
      : rows(height), columns(width), values(static_cast<std::size_t>(height * width)) {}
  double& operator()(int64_t i, int64_t j) { return values[static_cast<std::size_t>(i * columns + j)]; }
  double operator()(int64_t i, int64_t j) const {
    return values[static_cast<std::size_t>(i * columns + j)];
  }
  std::vector<float> floats() const { return {values.begin(), values.end()}; }

  int64_t rows, columns;
  std::vector<double> values;
};

// Heavy-tailed values of both signs; rounded to float32, so that they are exact there.
inline Matrix signed_matrix(int64_t rows, int64_t columns, unsigned seed) {
  Matrix result(rows, columns);
  std::mt19937 generator(seed);
  std::student_t_distribution<float> heavy(4);
  for (double& value : result.values) value = heavy(generator);
  return result;
}

inline Matrix positive_matrix(int64_t rows, int64_t columns, unsigned seed) {
  Matrix result(rows, columns);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  for (double& value : result.values) value = uniform(generator);
  return result;
}

// As a panel's element type has them.
inline double rounded(double value, int type) {
  const auto narrow = static_cast<float>(value);
  if (type == SNMF4J_FLOAT32 || narrow == 0 || !std::isfinite(narrow)) return narrow;
  const int mantissa = type == SNMF4J_FLOAT16 ? 10 : 7;
  const int least = type == SNMF4J_FLOAT16 ? -14 : -126;
  const double largest = type == SNMF4J_FLOAT16 ? 65504 : 3.3895313892515355e38;
  const double unit = std::ldexp(1, std::max(std::ilogb(narrow), least) - mantissa);
  const double result = std::nearbyint(narrow / unit) * unit;
  return std::fabs(result) > largest ? std::copysign(INFINITY, result) : result;
}

inline Matrix rounded(Matrix matrix, int type) {
  for (double& value : matrix.values) value = rounded(value, type);
  return matrix;
}

// Panels of so many tokens; graphs on or off; few bytes of memory.
struct Options {
  int panel = 128;
  bool graphs = false;
  int64_t limit = 0;
};

class Context {
 public:
  explicit Context(const Options& chosen = {}) {
    setenv("SNMF4J_CUDA_PANEL", std::to_string(chosen.panel).c_str(), 1);
    const char* cublas = std::getenv("SNMF4J_CUBLAS");
    snmf4j_cuda_options options{};
    options.graphs = chosen.graphs;
    options.memory_limit = chosen.limit;
    options.cublas = cublas == nullptr ? "libcublas.so" : cublas;
    REQUIRE(snmf4j_cuda_context_create(&options, &handle_) == SNMF4J_OK);
    unsetenv("SNMF4J_CUDA_PANEL");
  }
  ~Context() { CHECK(snmf4j_context_destroy(handle_) == SNMF4J_OK); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  operator snmf4j_context*() const { return handle_; }

  int64_t used() const {
    int64_t use[2];
    REQUIRE(snmf4j_context_memory(handle_, use) == SNMF4J_OK);
    return use[0];
  }

 private:
  snmf4j_context* handle_ = nullptr;
};

class Panels {
 public:
  // Zeros, or anything.
  Panels(const Context& context, int type, int64_t rows, int64_t tokens, bool clear = true)
      : rows_(rows), tokens_(tokens) {
    REQUIRE(snmf4j_panels_create(context, type, rows, tokens, clear, &handle_) == SNMF4J_OK);
  }
  // Activations, or coefficients if they are float32 and `clear`.
  Panels(const Context& context, int type, const Matrix& values, bool clear = false)
      : Panels(context, type, values.rows, values.columns, clear) {
    write(values);
  }
  // A sample.
  Panels(const Panels& origin, int64_t stride, double* squares = nullptr) : rows_(origin.rows_) {
    REQUIRE(snmf4j_panels_sample(origin, stride, &handle_, squares) == SNMF4J_OK);
    tokens_ = snmf4j_panels_tokens(handle_);
  }
  ~Panels() { CHECK(snmf4j_panels_destroy(handle_) == SNMF4J_OK); }
  Panels(const Panels&) = delete;
  Panels& operator=(const Panels&) = delete;
  operator snmf4j_panels*() const { return handle_; }

  void write(const Matrix& values) {
    REQUIRE(snmf4j_panels_write_rows(handle_, SNMF4J_FLOAT64, values.values.data(), values.columns,
                                     0, values.rows, nullptr) == SNMF4J_OK);
  }
  Matrix read() const {
    std::vector<float> values(static_cast<std::size_t>(rows_ * tokens_));
    REQUIRE(snmf4j_panels_read_rows(handle_, values.data(), tokens_, 0, rows_) == SNMF4J_OK);
    Matrix result(rows_, tokens_);
    result.values.assign(values.begin(), values.end());
    return result;
  }

 private:
  snmf4j_panels* handle_ = nullptr;
  int64_t rows_, tokens_;
};

inline bool message_has(const char* part) {
  return std::string(snmf4j_last_message()).find(part) != std::string::npos;
}

}  // namespace test

#endif
