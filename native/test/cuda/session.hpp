// A context with handles in it, values to fill them with, and ways to look at what they hold.
#ifndef SNMF4J_TEST_CUDA_SESSION_HPP
#define SNMF4J_TEST_CUDA_SESSION_HPP

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "handles.hpp"

// Row after row.
template <typename T>
struct Table {
  Table(int64_t height, int64_t width)
      : rows(height), columns(width), values(static_cast<std::size_t>(height * width)) {}
  T& operator()(int64_t i, int64_t j) { return values[static_cast<std::size_t>(i * columns + j)]; }
  const T& operator()(int64_t i, int64_t j) const {
    return values[static_cast<std::size_t>(i * columns + j)];
  }
  int64_t rows, columns;
  std::vector<T> values;
};

using Floats2 = Table<float>;
using Doubles2 = Table<double>;

// Heavy-tailed values; a share of them zero.
inline Floats2 some_values(int64_t rows, int64_t columns, unsigned seed, double zeros = 0) {
  Floats2 result(rows, columns);
  std::mt19937 generator(seed);
  std::student_t_distribution<float> heavy(4);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (float& value : result.values) {
    value = heavy(generator);
    if (uniform(generator) < zeros) value = 0;
  }
  return result;
}

struct Destroy {
  void operator()(snmf4j_context* handle) const { snmf4j_context_destroy(handle); }
  void operator()(snmf4j_panels* handle) const { snmf4j_panels_destroy(handle); }
  void operator()(snmf4j_features* handle) const { snmf4j_features_destroy(handle); }
  void operator()(snmf4j_statistics* handle) const { snmf4j_statistics_destroy(handle); }
};
template <typename Handle>
using Owned = std::unique_ptr<Handle, Destroy>;

inline void ok(int status) {
  INFO(std::string(snmf4j_last_message()));
  REQUIRE(status == SNMF4J_OK);
}

inline void fails(int expected, int status, const std::string& part) {
  CHECK(status == expected);
  const std::string message = snmf4j_last_message();
  CHECK_MESSAGE(message.find(part) != std::string::npos, message);
}

// Opens a context; tests of several panels make them small.
inline Owned<snmf4j_context> open_context(int panel = 0, int dense = SNMF4J_DENSE_FP32) {
  if (panel > 0) {
    setenv("SNMF4J_CUDA_PANEL", std::to_string(panel).c_str(), 1);
  } else {
    unsetenv("SNMF4J_CUDA_PANEL");
  }
  const char* cublas = std::getenv("SNMF4J_CUBLAS");
  snmf4j_cuda_options options{};
  options.dense = dense;
  options.cublas = cublas != nullptr ? cublas : "libcublas.so.13";
  snmf4j_context* context = nullptr;
  ok(snmf4j_cuda_context_create(&options, &context));
  return Owned<snmf4j_context>(context);
}

inline Owned<snmf4j_features> make_features(const Owned<snmf4j_context>& context,
                                            const Floats2& values) {
  snmf4j_features* handle = nullptr;
  ok(snmf4j_features_create(context.get(), values.rows, static_cast<int>(values.columns), &handle));
  Owned<snmf4j_features> result(handle);
  ok(snmf4j_features_write(handle, SNMF4J_FLOAT32, values.values.data(), 0, values.rows));
  return result;
}

inline Floats2 read_features(const Owned<snmf4j_features>& z) {
  Floats2 result(z->neurons, z->rank);
  ok(snmf4j_features_read(z.get(), result.values.data(), 0, z->neurons));
  return result;
}

// What the device holds.
template <typename T>
std::vector<T> download(snmf4j_context* context, const T* from, std::size_t size) {
  std::vector<T> result(size);
  context->stream.download(result.data(), from, size * sizeof(T));
  context->stream.finish();
  return result;
}

#endif
