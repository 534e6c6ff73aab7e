// The fused pass against plain double precision and against separate kernels.
#include "fused.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "pass_checks.hpp"

using namespace test;
using snmf4j::fused_support;
using snmf4j::fused_tile;

namespace {

snmf4j_device facts_of(int multiprocessors, int shared_bytes) {
  snmf4j_device facts{};
  facts.multiprocessors = multiprocessors;
  facts.shared_bytes = shared_bytes;
  return facts;
}

struct Count {
  int64_t rows, nonzeros;
};

Count count(const Matrix& z, const Matrix* candidates) {
  Count result{0, 0};
  for (int64_t i = 0; i < z.rows; i++) {
    const int64_t before = result.nonzeros;
    for (int64_t j = 0; j < z.columns; j++) {
      result.nonzeros += z(i, j) != 0 || (candidates != nullptr && (*candidates)(i, j) != 0);
    }
    result.rows += result.nonzeros > before;
  }
  return result;
}

// Panels of so many tokens, and as little shared memory as tiles of so many need.
Options fused(const Problem& problem, int type, int rule, int tile, int panel,
              const Matrix* candidates = nullptr) {
  const int rank = static_cast<int>(problem.z.columns);
  const Count own = count(problem.z, nullptr);
  const Count wide = count(problem.z, candidates);
  Options options;
  options.panel = panel;
  options.pass = SNMF4J_PASS_FUSED;
  const auto fits = [&] {
    const snmf4j_device facts = facts_of(1, options.shared);
    return fused_tile(facts, type, rule, rank, own.rows) == tile &&
           fused_support(facts, type, rule, rank, tile, wide.rows, wide.nonzeros);
  };
  for (options.shared = 16; !fits(); options.shared += 16) REQUIRE(options.shared < 227 << 10);
  return options;
}

Matrix expected(const Problem& problem, const Matrix& y, const snmf4j_update& update) {
  return update.rule == SNMF4J_RULE_HALS
             ? descended(problem, y, update.sweeps, update.penalty, update.relaxation)
             : multiplicative(problem, y, update.epsilon);
}

constexpr int kRules[] = {SNMF4J_RULE_MULTIPLICATIVE, SNMF4J_RULE_HALS};
constexpr int kTiles[] = {16, 32};

}  // namespace

TEST_CASE("each rule gives what double precision gives, whatever type, tile and shape") {
  struct Shape {
    int64_t d, k, n;
    int panel;
  };
  for (int type : kTypes) {
    for (const Shape& shape : {Shape{60, 1, 40, 128}, Shape{60, 3, 5, 64}, Shape{150, 7, 333, 64},
                               Shape{400, 33, 260, 192}, Shape{200, 120, 70, 4096}}) {
      const Problem problem(type, shape.d, shape.k, shape.n);
      for (int tile : kTiles) {
        for (int rule : kRules) {
          CAPTURE(type);
          CAPTURE(shape.k);
          CAPTURE(tile);
          CAPTURE(rule);
          const Context context(fused(problem, type, rule, tile, shape.panel));
          snmf4j_update update = rule_of(rule);
          update.penalty = rule == SNMF4J_RULE_HALS ? 0.3 : 0;
          for (int refresh : {SNMF4J_REFRESH_NONE, SNMF4J_REFRESH_GRAM, SNMF4J_REFRESH_SUPPORT}) {
            const bool in_place = refresh == SNMF4J_REFRESH_GRAM;
            check_near(expected(problem, problem.y, update),
                       run(context, type, problem, update, refresh, in_place).y);
          }
          update.sweeps = 1;
          update.relaxation = 1.6;
          check_near(expected(problem, problem.y, update),
                     run(context, type, problem, update, SNMF4J_REFRESH_SUPPORT).y);
        }
      }
    }
  }
}

TEST_CASE("candidates widen the support") {
  for (int type : kTypes) {
    for (int tile : kTiles) {
      for (int rule : kRules) {
        CAPTURE(type);
        CAPTURE(tile);
        const Problem problem(type, 250, 21, 300, 0.03);
        const Matrix candidates = sparse_matrix(250, 21, 0.05, 40, 5, -1);
        const Context context(fused(problem, type, rule, tile, 128, &candidates));
        const snmf4j_update update = rule_of(rule);
        const Ran ran =
            run(context, type, problem, update, SNMF4J_REFRESH_SUPPORT, false, &candidates);
        check_near(expected(problem, problem.y, update), ran.y);
      }
    }
  }
}

TEST_CASE("rows are scaled, and coefficients extrapolated, as they are read") {
  const Problem problem(SNMF4J_BFLOAT16, 110, 18, 200);
  const Readings readings(problem.y);
  for (int tile : kTiles) {
    for (int rule : kRules) {
      CAPTURE(tile);
      CAPTURE(rule);
      const Context context(fused(problem, SNMF4J_BFLOAT16, rule, tile, 128));
      const Panels before(context, SNMF4J_FLOAT32, readings.past, true);
      snmf4j_update update = rule_of(rule);
      update.row_scale = readings.scale.data();
      check_near(expected(problem, readings.scaled, update),
                 run(context, SNMF4J_BFLOAT16, problem, update, SNMF4J_REFRESH_SUPPORT).y);
      // Beside what was before, it is not read.
      update.before = before;
      update.beta = Readings::kBeta;
      check_near(expected(problem, readings.ahead, update),
                 run(context, SNMF4J_BFLOAT16, problem, update, SNMF4J_REFRESH_SUPPORT).y);
      check_near(readings.past, before.read(), 1e-30);
    }
  }
}

TEST_CASE("fused and separate kernels agree, and are not the same") {
  for (int type : kTypes) {
    const Problem problem(type, 200, 40, 700);
    Options options;
    options.pass = SNMF4J_PASS_SPLIT;
    const Context split(options), choosing;
    options.pass = SNMF4J_PASS_FUSED;
    const Context whole(options);
    const Count counted = count(problem.z, nullptr);
    for (int rule : kRules) {
      CAPTURE(type);
      CAPTURE(rule);
      REQUIRE(fused_tile(static_cast<snmf4j_context*>(whole)->facts, type, rule, 40,
                         counted.rows) > 0);
      const snmf4j_update update = rule_of(rule);
      const Ran one = run(whole, type, problem, update, SNMF4J_REFRESH_SUPPORT);
      const Ran two = run(split, type, problem, update, SNMF4J_REFRESH_SUPPORT);
      check_near(two.y, one.y, 1e-5);
      check_near(two.cross, one.cross, 1e-5);
      CHECK(one.sums[0] == doctest::Approx(two.sums[0]).epsilon(1e-6));
      // The sums have another order, which shows that there are two ways.
      CHECK(one.numbers() != two.numbers());
      // Nobody asked for it.
      CHECK(run(choosing, type, problem, update, SNMF4J_REFRESH_SUPPORT).numbers() ==
            two.numbers());
    }
  }
}

TEST_CASE("what does not fit, or the fused pass does not know, goes the other way") {
  const Problem problem(SNMF4J_FLOAT32, 200, 30, 300);
  const Problem dense(SNMF4J_FLOAT32, 90, 20, 300, 1);
  Options options;
  options.pass = SNMF4J_PASS_SPLIT;
  const Context split(options);
  options.pass = SNMF4J_PASS_FUSED;
  const Context whole(options);
  const auto same = [&](const Context& context, const Problem& given, const snmf4j_update& update,
                        int refresh) {
    CHECK(run(context, SNMF4J_FLOAT32, given, update, refresh).numbers() ==
          run(split, SNMF4J_FLOAT32, given, update, refresh).numbers());
  };
  snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  same(whole, dense, update, SNMF4J_REFRESH_SUPPORT);
  update.tolerance = 1e-3;
  same(whole, problem, update, SNMF4J_REFRESH_SUPPORT);
  update.rule = SNMF4J_RULE_LEAST_SQUARES;
  same(whole, problem, update, SNMF4J_REFRESH_SUPPORT);
  // A tolerance is nothing to the multiplicative rule: it stays fused.
  update.rule = SNMF4J_RULE_MULTIPLICATIVE;
  check_near(multiplicative(problem, problem.y, 1e-6),
             run(whole, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_SUPPORT).y);
  // One that has just no room.
  Options tight = fused(problem, SNMF4J_FLOAT32, SNMF4J_RULE_HALS, 16, 128);
  tight.shared -= 16;
  const Context small(tight);
  tight.pass = SNMF4J_PASS_SPLIT;
  const Context small_split(tight);
  update = rule_of(SNMF4J_RULE_HALS);
  CHECK(run(small, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_SUPPORT).numbers() ==
        run(small_split, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_SUPPORT).numbers());
}

TEST_CASE("coefficients do not depend on what a refresh asks for") {
  for (int type : kTypes) {
    const Problem problem(type, 250, 21, 300, 0.03);
    const Matrix candidates = sparse_matrix(250, 21, 0.2, 40, 5, -1);
    for (int tile : kTiles) {
      for (int rule : kRules) {
        CAPTURE(type);
        CAPTURE(tile);
        CAPTURE(rule);
        // The rows of all candidates have no room: C is summed elsewhere.
        const Context context(fused(problem, type, rule, tile, 128));
        const Count wide = count(problem.z, &candidates);
        REQUIRE(!fused_support(static_cast<snmf4j_context*>(context)->facts, type, rule, 21, tile,
                               wide.rows, wide.nonzeros));
        const snmf4j_update update = rule_of(rule);
        const Ran one = run(context, type, problem, update, SNMF4J_REFRESH_SUPPORT);
        check_near(expected(problem, problem.y, update), one.y);
        for (int refresh : {SNMF4J_REFRESH_NONE, SNMF4J_REFRESH_GRAM, SNMF4J_REFRESH_DENSE}) {
          CHECK(run(context, type, problem, update, refresh).y.values == one.y.values);
        }
        const Ran two =
            run(context, type, problem, update, SNMF4J_REFRESH_SUPPORT, false, &candidates);
        CHECK(two.y.values == one.y.values);
      }
    }
  }
}

TEST_CASE("features without neurons keep their coefficients") {
  Problem problem(SNMF4J_FLOAT32, 50, 6, 100);
  problem.z = Matrix(50, 6);
  problem.p = times(transposed(problem.z), problem.a);
  problem.q = times(transposed(problem.z), problem.z);
  Options options;
  options.pass = SNMF4J_PASS_FUSED;
  const Context context(options);
  const snmf4j_update update = rule_of(SNMF4J_RULE_HALS);
  check_near(problem.y, run(context, SNMF4J_FLOAT32, problem, update, SNMF4J_REFRESH_SUPPORT).y,
             1e-30);
}

TEST_CASE("activations that stream give the same") {
  for (int type : {SNMF4J_FLOAT32, SNMF4J_BFLOAT16}) {
    CAPTURE(type);
    const Problem problem(type, 2000, 12, 800, 0.02);
    for (int rule : kRules) {
      const snmf4j_update update = rule_of(rule);
      Options options = fused(problem, type, rule, 16, 64);
      const Context here(options);
      options.graphs = true;
      options.limit = kLittle;
      const Context there(options);
      const Ran one = run(here, type, problem, update, SNMF4J_REFRESH_SUPPORT);
      const Ran two = run(there, type, problem, update, SNMF4J_REFRESH_SUPPORT);
      check_near(expected(problem, problem.y, update), one.y);
      CHECK(one.y.values == two.y.values);
      // Blocks get other tiles.
      check_near(one.cross, two.cross, 1e-5);
    }
  }
}

TEST_CASE("passes repeat bit for bit, as graphs and in any order of threads") {
  for (int rule : kRules) {
    for (int tile : kTiles) {
      CAPTURE(rule);
      CAPTURE(tile);
      const Problem problem(SNMF4J_FLOAT16, 200, 40, 300);
      Options options = fused(problem, SNMF4J_FLOAT16, rule, tile, 128);
      const Context plain(options);
      options.graphs = true;
      const Context graphs(options);
      const snmf4j_update update = rule_of(rule);
      const auto all = [&](const Context& context) {
        const Panels a(context, SNMF4J_FLOAT16, problem.a);
        const Features z(context, problem.z);
        const Panels y(context, SNMF4J_FLOAT32, problem.y, true);
        const Panels next(context, SNMF4J_FLOAT32, 40, 300);
        const Statistics statistics(context, 200, 40);
        std::vector<double> found;
        for (int i = 0; i < 4; i++) {
          double sums[3];
          REQUIRE(snmf4j_pass(a, z, &update, i % 2 == 0 ? y : next, i % 2 == 0 ? next : y,
                              SNMF4J_REFRESH_SUPPORT, statistics, sums) == SNMF4J_OK);
          found.insert(found.end(), sums, sums + 3);
        }
        for (const Matrix& matrix : {y.read(), next.read(), statistics.cross()}) {
          found.insert(found.end(), matrix.values.begin(), matrix.values.end());
        }
        return found;
      };
      const std::vector<double> first = all(plain);
      CHECK(all(graphs) == first);
      CHECK(all(graphs) == first);
      const char* given = std::getenv("SNMF4J_TWIN_ORDER");
      const std::string before = given == nullptr ? "forward" : given;
      for (const char* order : {"forward", "reverse", "7"}) {
        setenv("SNMF4J_TWIN_ORDER", order, 1);
        CHECK(all(plain) == first);
      }
      setenv("SNMF4J_TWIN_ORDER", before.c_str(), 1);
    }
  }
}

TEST_CASE("tiles are as large as shared memory allows") {
  const int hals = SNMF4J_RULE_HALS;
  const snmf4j_device large = facts_of(132, 227 << 10);
  CHECK(fused_tile(large, SNMF4J_BFLOAT16, hals, 100, 1950) == 32);
  CHECK(fused_tile(large, SNMF4J_FLOAT32, hals, 100, 1950) == 16);
  CHECK(fused_tile(large, SNMF4J_FLOAT32, hals, 100, 4000) == 0);
  CHECK(fused_tile(facts_of(84, 99 << 10), SNMF4J_BFLOAT16, hals, 100, 1950) == 16);
  // The multiplicative rule needs more.
  CHECK(fused_tile(large, SNMF4J_BFLOAT16, hals, 100, 2600) == 32);
  CHECK(fused_tile(large, SNMF4J_BFLOAT16, SNMF4J_RULE_MULTIPLICATIVE, 100, 2600) == 16);
  // A wider support needs its rows, and many sums are too many.
  CHECK(fused_support(large, SNMF4J_BFLOAT16, hals, 100, 32, 2600, 3100));
  CHECK(!fused_support(large, SNMF4J_BFLOAT16, hals, 100, 32, 3072, 3100));
  CHECK(!fused_support(large, SNMF4J_BFLOAT16, hals, 100, 32, 1950, 1 << 20));
}

TEST_CASE("no other way is known") {
  snmf4j_cuda_options given{};
  given.cublas = "any";
  for (int pass : {-1, 3}) {
    given.pass = pass;
    snmf4j_context* context = nullptr;
    fails(SNMF4J_INVALID_ARGUMENT, snmf4j_cuda_context_create(&given, &context),
          "pass must be one of SNMF4J_PASS_*");
  }
}
