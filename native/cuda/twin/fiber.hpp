// Stacks that a thread of the host switches between; one thread at a time does so.
#ifndef SNMF4J_CUDA_TWIN_FIBER_HPP
#define SNMF4J_CUDA_TWIN_FIBER_HPP

#include <cstddef>
#include <memory>

namespace snmf4j::twin {

// Runs its body piece by piece on a stack of its own, and can be given another body at its end.
// The body must not throw.
class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() begins to run body(argument).
  void prepare(void (*body)(void*), void* argument);
  // Runs until the body yields or ends; called outside of fibers. True as long as it has not ended.
  bool resume();
  // Back to resume(); called by the body.
  void yield();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace snmf4j::twin

#endif
