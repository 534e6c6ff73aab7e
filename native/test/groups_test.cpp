// Which panels are summed together, and who comes to them.
#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "groups.hpp"

using namespace snmf4j;

TEST_CASE("groups are all panels, in order, none too large") {
  for (int64_t panels = 1; panels < 5000; panels += panels < 300 ? 1 : 97) {
    CAPTURE(panels);
    const Groups groups(panels);
    REQUIRE(groups.owned() >= 1);
    REQUIRE(groups.first(0) == 0);
    REQUIRE(groups.first(groups.all()) == panels);
    int64_t before = panels;
    for (int64_t g = 0; g < groups.all(); g++) {
      const int64_t count = groups.first(g + 1) - groups.first(g);
      REQUIRE(count >= 1);
      REQUIRE(count <= 16);
      if (g < groups.owned()) continue;
      REQUIRE(count <= before);
      before = count;
    }
    // Enough at the end to make up for a difference of a few panels.
    if (panels >= 32) REQUIRE(panels - groups.first(groups.owned()) >= 8);
  }
}

TEST_CASE("workers come to every panel once, and know what follows") {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int64_t panels : {1, 2, 31, 32, 33, 79, 157, 700}) {
      CAPTURE(threads);
      CAPTURE(panels);
      const Groups groups(panels);
      Claims claims(groups, pool);
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(panels));
      std::atomic<int> wrong{0};
      pool.run([&](int worker) {
        int64_t promised = Walk::kNone;
        for (Walk walk(claims, worker); walk.step_group();) {
          while (walk.step()) {
            const int64_t panel = walk.panel();
            if (promised != Walk::kNone && promised != panel) wrong++;
            if (panel < groups.first(walk.group())) wrong++;
            if (panel >= groups.first(walk.group() + 1)) wrong++;
            visits[static_cast<std::size_t>(panel)]++;
            promised = walk.following();
            const int64_t decided = walk.decide();
            if (promised != Walk::kNone && decided != promised) wrong++;
            promised = decided;
          }
        }
        if (promised != Walk::kNone) wrong++;
      });
      CHECK(wrong == 0);
      for (const std::atomic<int>& count : visits) REQUIRE(count == 1);
    }
  }
}
