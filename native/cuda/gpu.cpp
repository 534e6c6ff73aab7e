#include "gpu.hpp"

#include <string>

namespace snmf4j::gpu {

void Memory::require(std::size_t bytes) const {
  if (bytes > static_cast<std::size_t>(INT64_MAX) || static_cast<int64_t>(bytes) > left()) {
    throw Error(SNMF4J_OUT_OF_MEMORY,
                std::to_string(bytes >> 20) + " MiB more would exceed the limit of " +
                    std::to_string(limit_ >> 20) + " MiB of device memory, of which " +
                    std::to_string(current() >> 20) + " MiB are in use");
  }
}

}  // namespace snmf4j::gpu
