// Copies from the device's memory to a block's shared memory that threads need not wait for; device
// code.
#ifndef SNMF4J_CUDA_ASYNC_HPP
#define SNMF4J_CUDA_ASYNC_HPP

#include "gpu.hpp"

#ifdef SNMF4J_TWIN
#include <deque>
#include <vector>
#endif

namespace snmf4j {

#ifdef SNMF4J_TWIN

// Copies are done when they are waited for, so that a missing wait shows.
struct AsyncCopies {
  struct Copy {
    void* to;
    const void* from;
  };
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;

  static AsyncCopies& own() {
    static std::vector<AsyncCopies> all(1024);
    return all[threadIdx.x];
  }
};

inline void copy_async(void* shared, const void* global) {
  AsyncCopies::own().open.push_back({shared, global});
}
inline void commit_async() {
  AsyncCopies& own = AsyncCopies::own();
  own.groups.push_back(std::move(own.open));
  own.open.clear();
}
template <int kLeft>
void wait_async() {
  AsyncCopies& own = AsyncCopies::own();
  while (own.groups.size() > kLeft) {
    for (const AsyncCopies::Copy& copy : own.groups.front()) std::memcpy(copy.to, copy.from, 16);
    own.groups.pop_front();
  }
}

#else

// Sixteen bytes; both addresses are multiples of that.
__device__ inline void copy_async(void* shared, const void* global) {
  const auto target = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(target), "l"(global)
               : "memory");
}
// What was asked for since the last time becomes a group.
__device__ inline void commit_async() { asm volatile("cp.async.commit_group;"); }
// Waits for all groups of this thread but the last kLeft. A barrier shows them to the others.
template <int kLeft>
__device__ inline void wait_async() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

#endif

}  // namespace snmf4j

#endif
