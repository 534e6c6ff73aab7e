// Seeded test data.
#ifndef SNMF4J_TEST_RANDOM_HPP
#define SNMF4J_TEST_RANDOM_HPP

#include <cstddef>
#include <random>
#include <vector>

#include "memory.hpp"

// Aligned floats, as the kernels want them.
struct Floats {
  explicit Floats(std::size_t size) : buffer(&counter, size) {
    for (std::size_t i = 0; i < size; i++) buffer[i] = 0;
  }
  static Floats signed_values(std::size_t size, unsigned seed) {
    Floats result(size);
    std::mt19937 generator(seed);
    std::student_t_distribution<float> heavy(4);
    for (std::size_t i = 0; i < size; i++) result.buffer[i] = heavy(generator);
    return result;
  }
  static Floats positive_values(std::size_t size, unsigned seed) {
    Floats result(size);
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(0, 1);
    for (std::size_t i = 0; i < size; i++) result.buffer[i] = uniform(generator);
    return result;
  }
  float* data() { return buffer.data(); }
  float& operator[](std::size_t i) { return buffer[i]; }
  std::size_t size() const { return buffer.size(); }

  static inline snmf4j::MemoryCounter counter;
  snmf4j::Buffer<float> buffer;
};

#endif
