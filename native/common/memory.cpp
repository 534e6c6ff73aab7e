#include "memory.hpp"

#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace snmf4j {
namespace {
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t round_up(std::size_t bytes, std::size_t alignment) {
  if (bytes > SIZE_MAX - 2 * alignment) throw std::bad_alloc();
  return (bytes + alignment - 1) / alignment * alignment;
}

#if defined(__linux__)
bool is_mapped(std::size_t bytes) { return bytes >= 2 * kHugePage; }

// Memory of the system's own, which has it back as soon as it is freed: an allocator keeps such
// pieces for a next time that may not come.
void* map(std::size_t bytes) {
  const std::size_t size = round_up(bytes, kHugePage);
  void* reserved = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) throw std::bad_alloc();
  char* begin = static_cast<char*>(reserved);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
  const std::size_t before = past == 0 ? 0 : kHugePage - past;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + size, kHugePage - before);
  // Kernels walk down columns of panels; with small pages every row would cost a TLB miss. Only a
  // hint: failure changes nothing.
  madvise(begin + before, size, MADV_HUGEPAGE);
  return begin + before;
}
#endif
}  // namespace

void* allocate_aligned(std::size_t bytes) {
#if defined(__linux__)
  if (is_mapped(bytes)) return map(bytes);
#endif
  const std::size_t rounded = round_up(bytes, kCacheLine);
  void* memory = std::aligned_alloc(kCacheLine, rounded == 0 ? kCacheLine : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void free_aligned(void* memory, std::size_t bytes) noexcept {
#if defined(__linux__)
  if (is_mapped(bytes)) {
    munmap(memory, round_up(bytes, kHugePage));
    return;
  }
#endif
  std::free(memory);
}

void throw_bad_alloc() { throw std::bad_alloc(); }

}  // namespace snmf4j
