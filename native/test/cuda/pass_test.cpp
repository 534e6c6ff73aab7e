// Passes against plain double precision: every rule, what a refresh gives, panels, slabs, graphs.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "pass_checks.hpp"

using namespace test;

TEST_CASE("each rule gives what double precision gives, whatever the type and the shape") {
  struct Shape {
    int64_t d, k, n;
    int panel;
  };
  for (int type : kTypes) {
    for (const Shape& shape : {Shape{60, 1, 40, 128}, Shape{150, 7, 333, 64},
                               Shape{700, 12, 200, 64}, Shape{700, 33, 450, 192},
                               Shape{300, 120, 130, 4096}}) {
      CAPTURE(type);
      CAPTURE(shape.k);
      const Problem problem(type, shape.d, shape.k, shape.n);
      const Context context({shape.panel});
      snmf4j_update update = rule_of(SNMF4J_RULE_MULTIPLICATIVE);
      check_near(multiplicative(problem, problem.y, 1e-6),
                 run(context, type, problem, update, SNMF4J_REFRESH_SUPPORT).y);
      update = rule_of(SNMF4J_RULE_HALS);
      update.penalty = 0.3;
      for (bool in_place : {false, true}) {
        check_near(descended(problem, problem.y, 2, 0.3, 1),
                   run(context, type, problem, update, SNMF4J_REFRESH_SUPPORT, in_place).y);
      }
      if (shape.k > 40) continue;
      // Enough sweeps for the optimum, wherever they start.
      update = rule_of(SNMF4J_RULE_LEAST_SQUARES);
      update.penalty = 0.3;
      update.sweeps = 200;
      update.tolerance = 1e-8;
      const Matrix solved = run(context, type, problem, update, SNMF4J_REFRESH_DENSE).y;
      const Matrix best = descended(problem, problem.y, 200, 0.3, 1);
      for (int64_t t = 0; t < shape.n; t++) {
        const double reached = objective(problem, solved, 0.3, t);
        const double least = objective(problem, best, 0.3, t);
        CHECK(reached <= least + 2e-4 * std::fabs(least) + 1e-5);
      }
    }
  }
}

TEST_CASE("refreshes") {
  const Problem problem(SNMF4J_FLOAT32, 130, 20, 300);
  const Context context({64});
  const snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  for (int refresh : {SNMF4J_REFRESH_NONE, SNMF4J_REFRESH_GRAM, SNMF4J_REFRESH_SUPPORT,
                      SNMF4J_REFRESH_DENSE}) {
    CAPTURE(refresh);
    run(context, SNMF4J_FLOAT32, problem, update, refresh);
  }
}

TEST_CASE("dense features") {
  for (int type : kTypes) {
    const Problem problem(type, 90, 20, 300, 1);
    const Context context({64});
    const snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
    for (int refresh : {SNMF4J_REFRESH_SUPPORT, SNMF4J_REFRESH_DENSE}) {
      check_near(descended(problem, problem.y, 2, 0, 1),
                 run(context, type, problem, update, refresh).y);
    }
  }
}

TEST_CASE("many features: several blocks of them, and sums shared among blocks") {
  // More than a block of the projection holds; few slices of the support's sums.
  const Problem problem(SNMF4J_BFLOAT16, 48, 460, 20, 0.2);
  const Context context({64});
  snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  update.sweeps = 1;
  check_near(descended(problem, problem.y, 1, 0, 1),
             run(context, SNMF4J_BFLOAT16, problem, update, SNMF4J_REFRESH_SUPPORT).y, 1e-3);
}

TEST_CASE("more features than shared memory has room for") {
  const Problem problem(SNMF4J_FLOAT16, 60, 130, 150);
  Options options;
  options.panel = 64;
  options.shared = 24576;
  const Context context(options);
  for (int rule : {SNMF4J_RULE_MULTIPLICATIVE, SNMF4J_RULE_HALS}) {
    const Matrix expected = rule == SNMF4J_RULE_HALS ? descended(problem, problem.y, 2, 0, 1)
                                                     : multiplicative(problem, problem.y, 1e-6);
    for (bool in_place : {false, true}) {
      check_near(expected, run(context, SNMF4J_FLOAT16, problem, rule_of(rule),
                               SNMF4J_REFRESH_SUPPORT, in_place)
                               .y);
    }
  }
}

TEST_CASE("rows are scaled, and coefficients extrapolated, as they are read") {
  const Problem problem(SNMF4J_FLOAT32, 110, 18, 200);
  const Context context({128});
  const Readings readings(problem.y);
  const Panels before(context, SNMF4J_FLOAT32, readings.past, true);
  for (int rule : {SNMF4J_RULE_MULTIPLICATIVE, SNMF4J_RULE_HALS}) {
    const auto expected = [&](const Matrix& y) {
      return rule == SNMF4J_RULE_HALS ? descended(problem, y, 2, 0, 1)
                                      : multiplicative(problem, y, 1e-6);
    };
    snmf4j_update update = rule_of(rule);
    update.row_scale = readings.scale.data();
    check_near(expected(readings.scaled),
               run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_NONE).y);
    // Beside what was before, it is not read.
    update.before = before;
    update.beta = Readings::kBeta;
    check_near(expected(readings.ahead),
               run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_NONE).y);
    check_near(readings.past, before.read(), 1e-30);
  }
}

TEST_CASE("sweeps end when they gain little") {
  const Problem problem(SNMF4J_FLOAT32, 150, 30, 200);
  const Context context;
  snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  update.sweeps = 200;
  // All of it is gained by the first sweep, as far as this tolerance sees.
  update.tolerance = 1e6;
  check_near(descended(problem, problem.y, 1, 0, 1),
             run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_NONE).y);
  update.tolerance = 1e-9;
  const Matrix y = run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_NONE).y;
  const Matrix best = descended(problem, problem.y, 200, 0, 1);
  for (int64_t t = 0; t < 200; t++) {
    const double least = objective(problem, best, 0, t);
    CHECK(objective(problem, y, 0, t) <= least + 1e-4 * std::fabs(least));
  }
}

TEST_CASE("features without neurons keep their coefficients, or get none") {
  Problem problem(SNMF4J_FLOAT32, 50, 6, 100);
  problem.z = Matrix(50, 6);
  problem.p = times(transposed(problem.z), problem.a);
  problem.q = times(transposed(problem.z), problem.z);
  const Context context;
  snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  check_near(problem.y, run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_SUPPORT).y,
             1e-30);
  update = rule_of(SNMF4J_RULE_LEAST_SQUARES);
  CHECK(largest(run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_SUPPORT).y) == 0);
}

TEST_CASE("passes repeat bit for bit, as graphs too, with other numbers and other panels") {
  const Problem problem(SNMF4J_FLOAT16, 200, 40, 500);
  const Context plain({128}), graphs({128, true});
  const auto all = [&](const Context& context) {
    const Panels a(context, SNMF4J_FLOAT16, problem.a);
    const Features z(context, problem.z);
    const Panels y(context, SNMF4J_FLOAT32, problem.y, true);
    const Panels next(context, SNMF4J_FLOAT32, 40, 500);
    const Panels last(context, SNMF4J_FLOAT32, 40, 500);
    const Statistics statistics(context, 200, 40);
    std::vector<double> found;
    const Panels* turn[] = {&y, &next, &last};
    for (int i = 0; i < 9; i++) {
      snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
      update.penalty = 0.1 * (i % 2);
      update.before = *turn[(i + 2) % 3];
      update.beta = 0.05 * i;
      double sums[3];
      const Panels& result = *turn[(i + 1) % 3];
      // What was before may not be overwritten: it is two passes old.
      REQUIRE(snmf4j_pass(a, z, &update, *turn[i % 3], result, SNMF4J_REFRESH_SUPPORT, statistics,
                          sums) == SNMF4J_OK);
      found.insert(found.end(), sums, sums + 3);
    }
    for (const Matrix& matrix : {y.read(), next.read(), last.read(), statistics.cross()}) {
      found.insert(found.end(), matrix.values.begin(), matrix.values.end());
    }
    return found;
  };
  const std::vector<double> expected = all(plain);
  CHECK(all(plain) == expected);
  CHECK(all(graphs) == expected);
  CHECK(all(graphs) == expected);
}

TEST_CASE("activations that stream give the same") {
  for (int type : {SNMF4J_FLOAT32, SNMF4J_BFLOAT16}) {
    CAPTURE(type);
    // More than three quarters of the memory, of which a sixteenth is there at a time.
    const Problem problem(type, 2000, 12, 800, 0.02);
    const Context context({64}), little({64, true, kLittle});
    for (int rule : {SNMF4J_RULE_MULTIPLICATIVE, SNMF4J_RULE_HALS, SNMF4J_RULE_LEAST_SQUARES}) {
      const snmf4j_update update = rule_of(rule);
      const int refresh =
          rule == SNMF4J_RULE_HALS ? SNMF4J_REFRESH_SUPPORT : SNMF4J_REFRESH_DENSE;
      const Ran here = run(context, type, problem, update, refresh);
      const Ran there = run(little, type, problem, update, refresh);
      CHECK(here.y.values == there.y.values);
      // G is rounded to float32, from parts that the limit decides.
      CHECK(here.sums[1] == doctest::Approx(there.sums[1]).epsilon(1e-6));
    }
  }
}

TEST_CASE("projections and residuals") {
  for (int type : kTypes) {
    for (double density : {0.02, 0.2, 1.0}) {
      for (int64_t limit : {int64_t{0}, kLittle}) {
        CAPTURE(type);
        CAPTURE(density);
        CAPTURE(limit);
        const Problem problem(type, 1100, 15, 700, density);
        const Context context({64, false, limit});
        const Panels a(context, type, problem.a);
        const Features z(context, problem.z);
        const Panels p(context, SNMF4J_FLOAT32, 15, 700);
        REQUIRE(snmf4j_project(a, z, p) == SNMF4J_OK);
        const Matrix scale = times(magnitudes(transposed(problem.z)), magnitudes(problem.a));
        CHECK(worst_error(problem.p, p.read(), scale) < kRounding);
        const Panels y(context, SNMF4J_FLOAT32, problem.y, true);
        double actual = 0;
        REQUIRE(snmf4j_residual(a, z, y, &actual) == SNMF4J_OK);
        const Matrix explained = times(problem.z, problem.y);
        double expected = 0;
        for (std::size_t i = 0; i < explained.values.size(); i++) {
          const double rest = problem.a.values[i] - explained.values[i];
          expected += rest * rest;
        }
        CHECK(actual == doctest::Approx(expected).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("a pass over a sample, before and after its origin has changed") {
  const Problem problem(SNMF4J_BFLOAT16, 80, 9, 400);
  const Context context({128});
  Panels a(context, SNMF4J_BFLOAT16, problem.a);
  const Panels sample(a, 2);
  const Features z(context, problem.z);
  const int64_t n = snmf4j_panels_tokens(sample);
  const Panels y(context, SNMF4J_FLOAT32, 9, n);
  for (int turn = 0; turn < 2; turn++) {
    const Matrix now = rounded(signed_matrix(80, 400, 20 + turn), SNMF4J_BFLOAT16);
    a.write(now);
    Matrix part(80, n);
    for (int64_t i = 0; i < 80; i++) {
      for (int64_t t = 0; t < n; t++) part(i, t) = now(i, t / 64 * 128 + t % 64);
    }
    REQUIRE(snmf4j_project(sample, z, y) == SNMF4J_OK);
    check_near(times(transposed(problem.z), part), y.read(), 1e-5);
  }
}

TEST_CASE("without memory a pass fails, and the next one works") {
  const Problem problem(SNMF4J_FLOAT32, 100, 400, 128, 0.05);
  // Enough for the handles, not for Q and P.
  const Context context({64, false, int64_t{2} << 20});
  const Panels a(context, SNMF4J_FLOAT32, problem.a);
  const Features z(context, problem.z);
  const Panels y(context, SNMF4J_FLOAT32, problem.y, true);
  const Statistics none(context, 100, 1);
  snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  double sums[3];
  CHECK(snmf4j_pass(a, z, &update, y, y, SNMF4J_REFRESH_NONE, none, sums) == SNMF4J_OUT_OF_MEMORY);
  CHECK(message_has(context.limit().c_str()));
  const Problem small(SNMF4J_FLOAT32, 20, 3, 100);
  check_near(descended(small, small.y, 2, 0, 1),
             run(context, SNMF4J_FLOAT32, small, update, SNMF4J_REFRESH_DENSE).y);
}

TEST_CASE("wrong arguments are refused") {
  const Context context, other;
  const Panels a(context, SNMF4J_FLOAT32, 10, 70), y(context, SNMF4J_FLOAT32, 4, 70);
  const Panels shorter(context, SNMF4J_FLOAT32, 4, 69), half(context, SNMF4J_FLOAT16, 4, 70);
  const Panels foreign(other, SNMF4J_FLOAT32, 4, 70), wide(context, SNMF4J_FLOAT32, 5, 70);
  const Panels sample(y, 1);
  const Features z(context, 10, 4), other_z(other, 10, 4);
  const Features tall(context, 11, 4), thin(context, 10, 3);
  const Statistics s(context, 10, 4), other_s(other, 10, 4), tall_s(context, 11, 4);
  double sums[3];
  const auto refused = [&](snmf4j_panels* a_, snmf4j_features* z_, snmf4j_panels* y_,
                           snmf4j_panels* result, snmf4j_statistics* s_) {
    const snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
    CHECK(snmf4j_pass(a_, z_, &update, y_, result, SNMF4J_REFRESH_SUPPORT, s_, sums) ==
          SNMF4J_INVALID_ARGUMENT);
  };
  refused(nullptr, z, y, y, s);
  refused(a, nullptr, y, y, s);
  refused(a, z, nullptr, y, s);
  refused(a, z, y, nullptr, s);
  refused(a, z, y, y, nullptr);
  for (const Panels* wrong : {&shorter, &half, &foreign, &wide}) {
    refused(a, z, *wrong, y, s);
    refused(a, z, y, *wrong, s);
  }
  refused(a, z, y, sample, s);
  refused(a, other_z, y, y, s);
  refused(a, tall, y, y, s);
  refused(a, thin, y, y, s);
  refused(a, z, y, y, other_s);
  refused(a, z, y, y, tall_s);
  const auto update_refused = [&](const std::function<void(snmf4j_update&)>& change, int rule) {
    snmf4j_update update = rule_of(rule);
    change(update);
    CHECK(snmf4j_pass(a, z, &update, y, y, SNMF4J_REFRESH_NONE, nullptr, sums) ==
          SNMF4J_INVALID_ARGUMENT);
  };
  update_refused([](snmf4j_update& u) { u.epsilon = 0; }, SNMF4J_RULE_MULTIPLICATIVE);
  update_refused([](snmf4j_update& u) { u.rule = 3; }, SNMF4J_RULE_HALS);
  update_refused([](snmf4j_update& u) { u.sweeps = 0; }, SNMF4J_RULE_HALS);
  update_refused([](snmf4j_update& u) { u.tolerance = NAN; }, SNMF4J_RULE_HALS);
  update_refused([](snmf4j_update& u) { u.penalty = -1; }, SNMF4J_RULE_LEAST_SQUARES);
  update_refused([](snmf4j_update& u) { u.penalty = HUGE_VAL; }, SNMF4J_RULE_HALS);
  update_refused([&](snmf4j_update& u) { u.before = shorter; }, SNMF4J_RULE_HALS);
  update_refused([&](snmf4j_update& u) { u.before = y; }, SNMF4J_RULE_HALS);
  update_refused([&](snmf4j_update& u) { u.before = foreign; }, SNMF4J_RULE_HALS);
  const snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  CHECK(snmf4j_pass(a, z, nullptr, y, y, 0, nullptr, sums) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_pass(a, z, &update, y, y, 0, nullptr, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_pass(a, z, &update, y, y, 4, s, sums) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_project(a, tall, y) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_project(nullptr, z, y) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_project(a, z, sample) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_residual(a, z, y, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_residual(a, z, half, sums) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_pass(a, z, &update, y, y, SNMF4J_REFRESH_SUPPORT, s, sums) == SNMF4J_OK);
}
