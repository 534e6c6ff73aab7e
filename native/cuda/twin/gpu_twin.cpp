// The device as the host plays it: its memory is the host's, and all work is done at once.
#include <cstdlib>
#include <cstring>
#include <string>

#include "gpu.hpp"

namespace snmf4j::gpu {
namespace {

// Few enough multiprocessors that small problems give each of them several pieces of work.
constexpr int kMultiprocessors = 3;
constexpr int kSharedBytes = 227 << 10;
constexpr std::size_t kBytes = std::size_t{8} << 30;

void* allocate(std::size_t bytes) {
  // Not rounded up, so that a sanitizer sees what lies beyond.
  void* memory = nullptr;
  if (bytes > kBytes || posix_memalign(&memory, 256, bytes) != 0) {
    throw Error(SNMF4J_OUT_OF_MEMORY, std::to_string(bytes >> 20) + " MiB are not to be had");
  }
  // What fresh memory of a device holds is anything.
  std::memset(memory, 0xff, bytes);
  return memory;
}

}  // namespace

int runtime_version() { return 0; }
int driver_version() { return 0; }
int device_count() { return 1; }

snmf4j_device describe(int device) {
  if (device != 0) throw Error(SNMF4J_UNAVAILABLE, "the host twin is device 0");
  snmf4j_device result{};
  std::strcpy(result.name, "host twin");
  result.major = 9;
  result.multiprocessors = kMultiprocessors;
  result.shared_bytes = kSharedBytes;
  result.total_bytes = static_cast<int64_t>(kBytes);
  return result;
}

int64_t free_memory() { return static_cast<int64_t>(kBytes); }
void use_device(int) {}
void reset_device(int) noexcept {}

void* allocate_device(std::size_t bytes) { return allocate(bytes); }
void free_device(void* memory) noexcept { std::free(memory); }
void* allocate_pinned(std::size_t bytes) { return allocate(bytes); }
void free_pinned(void* memory) noexcept { std::free(memory); }

Stream::Stream(bool) : handle_(nullptr) {}
Stream::~Stream() = default;

void Stream::upload(void* device, const void* host, std::size_t bytes) {
  copy(device, host, bytes);
}

void Stream::download(void* host, const void* device, std::size_t bytes) {
  copy(host, device, bytes);
}

void Stream::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void Stream::copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                       std::size_t bytes, std::size_t rows) {
  for (std::size_t row = 0; row < rows; row++) {
    copy(static_cast<char*>(to) + row * to_pitch,
         static_cast<const char*>(from) + row * from_pitch, bytes);
  }
}

void Stream::clear(void* device, std::size_t bytes) {
  if (bytes > 0) std::memset(device, 0, bytes);
}

void Stream::finish() {}

Event::Event() : handle_(nullptr) {}
Event::~Event() = default;
void Event::record(Stream&) {}
void Event::hold(Stream&) {}
void Event::finish() {}

Graph::~Graph() = default;
void Graph::begin(Stream&) {}
void Graph::end(Stream&) {}
void Graph::abandon(Stream&) noexcept {}
void Graph::run(Stream&) {}

}  // namespace snmf4j::gpu
