#include "twin/fiber.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace snmf4j::twin {

namespace {

constexpr std::size_t kStack = std::size_t{192} << 10;
// Of so many fibers, the uses of a stack begin so many bytes apart: at one distance from a page's
// end, all of them would share a few lines of the cache.
constexpr unsigned kColours = 128;
constexpr std::size_t kApart = 3 * 64;

#if defined(__x86_64__)
// swapcontext() asks the system to keep the signal mask, which costs more than our kernels' steps:
// only what a call preserves changes hands.
extern "C" void snmf4j_twin_switch(void** leave, void* enter);
__asm__(
    ".text\n"
    ".type snmf4j_twin_switch,@function\n"
    "snmf4j_twin_switch:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    // A return would be predicted to lead to whoever called, and hardly ever does.
    "  popq %rcx\n  jmpq *%rcx\n"
    ".size snmf4j_twin_switch,.-snmf4j_twin_switch\n");
#endif

}  // namespace

struct Fiber::State {
  void* stack = nullptr;
  std::size_t colour = 0;  // bytes at the stack's end that are not used
  void (*body)(void*) = nullptr;
  void* argument = nullptr;
  bool running = false;
#if defined(__x86_64__)
  void* inside = nullptr;
  void* outside = nullptr;
#else
  ucontext_t inside{}, outside{};
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  void* outer_fake = nullptr;
  const void* outer_stack = nullptr;
  std::size_t outer_size = 0;
#endif

  void enter() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&outer_fake, stack, kStack);
#endif
#if defined(__x86_64__)
    snmf4j_twin_switch(&outside, inside);
#else
    swapcontext(&outside, &inside);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(outer_fake, nullptr, nullptr);
#endif
  }

  // `ends` says that nobody comes back to the stack as it is.
  void leave(bool ends) {
    (void)ends;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ends ? nullptr : &fake, outer_stack, outer_size);
#endif
#if defined(__x86_64__)
    snmf4j_twin_switch(&inside, outside);
#else
    swapcontext(&inside, &outside);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, &outer_stack, &outer_size);
#endif
  }

  void run() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &outer_stack, &outer_size);
#endif
    body(argument);
    running = false;
    leave(true);
  }

  // The first function on the stack: found by a pointer that both kinds of switching can hand over.
  static void start() { starting->run(); }
  static State* starting;
};

Fiber::State* Fiber::State::starting = nullptr;

Fiber::Fiber() : state_(new State) {
  static unsigned made = 0;
  state_->colour = made++ % kColours * kApart;
  state_->stack =
      mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (state_->stack == MAP_FAILED) throw std::bad_alloc();
}

Fiber::~Fiber() {
  if (state_->stack != MAP_FAILED) munmap(state_->stack, kStack);
}

void Fiber::prepare(void (*body)(void*), void* argument) {
  State& s = *state_;
  s.body = body;
  s.argument = argument;
  s.running = true;
#if defined(__x86_64__)
  // As if start() had been called: its return address, which it never uses (and which a call leaves
  // eight bytes off the alignment), and six registers.
  void** top = reinterpret_cast<void**>(static_cast<char*>(s.stack) + kStack - s.colour);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(&State::start);
  for (int i = 0; i < 6; i++) *--top = nullptr;
  s.inside = top;
#else
  getcontext(&s.inside);
  s.inside.uc_stack.ss_sp = s.stack;
  s.inside.uc_stack.ss_size = kStack - s.colour;
  s.inside.uc_link = nullptr;
  makecontext(&s.inside, &State::start, 0);
#endif
}

bool Fiber::resume() {
  State::starting = state_.get();
  state_->enter();
  return state_->running;
}

void Fiber::yield() { state_->leave(false); }

}  // namespace snmf4j::twin
