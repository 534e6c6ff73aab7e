// Several arrays in one piece of memory.
#ifndef SNMF4J_CUDA_CARVER_HPP
#define SNMF4J_CUDA_CARVER_HPP

#include <cstddef>
#include <cstdint>

#include "status.hpp"

namespace snmf4j {

// Hands out memory from `base` on; without one, it only counts. Call the same code twice: to learn
// the size, and to get the arrays.
class Carver {
 public:
  explicit Carver(unsigned char* base = nullptr) : base_(base) {}

  template <typename T>
  T* take(std::size_t count) {
    if (count > (SIZE_MAX - size_ - kAlignment) / sizeof(T)) throw std::bad_alloc();
    const std::size_t at = size_;
    size_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + at);
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kAlignment = 256;

  unsigned char* const base_;
  std::size_t size_ = 0;
};

}  // namespace snmf4j

#endif
