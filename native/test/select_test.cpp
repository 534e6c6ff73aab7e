// The keep-th largest magnitude against sorting.
#include "select.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

using namespace snmf4j;

namespace {

template <typename Value>
void check_all(const std::vector<Value>& values, const std::vector<int64_t>& keeps) {
  const auto size = static_cast<int64_t>(values.size());
  std::vector<Value> sorted;
  for (Value value : values) sorted.push_back(std::fabs(value));
  std::sort(sorted.begin(), sorted.end(), std::greater<Value>());
  const std::vector<Value> before = values;
  // Room for as many values and no more: what lies behind it must stay.
  const Value guard = 12345;
  for (int64_t keep : keeps) {
    if (keep < 1 || keep > size) continue;
    CAPTURE(size);
    CAPTURE(keep);
    std::vector<Value> room(values.size() + 2, guard);
    CHECK(kth_magnitude(values.data(), size, keep, room.data() + 1) ==
          sorted[static_cast<std::size_t>(keep - 1)]);
    CHECK(room.front() == guard);
    CHECK(room.back() == guard);
    CHECK(values == before);
  }
}

std::vector<int64_t> every(int64_t size) {
  std::vector<int64_t> keeps;
  for (int64_t keep = 1; keep <= size; keep++) keeps.push_back(keep);
  return keeps;
}

std::vector<int64_t> some(int64_t size) {
  return {1,        2,        3,        size / 1000, size / 100, size / 20, size / 8, size / 4,
          size / 2, size - 8, size - 1, size};
}

}  // namespace

TEST_CASE_TEMPLATE("every rank of small arrays", Value, float, double) {
  std::mt19937 generator(1);
  std::normal_distribution<Value> normal;
  for (int64_t size = 1; size <= 80; size++) {
    std::vector<Value> values(static_cast<std::size_t>(size));
    for (Value& value : values) value = normal(generator);
    check_all(values, every(size));
    // Few different magnitudes of both signs, zeros of both signs among them.
    for (Value& value : values) value = std::round(value);
    check_all(values, every(size));
  }
}

TEST_CASE_TEMPLATE("random sizes and tails", Value, float, double) {
  std::mt19937 generator(2);
  std::uniform_int_distribution<int64_t> sizes(81, 5000);
  std::student_t_distribution<Value> heavy(2);
  for (int round = 0; round < 40; round++) {
    const int64_t size = sizes(generator);
    std::vector<Value> values(static_cast<std::size_t>(size));
    for (Value& value : values) value = heavy(generator);
    if (round % 4 == 1) {
      for (Value& value : values) value = std::trunc(value);
    }
    if (round % 4 == 2) std::sort(values.begin(), values.end());
    if (round % 4 == 3) {
      for (std::size_t i = 0; i < values.size(); i++) values[i] = i % 50 == 7 ? values[i] : 0;
    }
    check_all(values, some(size));
  }
}

TEST_CASE_TEMPLATE("equal magnitudes", Value, float, double) {
  for (int64_t size : {1, 7, 8, 9, 40, 1000, 4097}) {
    for (Value value : {Value(0), Value(-0.0), Value(3), Value(-1e-30), Value(1e30)}) {
      std::vector<Value> values(static_cast<std::size_t>(size), value);
      check_all(values, some(size));
      for (std::size_t i = 0; i < values.size(); i += 2) values[i] = -values[i];
      check_all(values, some(size));
    }
  }
}

// A guess from every eighth value sees none of the large ones, all of them, or nothing else.
TEST_CASE_TEMPLATE("large values where the guess does or does not look", Value, float, double) {
  for (int64_t size : {100, 1000, 4096, 4099}) {
    for (int64_t phase = 0; phase < kGuessStride; phase++) {
      for (int64_t every_so_many : {1, 3, 16}) {
        CAPTURE(phase);
        CAPTURE(every_so_many);
        std::vector<Value> values(static_cast<std::size_t>(size), 1);
        std::vector<Value> distinct(values.size());
        for (int64_t i = 0; i < size; i++) {
          const auto at = static_cast<std::size_t>(i);
          const bool large =
              i % kGuessStride == phase && i / kGuessStride % every_so_many == 0;
          values[at] = large ? Value(100) : Value(1);
          distinct[at] = static_cast<Value>((large ? 10000 : 1) + i) * (i % 2 == 0 ? 1 : -1);
        }
        check_all(values, some(size));
        check_all(distinct, some(size));
        for (Value& value : values) value -= 1;
        check_all(values, some(size));
      }
    }
  }
}

TEST_CASE_TEMPLATE("infinities and the smallest numbers", Value, float, double) {
  std::vector<Value> values(500);
  for (std::size_t i = 0; i < values.size(); i++) {
    values[i] = std::numeric_limits<Value>::denorm_min() * static_cast<Value>(i % 17);
  }
  check_all(values, every(500));
  for (std::size_t i = 3; i < values.size(); i += 90) {
    values[i] = -std::numeric_limits<Value>::infinity();
  }
  check_all(values, every(500));
}
