// The keep-th largest magnitude of a column, when few are kept of many.
#ifndef SNMF4J_CPU_SELECT_HPP
#define SNMF4J_CPU_SELECT_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace snmf4j {

// Every so many-th value is looked at to guess a bound that most values are below.
constexpr int64_t kGuessStride = 16;

// So few are found sooner by keeping a heap of them.
constexpr int64_t kFew = 32;

// `room` has space for `size` values; `keep` is between 1 and `size`.
template <typename Value>
Value kth_magnitude(const Value* values, int64_t size, int64_t keep, Value* room) {
  int64_t sampled = 0;
  for (int64_t i = 0; i < size; i += kGuessStride) room[sampled++] = std::fabs(values[i]);
  // Twice the share that is kept, and some: rarely too few pass.
  const int64_t rank = 2 * keep / kGuessStride + 4;
  Value bound = 0;
  if (rank < sampled) {
    if (rank < kFew) {
      std::partial_sort(room, room + rank + 1, room + sampled, std::greater<Value>());
    } else {
      std::nth_element(room, room + rank, room + sampled, std::greater<Value>());
    }
    bound = room[rank];
  }
  int64_t found = 0;
  for (int64_t i = 0; i < size; i++) {
    const Value magnitude = std::fabs(values[i]);
    room[found] = magnitude;
    found += magnitude >= bound;
  }
  if (found < keep) {
    for (found = 0; found < size; found++) room[found] = std::fabs(values[found]);
  }
  std::nth_element(room, room + (keep - 1), room + found, std::greater<Value>());
  return room[keep - 1];
}

// Puts the indices of the keep largest magnitudes, without zeros, into `chosen`, ascending; of equal
// ones the first. `room` as above.
template <typename Value>
void choose_largest(const Value* values, int64_t size, int64_t keep, Value* room,
                    std::vector<int32_t>& chosen) {
  Value threshold = 0;
  int64_t free = keep;
  if (keep < size) {
    threshold = kth_magnitude(values, size, keep, room);
    for (int64_t i = 0; i < size; i++) free -= std::fabs(values[i]) > threshold;
  }
  chosen.clear();
  for (int64_t i = 0; i < size; i++) {
    const Value magnitude = std::fabs(values[i]);
    if (magnitude == 0 || magnitude < threshold) continue;
    if (magnitude == threshold && free-- <= 0) continue;
    chosen.push_back(static_cast<int32_t>(i));
  }
}

// The same among the values at `candidates`, which are ascending; `room` has space for twice as many.
template <typename Value>
void choose_largest(const Value* values, const int32_t* candidates, int64_t count, int64_t keep,
                    Value* room, std::vector<int32_t>& chosen) {
  Value* const gathered = room + count;
  for (int64_t e = 0; e < count; e++) gathered[e] = values[candidates[e]];
  choose_largest(gathered, count, keep, room, chosen);
  for (int32_t& e : chosen) e = candidates[e];
}

}  // namespace snmf4j

#endif
