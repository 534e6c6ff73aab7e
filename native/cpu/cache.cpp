// What the system says of the last cache.
#include "cache.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>

namespace snmf4j {
namespace {

// How many processors a list like 0-3,8 names; 0 if it is none.
int64_t listed(const std::string& list) {
  std::istringstream parts(list);
  std::string part;
  int64_t count = 0;
  while (std::getline(parts, part, ',')) {
    std::istringstream range(part);
    int64_t from = 0, to = 0;
    char dash = 0;
    if (!(range >> from)) return 0;
    if (!(range >> dash >> to)) to = from;
    if (to < from) return 0;
    count += to - from + 1;
  }
  return count;
}

}  // namespace

int64_t last_cache(int threads, const std::string& folder) {
  std::ifstream size_file(folder + "/size");
  std::ifstream shared_file(folder + "/shared_cpu_list");
  int64_t kibibytes = 0;
  char unit = 0;
  std::string list;
  if (!(size_file >> kibibytes >> unit) || unit != 'K' || kibibytes < 0 || kibibytes > INT32_MAX ||
      !(shared_file >> list)) {
    return 0;
  }
  const int64_t sharers = listed(list);
  if (sharers == 0) return 0;
  // Threads fill one such cache after the other.
  return kibibytes * 1024 * std::max<int64_t>(1, threads / sharers);
}

}  // namespace snmf4j
