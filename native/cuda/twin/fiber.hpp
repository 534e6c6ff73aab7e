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
  // Runs until a body yields or ends; called outside of fibers. False if one has ended, which after
  // a hand_over() need not be this one's.
  bool resume();
  // Whether it was prepared and its body has not ended since.
  bool runs() const;
  // Back to resume(); called by the body.
  void yield();
  // Goes on with another one, which was prepared or has given up its turn like this; called by the
  // body. Whoever ends or yields gets back to resume().
  void hand_over(Fiber& next);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace snmf4j::twin

#endif
