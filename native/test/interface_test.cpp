// The C interface as a caller sees it: a small factorization end to end, statuses, memory.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "random.hpp"
#include "snmf4j/cpu.h"

namespace {

snmf4j_update multiplicative(double epsilon = 1e-6) {
  snmf4j_update update{};
  update.rule = SNMF4J_RULE_MULTIPLICATIVE;
  update.epsilon = epsilon;
  return update;
}

struct Setup {
  explicit Setup(int threads = 2, int isa = SNMF4J_ISA_BEST, int type = SNMF4J_FLOAT32) {
    REQUIRE(snmf4j_context_create(threads, isa, SNMF4J_OPENBLAS, &context) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, type, d, n, 1, &a) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, SNMF4J_FLOAT32, k, n, 1, &y) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, SNMF4J_FLOAT32, k, n, 1, &next) == SNMF4J_OK);
    REQUIRE(snmf4j_features_create(context, d, k, &z) == SNMF4J_OK);
    REQUIRE(snmf4j_statistics_create(context, d, k, &statistics) == SNMF4J_OK);
    Floats values = Floats::signed_values(d * n, 1);
    REQUIRE(snmf4j_panels_write_rows(a, SNMF4J_FLOAT32, values.data(), n, 0, d, &norm) ==
            SNMF4J_OK);
    Floats start = Floats::positive_values(k * n, 2);
    REQUIRE(snmf4j_panels_write_rows(y, SNMF4J_FLOAT32, start.data(), n, 0, k, nullptr) ==
            SNMF4J_OK);
  }
  ~Setup() {
    snmf4j_panels_destroy(a);
    snmf4j_panels_destroy(y);
    snmf4j_panels_destroy(next);
    snmf4j_features_destroy(z);
    snmf4j_statistics_destroy(statistics);
    int64_t use[2] = {-1, -1};
    CHECK(snmf4j_context_memory(context, use) == SNMF4J_OK);
    const int64_t workspaces = use[0];
    CHECK(workspaces >= 0);
    CHECK(workspaces < 1 << 20);
    CHECK(use[1] >= use[0]);
    snmf4j_context_destroy(context);
  }

  // One iteration of the multiplicative solver; returns the loss.
  double iterate() {
    REQUIRE(snmf4j_dense_statistics(a, y, statistics) == SNMF4J_OK);
    REQUIRE(snmf4j_ridge_solve(statistics, 1e-6, z) == SNMF4J_OK);
    REQUIRE(snmf4j_features_winner_take_all(z, 4) == SNMF4J_OK);
    double sums[3];
    const snmf4j_update update = multiplicative();
    REQUIRE(snmf4j_pass(a, z, &update, y, next, SNMF4J_REFRESH_DENSE, statistics, sums) ==
            SNMF4J_OK);
    const double loss = norm - 2 * sums[0] + sums[1];
    double residual = 0;
    REQUIRE(snmf4j_residual(a, z, next, &residual) == SNMF4J_OK);
    CHECK(loss == doctest::Approx(residual).epsilon(1e-5));
    std::swap(y, next);
    return loss;
  }

  static constexpr int d = 50, k = 7, n = 333;
  snmf4j_context* context = nullptr;
  snmf4j_panels* a = nullptr;
  snmf4j_panels* y = nullptr;
  snmf4j_panels* next = nullptr;
  snmf4j_features* z = nullptr;
  snmf4j_statistics* statistics = nullptr;
  double norm = 0;
};

snmf4j_update hals(int sweeps, double tolerance, double penalty) {
  snmf4j_update update{};
  update.rule = SNMF4J_RULE_HALS;
  update.sweeps = sweeps;
  update.relaxation = 1;
  update.tolerance = tolerance;
  update.penalty = penalty;
  return update;
}

bool message_has(const char* part) {
  return std::string(snmf4j_last_message()).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("iterations lower the loss and repeat bit for bit") {
  for (int isa = SNMF4J_ISA_PORTABLE; isa <= snmf4j_best_isa(); isa++) {
    for (int turn = 0; turn < 6; turn++) {
      const int threads = std::array{1, 2, 5, 16, 2, 5}[static_cast<std::size_t>(turn)];
      const int type = turn == 4   ? SNMF4J_FLOAT16
                       : turn == 5 ? SNMF4J_BFLOAT16
                                   : SNMF4J_FLOAT32;
      CAPTURE(isa);
      CAPTURE(threads);
      CAPTURE(type);
      Setup first(threads, isa, type), second(threads, isa, type);
      double loss = first.norm;
      for (int i = 0; i < 5; i++) {
        const double next = first.iterate();
        CHECK(next < loss);
        CHECK(second.iterate() == next);
        loss = next;
      }
      std::vector<float> one(Setup::k * Setup::n), two(one.size());
      REQUIRE(snmf4j_panels_read_rows(first.y, one.data(), Setup::n, 0, Setup::k) == SNMF4J_OK);
      REQUIRE(snmf4j_panels_read_rows(second.y, two.data(), Setup::n, 0, Setup::k) == SNMF4J_OK);
      CHECK(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("winner-take-all keeps ties") {
  Setup setup;
  std::vector<float> values(Setup::d * Setup::k, 0.5f);
  values[0] = -2;
  REQUIRE(snmf4j_features_write(setup.z, SNMF4J_FLOAT32, values.data(), 0, Setup::d) == SNMF4J_OK);
  REQUIRE(snmf4j_features_winner_take_all(setup.z, 1) == SNMF4J_OK);
  std::vector<float> kept(values.size());
  REQUIRE(snmf4j_features_read(setup.z, kept.data(), 0, Setup::d) == SNMF4J_OK);
  for (int i = 0; i < Setup::d; i++) {
    CHECK(kept[i * Setup::k] == (i == 0 ? -2.0f : 0.0f));
    CHECK(kept[i * Setup::k + 1] == 0.5f);
  }
}

TEST_CASE("dense features take the BLAS path and give the same projection") {
  for (int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
    CAPTURE(type);
    Setup setup(2, SNMF4J_ISA_BEST, type);
    Floats values = Floats::signed_values(Setup::d * Setup::k, 3);
    REQUIRE(snmf4j_features_write(setup.z, SNMF4J_FLOAT32, values.data(), 0, Setup::d) == SNMF4J_OK);
    REQUIRE(snmf4j_project(setup.a, setup.z, setup.next) == SNMF4J_OK);
    std::vector<float> a(Setup::d * Setup::n), p(Setup::k * Setup::n);
    REQUIRE(snmf4j_panels_read_rows(setup.a, a.data(), Setup::n, 0, Setup::d) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_read_rows(setup.next, p.data(), Setup::n, 0, Setup::k) == SNMF4J_OK);
    for (int j = 0; j < Setup::k; j++) {
      for (int t = 0; t < Setup::n; t++) {
        double sum = 0;
        for (int i = 0; i < Setup::d; i++) {
          sum += static_cast<double>(values[i * Setup::k + j]) * a[i * Setup::n + t];
        }
        CHECK(std::fabs(p[j * Setup::n + t] - sum) < 1e-3);
      }
    }
  }
}

TEST_CASE("a singular Gram matrix is solved with a larger ridge") {
  Setup setup;
  Floats same(Setup::k * Setup::n);
  for (std::size_t i = 0; i < same.size(); i++) same[i] = 1e6f;
  REQUIRE(snmf4j_panels_write_rows(setup.y, SNMF4J_FLOAT32, same.data(), Setup::n, 0, Setup::k,
                                   nullptr) == SNMF4J_OK);
  REQUIRE(snmf4j_dense_statistics(setup.a, setup.y, setup.statistics) == SNMF4J_OK);
  CHECK(snmf4j_ridge_solve(setup.statistics, 1e-300, setup.z) == SNMF4J_OK);
}

TEST_CASE("bad arguments leave a status and a message, and the handles usable") {
  snmf4j_context* none = nullptr;
  CHECK(snmf4j_context_create(0, 0, SNMF4J_OPENBLAS, &none) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("threads must be between 1 and 1024"));
  CHECK(snmf4j_context_create(2, 9, SNMF4J_OPENBLAS, &none) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_context_create(2, 0, SNMF4J_OPENBLAS, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_context_create(2, 0, nullptr, &none) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_context_create(2, 0, "/nowhere/libopenblas.so", &none) == SNMF4J_UNAVAILABLE);
  CHECK(message_has("/nowhere/libopenblas.so"));
  CHECK(snmf4j_context_create(2, 0, "libc.so.6", &none) == SNMF4J_UNAVAILABLE);
  CHECK(message_has("cblas_sgemm"));
  CHECK(none == nullptr);
  CHECK(snmf4j_context_destroy(nullptr) == SNMF4J_OK);

  Setup s;
  snmf4j_panels* panels = nullptr;
  CHECK(snmf4j_panels_create(s.context, SNMF4J_FLOAT32, 0, 5, 1, &panels) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_create(s.context, SNMF4J_FLOAT32, 5, 0, 1, &panels) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_create(s.context, SNMF4J_FLOAT64, 5, 5, 1, &panels) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_create(s.context, 4, 5, 5, 1, &panels) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_create(s.context, SNMF4J_FLOAT32, 1, int64_t{1} << 60, 1, &panels) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_create(s.context, SNMF4J_FLOAT32, INT32_MAX, int64_t{1} << 48, 1, &panels) ==
        SNMF4J_OUT_OF_MEMORY);
  CHECK(snmf4j_panels_create(nullptr, SNMF4J_FLOAT32, 5, 5, 1, &panels) == SNMF4J_INVALID_ARGUMENT);
  CHECK(panels == nullptr);

  std::vector<float> values(Setup::d * Setup::n, 1.0f);
  CHECK(snmf4j_panels_write_rows(s.a, 7, values.data(), Setup::n, 0, 1, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_write_rows(s.a, 0, values.data(), Setup::n - 1, 0, 1, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_write_rows(s.a, 0, values.data(), Setup::n, 1, Setup::d, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_write_rows(s.a, 0, nullptr, Setup::n, 0, 1, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_write_tokens(s.a, 0, values.data(), Setup::d, 1, 64, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_write_tokens(s.a, 0, values.data(), Setup::d, 0, 65, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  values[17] = NAN;
  CHECK(snmf4j_panels_write_rows(s.next, 0, values.data(), Setup::n, 0, 1, nullptr) ==
        SNMF4J_NON_FINITE);
  CHECK(snmf4j_features_write(s.z, 0, values.data(), 0, Setup::d) == SNMF4J_NON_FINITE);
  CHECK(snmf4j_features_write(s.z, 0, values.data(), 1, Setup::d) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_features_winner_take_all(s.z, 0) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_features_winner_take_all(s.z, Setup::d + 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_ridge_solve(s.statistics, 0, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_ridge_solve(s.statistics, NAN, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_ridge_solve(nullptr, 1, s.z) == SNMF4J_INVALID_ARGUMENT);

  double sums[3];
  auto pass = [&](snmf4j_panels* a, snmf4j_update update, int refresh,
                  snmf4j_statistics* statistics) {
    return snmf4j_pass(a, s.z, &update, s.y, s.next, refresh, statistics, sums);
  };
  snmf4j_update odd = multiplicative();
  odd.rule = 5;
  CHECK(pass(s.a, odd, 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.a, multiplicative(0), 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.a, hals(1, -1, 0), 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.a, hals(0, 0, 0), 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.a, hals(1, 0, -1), 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.a, multiplicative(), 4, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.a, multiplicative(), 1, nullptr) == SNMF4J_INVALID_ARGUMENT);
  odd = hals(1, 0, 0);
  odd.before = s.next;
  CHECK(pass(s.a, odd, 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("must not be overwritten"));
  odd.before = s.a;
  CHECK(pass(s.a, odd, 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  snmf4j_panels* narrow = nullptr;
  REQUIRE(snmf4j_panels_create(s.context, SNMF4J_BFLOAT16, Setup::k, Setup::n, 1, &narrow) ==
          SNMF4J_OK);
  CHECK(snmf4j_dense_statistics(s.a, narrow, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("Y must be SNMF4J_FLOAT32"));
  odd.before = narrow;
  CHECK(pass(s.a, odd, 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("before must be SNMF4J_FLOAT32"));
  odd.before = nullptr;
  CHECK(snmf4j_project(s.a, s.z, narrow) == SNMF4J_INVALID_ARGUMENT);
  snmf4j_panels_destroy(narrow);
  CHECK(snmf4j_sweep_columns(s.statistics, s.z, 0, 0) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_sweep_columns(s.statistics, s.z, 1, -1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_sweep_candidates(s.statistics, s.z, nullptr, 1, 0) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_sweep_candidates(s.statistics, s.z, s.z, 1, 0) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("other features"));
  CHECK(snmf4j_refit(s.statistics, s.z, NAN, 1) == SNMF4J_INVALID_ARGUMENT);
  for (double relaxation : {0.5, 2.0, static_cast<double>(NAN)}) {
    CHECK(snmf4j_refit(s.statistics, s.z, 0, relaxation) == SNMF4J_INVALID_ARGUMENT);
  }
  CHECK(snmf4j_panels_sample(s.a, 0, &panels, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(pass(s.y, multiplicative(), 0, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("same neurons"));

  Setup other;
  CHECK(snmf4j_project(s.a, other.z, s.next) == SNMF4J_INVALID_ARGUMENT);
  odd.support = other.z;
  CHECK(pass(s.a, odd, SNMF4J_REFRESH_SUPPORT, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("share a context"));
  Floats start = Floats::positive_values(Setup::k * Setup::n, 2);
  REQUIRE(snmf4j_panels_write_rows(s.y, 0, start.data(), Setup::n, 0, Setup::k, nullptr) ==
          SNMF4J_OK);
  CHECK(s.iterate() < s.norm);
}

TEST_CASE("alternating least squares never raises the penalized objective") {
  for (int isa = SNMF4J_ISA_PORTABLE; isa <= snmf4j_best_isa(); isa++) {
    for (double penalty : {0.0, 5.0}) {
      CAPTURE(isa);
      CAPTURE(penalty);
      Setup s(2, isa);
      REQUIRE(snmf4j_dense_statistics(s.a, s.y, s.statistics) == SNMF4J_OK);
      REQUIRE(snmf4j_ridge_solve(s.statistics, 1e-6, s.z) == SNMF4J_OK);
      REQUIRE(snmf4j_features_winner_take_all(s.z, 5) == SNMF4J_OK);
      auto objective = [&] {
        std::vector<float> z(Setup::d * Setup::k), y(Setup::k * Setup::n);
        REQUIRE(snmf4j_features_read(s.z, z.data(), 0, Setup::d) == SNMF4J_OK);
        REQUIRE(snmf4j_panels_read_rows(s.y, y.data(), Setup::n, 0, Setup::k) == SNMF4J_OK);
        double result = 0;
        REQUIRE(snmf4j_residual(s.a, s.z, s.y, &result) == SNMF4J_OK);
        result /= 2;
        for (int j = 0; j < Setup::k; j++) {
          double square = 0, sum = 0;
          for (int i = 0; i < Setup::d; i++) square += std::pow(z[i * Setup::k + j], 2);
          for (int t = 0; t < Setup::n; t++) sum += y[j * Setup::n + t];
          result += penalty * std::sqrt(square) * sum;
        }
        return result;
      };
      double before = objective();
      auto lower = [&] {
        const double after = objective();
        CHECK(after <= before * (1 + 1e-6));
        before = after;
      };
      const double first = before;
      double sums[3];
      for (int round = 0; round < 4; round++) {
        const snmf4j_update update = hals(2, 0, penalty);
        REQUIRE(snmf4j_pass(s.a, s.z, &update, s.y, s.y, SNMF4J_REFRESH_DENSE, s.statistics,
                            sums) == SNMF4J_OK);
        lower();
        REQUIRE(snmf4j_sweep_columns(s.statistics, s.z, 5, penalty) == SNMF4J_OK);
        lower();
        REQUIRE(snmf4j_pass(s.a, s.z, &update, s.y, s.y, SNMF4J_REFRESH_SUPPORT, s.statistics,
                            sums) == SNMF4J_OK);
        lower();
        REQUIRE(snmf4j_refit(s.statistics, s.z, penalty, 1) == SNMF4J_OK);
        lower();
      }
      CHECK(before < 0.95 * first);
    }
  }
}

TEST_CASE("16-bit panels take half the memory and refuse what they cannot hold") {
  for (int type : {SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
    CAPTURE(type);
    Setup s(2, SNMF4J_ISA_BEST, type);
    int64_t before[2], after[2];
    snmf4j_panels* panels = nullptr;
    REQUIRE(snmf4j_context_memory(s.context, before) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(s.context, type, 10, 130, 1, &panels) == SNMF4J_OK);
    REQUIRE(snmf4j_context_memory(s.context, after) == SNMF4J_OK);
    CHECK(after[0] - before[0] == 3 * 64 * 10 * 2);
    std::vector<float> values(10 * 130, 1.0f);
    auto write = [&] {
      const int by_row = snmf4j_panels_write_rows(panels, SNMF4J_FLOAT32, values.data(), 130, 0, 10,
                                                  nullptr);
      CHECK(snmf4j_panels_write_tokens(panels, SNMF4J_FLOAT32, values.data(), 10, 0, 130,
                                       nullptr) == by_row);
      return by_row;
    };
    values[700] = -65519.996f;
    CHECK(write() == SNMF4J_OK);
    values[700] = -65520;
    CHECK(write() == (type == SNMF4J_FLOAT16 ? SNMF4J_NON_FINITE : SNMF4J_OK));
    snmf4j_panels_destroy(panels);
  }
}

TEST_CASE("a sample is a view of full panels") {
  for (int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
    CAPTURE(type);
    Setup s(2, SNMF4J_ISA_BEST, type);
    snmf4j_panels* sample = nullptr;
    double squares = 0;
    REQUIRE(snmf4j_panels_sample(s.a, 2, &sample, &squares) == SNMF4J_OK);
    CHECK(snmf4j_panels_tokens(sample) == 3 * 64);
    std::vector<float> all(Setup::n), some(3 * 64);
    double expected = 0;
    for (int i = 0; i < Setup::d; i++) {
      REQUIRE(snmf4j_panels_read_rows(s.a, all.data(), Setup::n, i, 1) == SNMF4J_OK);
      REQUIRE(snmf4j_panels_read_rows(sample, some.data(), 3 * 64, i, 1) == SNMF4J_OK);
      for (int t = 0; t < 3 * 64; t++) {
        CHECK(some[t] == all[t / 64 * 128 + t % 64]);
        expected += static_cast<double>(some[t]) * some[t];
      }
    }
    CHECK(squares == doctest::Approx(expected).epsilon(1e-9));
    snmf4j_panels_destroy(sample);
    REQUIRE(snmf4j_panels_sample(s.a, INT64_MAX, &sample, nullptr) == SNMF4J_OK);
    CHECK(snmf4j_panels_tokens(sample) == 64);
    snmf4j_panels_destroy(sample);
  }
}
