// Revival of dead features through the C interface, against plain loops in float64.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "random.hpp"
#include "snmf4j/cpu.h"

namespace {

struct Problem {
  Problem(int threads, int isa, int type) {
    REQUIRE(snmf4j_context_create(threads, isa, SNMF4J_OPENBLAS, &context) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, type, d, n, 1, &a) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, SNMF4J_FLOAT32, k, n, 1, &y) == SNMF4J_OK);
    REQUIRE(snmf4j_features_create(context, d, k, &z) == SNMF4J_OK);
    REQUIRE(snmf4j_statistics_create(context, d, k, &statistics) == SNMF4J_OK);
    Floats values = Floats::signed_values(d * n, 1);
    REQUIRE(snmf4j_panels_write_rows(a, SNMF4J_FLOAT32, values.data(), n, 0, d, nullptr) ==
            SNMF4J_OK);
  }
  ~Problem() {
    snmf4j_panels_destroy(a);
    snmf4j_panels_destroy(y);
    snmf4j_features_destroy(z);
    snmf4j_statistics_destroy(statistics);
    snmf4j_context_destroy(context);
  }

  // Features `zero` have no column, those of `silent` coefficients of 1e-21.
  void set(const std::vector<int>& zero, const std::vector<int>& silent) {
    Floats columns = Floats::signed_values(d * k, 2);
    Floats rows = Floats::positive_values(k * n, 3);
    for (int j : zero) {
      for (int i = 0; i < d; i++) columns[static_cast<std::size_t>(i * k + j)] = 0;
    }
    for (int j : silent) {
      for (int t = 0; t < n; t++) rows[static_cast<std::size_t>(j * n + t)] = 1e-21f;
    }
    REQUIRE(snmf4j_features_write(z, SNMF4J_FLOAT32, columns.data(), 0, d) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_write_rows(y, SNMF4J_FLOAT32, rows.data(), n, 0, k, nullptr) ==
            SNMF4J_OK);
    REQUIRE(snmf4j_dense_statistics(a, y, statistics) == SNMF4J_OK);
  }

  std::vector<float> read(const snmf4j_panels* panels, int rows) const {
    std::vector<float> values(static_cast<std::size_t>(rows) * n);
    REQUIRE(snmf4j_panels_read_rows(panels, values.data(), n, 0, rows) == SNMF4J_OK);
    return values;
  }
  std::vector<float> features() const {
    std::vector<float> values(d * k);
    REQUIRE(snmf4j_features_read(z, values.data(), 0, d) == SNMF4J_OK);
    return values;
  }

  static constexpr int d = 50, k = 7, n = 333;
  snmf4j_context* context = nullptr;
  snmf4j_panels* a = nullptr;
  snmf4j_panels* y = nullptr;
  snmf4j_features* z = nullptr;
  snmf4j_statistics* statistics = nullptr;
};

using Residuals = std::vector<std::vector<double>>;  // by token

Residuals residuals(const Problem& p, const std::vector<int>& dead) {
  const std::vector<float> a = p.read(p.a, p.d), y = p.read(p.y, p.k), z = p.features();
  Residuals result(p.n, std::vector<double>(p.d));
  for (int t = 0; t < p.n; t++) {
    for (int i = 0; i < p.d; i++) {
      double rest = a[i * p.n + t];
      for (int j = 0; j < p.k; j++) {
        if (std::find(dead.begin(), dead.end(), j) != dead.end()) continue;
        rest -= static_cast<double>(z[i * p.k + j]) * y[j * p.n + t];
      }
      result[t][i] = rest;
    }
  }
  return result;
}

double inner(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); i++) sum += x[i] * y[i];
  return sum;
}

template <typename T>
bool same(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

// Every instruction set, element type and a few numbers of threads.
template <typename Check>
void for_each(Check check) {
  for (int isa = SNMF4J_ISA_PORTABLE; isa <= snmf4j_best_isa(); isa++) {
    for (int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
      for (int threads : {1, 2, 5, 16}) {
        CAPTURE(isa);
        CAPTURE(type);
        CAPTURE(threads);
        check(threads, isa, type);
      }
    }
  }
}

}  // namespace

TEST_CASE("dead features start at the worst tokens") {
  const std::vector<int> dead{1, 2, 5};
  const int keep = 4;
  for_each([&](int threads, int isa, int type) {
    Problem p(threads, isa, type);
    p.set({1, 5}, {2});
    Residuals rest = residuals(p, dead);
    std::vector<int> order(p.n);
    for (int t = 0; t < p.n; t++) order[t] = t;
    std::sort(order.begin(), order.end(),
              [&](int s, int t) { return inner(rest[s], rest[s]) > inner(rest[t], rest[t]); });
    const std::vector<float> before = p.features(), rows = p.read(p.y, p.k);
    int dead_before = -1, revived = -1;
    REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, keep, &dead_before, &revived) == SNMF4J_OK);
    REQUIRE(dead_before == 3);
    REQUIRE(revived == 3);
    const std::vector<float> z = p.features(), y = p.read(p.y, p.k);
    std::vector<std::vector<double>> taken;
    std::size_t next = 0;
    for (int j = 0; j < p.k; j++) {
      const bool is_dead = std::find(dead.begin(), dead.end(), j) != dead.end();
      for (int t = 0; t < p.n; t++) {
        CHECK(y[j * p.n + t] == (is_dead ? 0 : rows[j * p.n + t]));
      }
      if (!is_dead) {
        for (int i = 0; i < p.d; i++) CHECK(z[i * p.k + j] == before[i * p.k + j]);
        continue;
      }
      auto repeats = [&](const std::vector<double>& r) {
        return std::any_of(taken.begin(), taken.end(), [&](const std::vector<double>& other) {
          return inner(r, other) > 0.9 * std::sqrt(inner(r, r) * inner(other, other));
        });
      };
      while (repeats(rest[order[next]])) next++;
      std::vector<double> seed = rest[order[next++]];
      taken.push_back(seed);
      std::vector<double> magnitudes(p.d);
      for (int i = 0; i < p.d; i++) magnitudes[i] = std::fabs(seed[i]);
      std::sort(magnitudes.rbegin(), magnitudes.rend());
      double square = 0;
      for (int e = 0; e < keep; e++) square += magnitudes[e] * magnitudes[e];
      for (int i = 0; i < p.d; i++) {
        const double kept = std::fabs(seed[i]) >= magnitudes[keep - 1] ? seed[i] : 0;
        CHECK(std::fabs(z[i * p.k + j] - kept / std::sqrt(square)) <= 1e-6);
      }
    }
    std::vector<double> gram(p.k * p.k), fresh(p.k * p.k);
    REQUIRE(snmf4j_statistics_gram(p.statistics, gram.data()) == SNMF4J_OK);
    REQUIRE(snmf4j_dense_statistics(p.a, p.y, p.statistics) == SNMF4J_OK);
    REQUIRE(snmf4j_statistics_gram(p.statistics, fresh.data()) == SNMF4J_OK);
    CHECK(same(gram, fresh));
  });
}

TEST_CASE("the same features are revived with any number of threads") {
  for (int isa = SNMF4J_ISA_PORTABLE; isa <= snmf4j_best_isa(); isa++) {
    std::vector<float> first;
    for (int threads : {1, 2, 3, 7, 16}) {
      Problem p(threads, isa, SNMF4J_FLOAT32);
      p.set({0, 3, 6}, {1, 2});
      int dead_before = 0, revived = 0;
      REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, 5, &dead_before, &revived) == SNMF4J_OK);
      CHECK(dead_before == 5);
      CHECK(revived == 5);
      if (threads == 1) first = p.features();
      CHECK(same(first, p.features()));
    }
  }
}

TEST_CASE("nothing happens where nothing is dead, and nothing is made of nothing") {
  for_each([](int threads, int isa, int type) {
    Problem p(threads, isa, type);
    p.set({}, {});
    const std::vector<float> z = p.features(), y = p.read(p.y, p.k);
    int dead_before = -1, revived = -1;
    REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, 5, &dead_before, &revived) == SNMF4J_OK);
    CHECK(dead_before == 0);
    CHECK(revived == 0);
    CHECK(same(z, p.features()));
    CHECK(same(y, p.read(p.y, p.k)));
    p.set({2}, {});
    std::vector<float> none(p.d * p.n, 0.0f);
    REQUIRE(snmf4j_panels_write_rows(p.a, 0, none.data(), p.n, 0, p.d, nullptr) == SNMF4J_OK);
    std::vector<float> empty(p.d * p.k, 0.0f);
    REQUIRE(snmf4j_features_write(p.z, 0, empty.data(), 0, p.d) == SNMF4J_OK);
    REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, 5, &dead_before, &revived) == SNMF4J_OK);
    CHECK(dead_before == Problem::k);
    CHECK(revived == 0);
    CHECK(same(empty, p.features()));
  });
}

TEST_CASE("bad arguments of a revival leave a status") {
  Problem p(2, SNMF4J_ISA_BEST, SNMF4J_FLOAT32), other(2, SNMF4J_ISA_BEST, SNMF4J_FLOAT32);
  p.set({1}, {});
  int dead_before = -1, revived = -1;
  auto call = [&](const snmf4j_panels* a, snmf4j_statistics* s, snmf4j_features* z,
                  snmf4j_panels* y, int64_t keep) {
    return snmf4j_revive(a, s, z, y, keep, &dead_before, &revived);
  };
  CHECK(call(nullptr, p.statistics, p.z, p.y, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, nullptr, p.z, p.y, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, p.statistics, nullptr, p.y, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, p.statistics, p.z, nullptr, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_revive(p.a, p.statistics, p.z, p.y, 1, &dead_before, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_revive(p.a, p.statistics, p.z, p.y, 1, nullptr, &revived) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, p.statistics, p.z, p.y, 0) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, p.statistics, p.z, p.y, Problem::d + 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, other.statistics, p.z, p.y, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, p.statistics, other.z, p.y, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.y, p.statistics, p.z, p.y, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(call(p.a, p.statistics, p.z, p.a, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(dead_before == -1);
  CHECK(revived == -1);
  CHECK(call(p.a, p.statistics, p.z, p.y, Problem::d) == SNMF4J_OK);
  CHECK(revived == 1);
}
