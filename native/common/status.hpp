// Errors: thrown inside, turned into a status and a message at the C boundary.
#ifndef SNMF4J_COMMON_STATUS_HPP
#define SNMF4J_COMMON_STATUS_HPP

#include <exception>
#include <new>
#include <string>

namespace snmf4j {

class Error : public std::exception {
 public:
  Error(int status, std::string message) : status_(status), message_(std::move(message)) {}
  int status() const { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  int status_;
  std::string message_;
};

// Keeps a message for the calling thread; never throws.
void set_last_message(const char* message) noexcept;
const char* last_message() noexcept;

// Throws INVALID_ARGUMENT unless `condition` holds.
void require(bool condition, const char* message);

// Runs `body` and returns its status.
template <typename Body>
int guarded(int ok, int out_of_memory, int internal, Body body) noexcept {
  try {
    body();
    return ok;
  } catch (const Error& e) {
    set_last_message(e.what());
    return e.status();
  } catch (const std::bad_alloc&) {
    set_last_message("out of memory");
    return out_of_memory;
  } catch (const std::exception& e) {
    set_last_message(e.what());
    return internal;
  } catch (...) {
    set_last_message("unknown failure");
    return internal;
  }
}

}  // namespace snmf4j

#endif
