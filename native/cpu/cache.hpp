#ifndef SNMF4J_CPU_CACHE_HPP
#define SNMF4J_CPU_CACHE_HPP

#include <cstdint>
#include <string>

namespace snmf4j {

// Bytes that the last caches hold for so many threads that work on parts of their own; 0 if the
// system does not tell. The folder describes the last cache of a processor, as Linux does.
int64_t last_cache(int threads,
                   const std::string& folder = "/sys/devices/system/cpu/cpu0/cache/index3");

}  // namespace snmf4j

#endif
