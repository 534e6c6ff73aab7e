// The device as the rest of this library sees it: memory, streams, launches. There are two of it,
// the CUDA runtime (gpu_cuda.cu) and the host twin (twin/gpu_twin.cpp), which runs the very same
// kernels on the CPU so that they can be tested where there is no device.
#ifndef SNMF4J_CUDA_GPU_HPP
#define SNMF4J_CUDA_GPU_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

#include "memory.hpp"
#include "snmf4j/cuda.h"
#include "status.hpp"

#ifdef SNMF4J_TWIN
#include "twin/language.hpp"
#else
#include <cuda_runtime.h>
// Memory that the launch sizes, at the start of a block's shared memory. One name for all kernels:
// the compiler wants one type for it.
#define SNMF4J_SHARED(Type, name)                             \
  extern __shared__ __align__(16) unsigned char shared_room[]; \
  Type* const name = reinterpret_cast<Type*>(shared_room)
#endif

namespace snmf4j::gpu {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

// What the driver, the runtime and their devices are; see cuda.h.
int runtime_version();
int driver_version();
int device_count();
snmf4j_device describe(int device);
// Of the calling thread's device.
int64_t free_memory();
// Makes a device the calling thread's; each call of the C interface begins with it.
void use_device(int device);
// After an error that the device does not recover from by itself: frees all of it.
void reset_device(int device) noexcept;

// Throw OUT_OF_MEMORY with what was asked for and what is free.
void* allocate_device(std::size_t bytes);
void free_device(void* memory) noexcept;
void* allocate_pinned(std::size_t bytes);
void free_pinned(void* memory) noexcept;

// Work in order, without waiting for it. All functions may throw INTERNAL, also for earlier work.
class Stream {
 public:
  Stream() : Stream(false) {}
  // Of two streams' work that is ready the device begins with that of an urgent one.
  explicit Stream(bool urgent);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Of memory of the host that is not pinned, copies wait until it has been read.
  void upload(void* device, const void* host, std::size_t bytes);
  void download(void* host, const void* device, std::size_t bytes);
  void copy(void* to, const void* from, std::size_t bytes);
  // `rows` pieces of `bytes` each, at the given distances.
  void copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                 std::size_t bytes, std::size_t rows);
  void clear(void* device, std::size_t bytes);
  // Waits for all of it.
  void finish();

  void* handle() const { return handle_; }

 private:
  void* handle_;
};

// A point in a stream's work that others wait for.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(Stream& stream);
  // Later work of the stream waits for what was recorded.
  void hold(Stream& stream);
  // The calling thread waits.
  void finish();

 private:
  void* handle_;
};

// Work of a stream that was recorded once and is started as a whole.
class Graph {
 public:
  Graph() = default;
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Records what `body` puts into the stream, instead of running it, and runs it then. The twin
  // runs it at once.
  template <typename Body>
  void record(Stream& stream, Body body) {
    begin(stream);
    try {
      body();
    } catch (...) {
      abandon(stream);
      throw;
    }
    end(stream);
  }

  bool recorded() const { return handle_ != nullptr; }
  void run(Stream& stream);

 private:
  void begin(Stream& stream);
  void end(Stream& stream);
  void abandon(Stream& stream) noexcept;

  void* handle_ = nullptr;
};

// A grid of blocks, x fastest, and a block's threads and bytes of shared memory.
struct Shape {
  unsigned blocks;
  unsigned threads;
  std::size_t shared = 0;
  unsigned blocks_y = 1;
};

// How many blocks of `each` items there are.
inline unsigned pieces(int64_t items, int64_t each) {
  return static_cast<unsigned>((items + each - 1) / each);
}

#ifdef SNMF4J_TWIN

template <typename... Parameters, typename... Arguments>
void launch(Stream&, const Shape& shape, void (*kernel)(Parameters...), Arguments... arguments) {
  twin::run({shape.blocks, shape.blocks_y, 1}, shape.threads, shape.shared,
            [&] { kernel(arguments...); });
}

#elif defined(__CUDACC__)

// Lets a kernel ask for more shared memory than the default; throws INTERNAL.
void allow_shared(const void* kernel);
void check_launch();

template <typename... Parameters, typename... Arguments>
void launch(Stream& stream, const Shape& shape, void (*kernel)(Parameters...),
            Arguments... arguments) {
  constexpr std::size_t kDefault = std::size_t{48} << 10;
  if (shape.shared > kDefault) allow_shared(reinterpret_cast<const void*>(kernel));
  kernel<<<dim3(shape.blocks, shape.blocks_y), shape.threads, shape.shared,
           static_cast<cudaStream_t>(stream.handle())>>>(arguments...);
  check_launch();
}

#endif

// Bytes of device memory held, and how many there may be.
class Memory : public MemoryCounter {
 public:
  explicit Memory(int64_t limit) : limit_(limit) {}
  int64_t limit() const { return limit_; }
  int64_t left() const { return limit_ - current(); }
  // What is held now stays: the rest of the limit is for data and the work on it, and what takes a
  // share of the memory takes it of that.
  void settle() { settled_ = current(); }
  int64_t room() const { return limit_ - settled_; }
  // Throws OUT_OF_MEMORY, naming the limit, if `bytes` more would exceed it.
  void require(std::size_t bytes) const;

 private:
  const int64_t limit_;
  int64_t settled_ = 0;
};

// An array of trivial elements on the device. Move-only.
template <typename T>
class Array {
 public:
  Array() = default;
  Array(Memory* memory, std::size_t size) : memory_(memory), size_(size) {
    if (size > SIZE_MAX / sizeof(T)) throw_bad_alloc();
    memory->require(bytes());
    data_ = static_cast<T*>(allocate_device(bytes() == 0 ? sizeof(T) : bytes()));
    memory->add(static_cast<int64_t>(bytes()));
  }
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Array() {
    if (data_ != nullptr) {
      memory_->remove(static_cast<int64_t>(bytes()));
      free_device(data_);
    }
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  // Of the device: not to be read by the host.
  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }

  // At least `size` elements; the old ones are lost if it has to grow.
  void reserve(Memory* memory, std::size_t size) {
    if (size > size_ || data_ == nullptr) {
      *this = Array();
      *this = Array(memory, size);
    }
  }

 private:
  void swap(Array& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Memory* memory_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// Pinned memory of the host, which copies need in order not to wait. Move-only.
template <typename T>
class Pinned {
 public:
  Pinned() = default;
  explicit Pinned(std::size_t size) : size_(size) {
    if (size > SIZE_MAX / sizeof(T)) throw_bad_alloc();
    data_ = static_cast<T*>(allocate_pinned(size == 0 ? sizeof(T) : size * sizeof(T)));
  }
  Pinned(Pinned&& other) noexcept { swap(other); }
  Pinned& operator=(Pinned&& other) noexcept {
    Pinned taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Pinned() {
    if (data_ != nullptr) free_pinned(data_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }
  void reserve(std::size_t size) {
    if (size > size_ || data_ == nullptr) {
      *this = Pinned();
      *this = Pinned(size);
    }
  }

 private:
  void swap(Pinned& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace snmf4j::gpu

#endif
