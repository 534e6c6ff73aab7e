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
  double& operator()(int64_t i, int64_t j) {
    return values[static_cast<std::size_t>(i * columns + j)];
  }
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

// The same with a share of zeros.
inline Matrix sparse_matrix(int64_t rows, int64_t columns, unsigned seed, double zeros) {
  Matrix result = signed_matrix(rows, columns, seed);
  std::mt19937 generator(seed + 1000);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (double& value : result.values) value = uniform(generator) < zeros ? 0 : value;
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

inline Matrix transposed(const Matrix& matrix) {
  Matrix result(matrix.columns, matrix.rows);
  for (int64_t i = 0; i < matrix.rows; i++) {
    for (int64_t j = 0; j < matrix.columns; j++) result(j, i) = matrix(i, j);
  }
  return result;
}

inline Matrix magnitudes(Matrix matrix) {
  for (double& value : matrix.values) value = std::fabs(value);
  return matrix;
}

inline Matrix times(const Matrix& left, const Matrix& right) {
  Matrix result(left.rows, right.columns);
  for (int64_t i = 0; i < left.rows; i++) {
    for (int64_t p = 0; p < left.columns; p++) {
      for (int64_t j = 0; j < right.columns; j++) result(i, j) += left(i, p) * right(p, j);
    }
  }
  return result;
}

// The largest |actual - expected| as a share of `scale`, which bounds what rounding is measured by.
inline double worst_error(const Matrix& expected, const Matrix& actual, const Matrix& scale) {
  REQUIRE(actual.rows == expected.rows);
  REQUIRE(actual.columns == expected.columns);
  double worst = 0;
  for (std::size_t i = 0; i < expected.values.size(); i++) {
    const double error = std::fabs(actual.values[i] - expected.values[i]);
    const double share = error == 0 ? 0 : error / scale.values[i];
    if (!(share <= worst)) worst = share;
  }
  return worst;
}

// Of worst_error() for a product with A of the given type: `float32`, what float32 gives, and under
// TF32, which the twin does not have, for each factor that ten bits of mantissa do not hold exactly
// their rounding. A's 16-bit types are exact there; where they are split, factors are exact to
// 2^-17, which is within `float32`.
inline double product_error(double float32, int dense, int type) {
  if (dense != SNMF4J_DENSE_TF32) return float32;
  return float32 + (type == SNMF4J_FLOAT32 ? 2 : 1) * 0x1p-11;
}

// Panels of so many tokens; graphs on or off; few bytes of memory for data; SNMF4J_DENSE_*; few
// bytes of shared memory.
struct Options {
  int panel = 128;
  bool graphs = false;
  int64_t limit = 0;
  int dense = SNMF4J_DENSE_FP32;
  int shared = 0;
};

class Context {
 public:
  explicit Context(const Options& chosen = {}) {
    setenv("SNMF4J_CUDA_PANEL", std::to_string(chosen.panel).c_str(), 1);
    if (chosen.shared > 0) {
      setenv("SNMF4J_CUDA_SHARED", std::to_string(chosen.shared).c_str(), 1);
    }
    snmf4j_cuda_options options = defaults();
    options.graphs = chosen.graphs;
    if (chosen.limit > 0) limit_ = options.memory_limit = chosen.limit + held_when_new();
    options.dense = chosen.dense;
    REQUIRE(snmf4j_cuda_context_create(&options, &handle_) == SNMF4J_OK);
    unsetenv("SNMF4J_CUDA_PANEL");
    if (chosen.shared > 0) unsetenv("SNMF4J_CUDA_SHARED");
  }
  ~Context() { CHECK(snmf4j_context_destroy(handle_) == SNMF4J_OK); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  operator snmf4j_context*() const { return handle_; }

  int64_t used() const { return used(handle_); }
  // How messages name the limit.
  std::string limit() const { return "limit of " + std::to_string(limit_ >> 20) + " MiB"; }

 private:
  static snmf4j_cuda_options defaults() {
    const char* cublas = std::getenv("SNMF4J_CUBLAS");
    snmf4j_cuda_options options{};
    options.threads = 2;
    options.cublas = cublas == nullptr ? "libcublas.so" : cublas;
    return options;
  }

  static int64_t used(snmf4j_context* context) {
    int64_t use[2];
    REQUIRE(snmf4j_context_memory(context, use) == SNMF4J_OK);
    return use[0];
  }

  // On a device that is cuBLAS's workspace; the twin has none. Data find the same on both.
  static int64_t held_when_new() {
    static const int64_t held = [] {
      const snmf4j_cuda_options options = defaults();
      snmf4j_context* context = nullptr;
      REQUIRE(snmf4j_cuda_context_create(&options, &context) == SNMF4J_OK);
      const int64_t bytes = used(context);
      REQUIRE(snmf4j_context_destroy(context) == SNMF4J_OK);
      return bytes;
    }();
    return held;
  }

  snmf4j_context* handle_ = nullptr;
  int64_t limit_ = 0;
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

class Features {
 public:
  // Zeros.
  Features(const Context& context, int64_t neurons, int rank) : neurons_(neurons), rank_(rank) {
    REQUIRE(snmf4j_features_create(context, neurons, rank, &handle_) == SNMF4J_OK);
  }
  Features(const Context& context, const Matrix& values)
      : Features(context, values.rows, static_cast<int>(values.columns)) {
    write(values);
  }
  ~Features() { CHECK(snmf4j_features_destroy(handle_) == SNMF4J_OK); }
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  operator snmf4j_features*() const { return handle_; }

  void write(const Matrix& values) {
    REQUIRE(snmf4j_features_write(handle_, SNMF4J_FLOAT64, values.values.data(), 0, neurons_) ==
            SNMF4J_OK);
  }
  Matrix read() const {
    std::vector<float> values(static_cast<std::size_t>(neurons_ * rank_));
    REQUIRE(snmf4j_features_read(handle_, values.data(), 0, neurons_) == SNMF4J_OK);
    Matrix result(neurons_, rank_);
    result.values.assign(values.begin(), values.end());
    return result;
  }

 private:
  snmf4j_features* handle_ = nullptr;
  int64_t neurons_;
  int rank_;
};

class Statistics {
 public:
  // Zeros.
  Statistics(const Context& context, int64_t neurons, int rank) : neurons_(neurons), rank_(rank) {
    REQUIRE(snmf4j_statistics_create(context, neurons, rank, &handle_) == SNMF4J_OK);
  }
  ~Statistics() { CHECK(snmf4j_statistics_destroy(handle_) == SNMF4J_OK); }
  Statistics(const Statistics&) = delete;
  Statistics& operator=(const Statistics&) = delete;
  operator snmf4j_statistics*() const { return handle_; }

  Matrix cross() const {
    std::vector<float> values(static_cast<std::size_t>(neurons_ * rank_));
    REQUIRE(snmf4j_statistics_cross(handle_, values.data(), 0, neurons_) == SNMF4J_OK);
    Matrix result(neurons_, rank_);
    result.values.assign(values.begin(), values.end());
    return result;
  }
  Matrix gram() const {
    Matrix result(rank_, rank_);
    REQUIRE(snmf4j_statistics_gram(handle_, result.values.data()) == SNMF4J_OK);
    return result;
  }
  Matrix row_sums() const {
    Matrix result(1, rank_);
    REQUIRE(snmf4j_statistics_row_sums(handle_, result.values.data()) == SNMF4J_OK);
    return result;
  }

 private:
  snmf4j_statistics* handle_ = nullptr;
  int64_t neurons_;
  int rank_;
};

inline void fails(int expected, int status, const std::string& part) {
  CHECK(status == expected);
  const std::string message = snmf4j_last_message();
  CHECK_MESSAGE(message.find(part) != std::string::npos, message);
}

inline bool message_has(const char* part) {
  return std::string(snmf4j_last_message()).find(part) != std::string::npos;
}

}  // namespace test

#endif
