#include "status.hpp"

#include <cstring>

#include "snmf4j/operations.h"

namespace snmf4j {
namespace {
// Fixed size, so that reporting an allocation failure allocates nothing.
thread_local char message_of_thread[1024] = "";
}  // namespace

void set_last_message(const char* message) noexcept {
  std::strncpy(message_of_thread, message, sizeof message_of_thread - 1);
  message_of_thread[sizeof message_of_thread - 1] = '\0';
}

const char* last_message() noexcept { return message_of_thread; }

void require(bool condition, const char* message) {
  if (!condition) throw Error(SNMF4J_INVALID_ARGUMENT, message);
}

}  // namespace snmf4j
