#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "memory.hpp"
#include "snmf4j/cpu.h"
#include "status.hpp"
#include "threads.hpp"

using namespace snmf4j;

TEST_CASE("ranges cover every item once, in order of the workers") {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int64_t items : {0, 1, 2, 6, 7, 8, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(items));
      std::vector<int64_t> starts(static_cast<std::size_t>(threads), -1);
      pool.ranges(items, [&](int worker, int64_t from, int64_t to) {
        starts[static_cast<std::size_t>(worker)] = from;
        for (int64_t i = from; i < to; i++) seen[static_cast<std::size_t>(i)]++;
      });
      for (auto& count : seen) CHECK(count == 1);
      int64_t last = -1;
      for (int64_t start : starts) {
        if (start >= 0) {
          CHECK(start > last);
          last = start;
        }
      }
    }
  }
}

TEST_CASE("a worker's failure reaches the caller and the pool goes on") {
  ThreadPool pool(3);
  for (int failing = 0; failing < 3; failing++) {
    CHECK_THROWS_WITH(pool.run([&](int worker) {
      if (worker == failing) throw std::runtime_error("worker failed");
    }),
                      "worker failed");
    std::atomic<int> ran{0};
    pool.run([&](int) { ran++; });
    CHECK(ran == 3);
  }
}

TEST_CASE("workers awake and asleep miss no task and repeat none") {
  // As many as there are processors or fewer watch for tasks; more than that sleep at once.
  for (int threads : {1, 2, 64}) {
    ThreadPool pool(threads);
    std::vector<int> ran(static_cast<std::size_t>(threads), 0);
    for (int round = 1; round <= 400; round++) {
      // Longer than workers watch, now and then, on either side.
      if (round % 40 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      pool.run([&](int worker) {
        if (round % 40 == 20 && worker == threads - 1) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        ran[static_cast<std::size_t>(worker)]++;
      });
      // Plain integers: what the workers wrote is seen here.
      CHECK(std::count(ran.begin(), ran.end(), round) == threads);
    }
  }
}

#if defined(__linux__)
TEST_CASE("workers may afterwards run wherever they might before") {
  const auto allowed = [] {
    cpu_set_t set;
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    return set;
  };
  const cpu_set_t before = allowed();
  ThreadPool pool(2);
  for (int round = 0; round < 300; round++) {
    // Of every other round the worker has to be woken, perhaps beside its caller.
    if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    cpu_set_t sets[2];
    pool.run([&](int worker) { sched_getaffinity(0, sizeof sets[worker], &sets[worker]); });
    CHECK(CPU_EQUAL(&sets[0], &before));
    CHECK(CPU_EQUAL(&sets[1], &before));
  }
}
#endif

TEST_CASE("buffers are aligned and counted") {
  MemoryCounter counter;
  {
    Buffer<float> small(&counter, 10);
    CHECK(counter.current() == 40);
    CHECK(reinterpret_cast<std::uintptr_t>(small.data()) % 64 == 0);
    Buffer<double> large(&counter, 1 << 20);
    CHECK(counter.current() == 40 + (8 << 20));
    CHECK(reinterpret_cast<std::uintptr_t>(large.data()) % (2 << 20) == 0);
    Buffer<double> moved(std::move(large));
    CHECK(counter.current() == 40 + (8 << 20));
    small.reserve(&counter, 5);
    CHECK(small.size() == 10);
    small.reserve(&counter, 20);
    CHECK(small.size() == 20);
    CHECK(counter.current() == 80 + (8 << 20));
  }
  CHECK(counter.current() == 0);
  CHECK(counter.peak() == 80 + (8 << 20));
  counter.reset_peak();
  CHECK(counter.peak() == 0);
}

TEST_CASE("sizes that overflow are refused") {
  MemoryCounter counter;
  CHECK_THROWS_AS(Buffer<double>(&counter, SIZE_MAX / 4), std::bad_alloc);
  CHECK_THROWS_AS(Buffer<float>(&counter, SIZE_MAX / 4), std::bad_alloc);
  CHECK(counter.current() == 0);
}

TEST_CASE("every exception becomes a status and a message") {
  auto status = [](auto body) {
    return guarded(SNMF4J_OK, SNMF4J_OUT_OF_MEMORY, SNMF4J_INTERNAL, body);
  };
  CHECK(status([] {}) == SNMF4J_OK);
  CHECK(status([] { throw std::bad_alloc(); }) == SNMF4J_OUT_OF_MEMORY);
  CHECK(std::string(last_message()) == "out of memory");
  CHECK(status([] { throw std::runtime_error("odd"); }) == SNMF4J_INTERNAL);
  CHECK(std::string(last_message()) == "odd");
  CHECK(status([] { throw 7; }) == SNMF4J_INTERNAL);
  CHECK(status([] { require(false, "x must be 1"); }) == SNMF4J_INVALID_ARGUMENT);
  CHECK(std::string(last_message()) == "x must be 1");
  CHECK(status([] { throw Error(SNMF4J_NON_FINITE, std::string(5000, 'x')); }) ==
        SNMF4J_NON_FINITE);
  CHECK(std::string(last_message()).size() == 1023);
}
