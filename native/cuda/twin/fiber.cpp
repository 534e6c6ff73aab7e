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
// Where the stack ends.
using Context = void*;
#else
using Context = ucontext_t;
#endif

}  // namespace

struct Fiber::State {
  void* stack = nullptr;
  std::size_t colour = 0;  // bytes at the stack's end that are not used
  void (*body)(void*) = nullptr;
  void* argument = nullptr;
  bool running = false;
  Context inside{};
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
#endif

  static void change(Context& from, Context& to) {
#if defined(__x86_64__)
    snmf4j_twin_switch(&from, to);
#else
    swapcontext(&from, &to);
#endif
  }

  void enter() {
    starting = this;
    has_ended = false;
#if defined(__SANITIZE_ADDRESS__)
    from_outside = true;
    __sanitizer_start_switch_fiber(&outer_fake, stack, kStack);
#endif
    change(outside, inside);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(outer_fake, nullptr, nullptr);
#endif
  }

  void leave() {
#if defined(__SANITIZE_ADDRESS__)
    // Nobody comes back to a stack whose body has ended.
    __sanitizer_start_switch_fiber(running ? &fake : nullptr, outer_stack, outer_size);
#endif
    change(inside, outside);
    arrive(fake_stack());
  }

  void hand_over(State& next) {
    starting = &next;
#if defined(__SANITIZE_ADDRESS__)
    from_outside = false;
    __sanitizer_start_switch_fiber(&fake, next.stack, kStack);
#endif
    change(inside, next.inside);
    arrive(fake_stack());
  }

  void run() {
    arrive(nullptr);
    body(argument);
    running = false;
    has_ended = true;
    leave();
  }

  // What a sanitizer has to be told on this stack once it is switched to.
  static void arrive(void* own) {
#if defined(__SANITIZE_ADDRESS__)
    const void* left = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(own, &left, &size);
    if (from_outside) {
      outer_stack = left;
      outer_size = size;
    }
#else
    (void)own;
#endif
  }

  void* fake_stack() const {
#if defined(__SANITIZE_ADDRESS__)
    return fake;
#else
    return nullptr;
#endif
  }

  // The first function on the stack: found by a pointer that both kinds of switching can hand over.
  static void start() { starting->run(); }

  // There once: one thread at a time runs fibers.
  static State* starting;
  static Context outside;  // of resume()
  static bool has_ended;   // the last one that came back to it
#if defined(__SANITIZE_ADDRESS__)
  static bool from_outside;
  static void* outer_fake;
  static const void* outer_stack;
  static std::size_t outer_size;
#endif
};

Fiber::State* Fiber::State::starting = nullptr;
Context Fiber::State::outside{};
bool Fiber::State::has_ended = false;
#if defined(__SANITIZE_ADDRESS__)
bool Fiber::State::from_outside = false;
void* Fiber::State::outer_fake = nullptr;
const void* Fiber::State::outer_stack = nullptr;
std::size_t Fiber::State::outer_size = 0;
#endif

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
  state_->enter();
  return !State::has_ended;
}

bool Fiber::runs() const { return state_->running; }

void Fiber::yield() { state_->leave(); }

void Fiber::hand_over(Fiber& next) { state_->hand_over(*next.state_); }

}  // namespace snmf4j::twin
