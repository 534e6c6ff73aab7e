// Counted, aligned memory.
#ifndef SNMF4J_COMMON_MEMORY_HPP
#define SNMF4J_COMMON_MEMORY_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

namespace snmf4j {

// Bytes held now and at most. Not safe for use by several threads: buffers are made and freed
// between parallel sections.
class MemoryCounter {
 public:
  void add(int64_t bytes) {
    current_ += bytes;
    if (current_ > peak_) peak_ = current_;
  }
  void remove(int64_t bytes) { current_ -= bytes; }
  int64_t current() const { return current_; }
  int64_t peak() const { return peak_; }
  void reset_peak() { peak_ = current_; }

 private:
  int64_t current_ = 0;
  int64_t peak_ = 0;
};

// Memory aligned to a cache line, or to a huge page where large; throws std::bad_alloc.
void* allocate_aligned(std::size_t bytes);
void free_aligned(void* memory) noexcept;

// An array of trivial elements. Move-only.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(MemoryCounter* counter, std::size_t size) : counter_(counter), size_(size) {
    if (size > SIZE_MAX / sizeof(T)) throw_too_large();
    data_ = static_cast<T*>(allocate_aligned(size * sizeof(T)));
    counter_->add(bytes());
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) {
      counter_->remove(bytes());
      free_aligned(data_);
    }
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }

  // At least `size` elements; the old ones are lost if it has to grow.
  void reserve(MemoryCounter* counter, std::size_t size) {
    if (size > size_) {
      *this = Buffer();
      *this = Buffer(counter, size);
    }
  }

 private:
  int64_t bytes() const { return static_cast<int64_t>(size_ * sizeof(T)); }
  void swap(Buffer& other) noexcept {
    std::swap(counter_, other.counter_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  [[noreturn]] static void throw_too_large();

  MemoryCounter* counter_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

[[noreturn]] void throw_bad_alloc();

template <typename T>
void Buffer<T>::throw_too_large() {
  throw_bad_alloc();
}

}  // namespace snmf4j

#endif
