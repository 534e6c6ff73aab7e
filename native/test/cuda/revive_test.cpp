// Revival of dead features, against plain loops in float64.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "device.hpp"

using namespace test;

namespace {

constexpr int kTypes[] = {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16};

struct Problem {
  Problem(const Context& context, int element, const Matrix& activations, int k)
      : type(element),
        values(rounded(activations, element)),
        a(context, element, values),
        y(context, SNMF4J_FLOAT32, k, values.columns),
        z(context, values.rows, k),
        statistics(context, values.rows, k) {}

  // Features `zero` have no column, those of `silent` coefficients of 1e-21.
  void set(const std::vector<int>& zero, const std::vector<int>& silent, unsigned seed = 2) {
    Matrix columns = signed_matrix(values.rows, y.read().rows, seed);
    Matrix rows = positive_matrix(columns.columns, values.columns, seed + 1);
    for (int j : zero) {
      for (int64_t i = 0; i < columns.rows; i++) columns(i, j) = 0;
    }
    for (int j : silent) {
      for (int64_t t = 0; t < rows.columns; t++) rows(j, t) = 1e-21;
    }
    z.write(columns);
    y.write(rows);
    REQUIRE(snmf4j_dense_statistics(a, y, statistics) == SNMF4J_OK);
  }

  const int type;
  const Matrix values;
  Panels a, y;
  Features z;
  Statistics statistics;
};

bool has(const std::vector<int>& list, int64_t j) {
  return std::find(list.begin(), list.end(), static_cast<int>(j)) != list.end();
}

std::vector<double> column(const Matrix& matrix, int64_t t) {
  std::vector<double> result(static_cast<std::size_t>(matrix.rows));
  for (int64_t i = 0; i < matrix.rows; i++) result[static_cast<std::size_t>(i)] = matrix(i, t);
  return result;
}

double inner(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); i++) sum += x[i] * y[i];
  return sum;
}

// What revival has to make of the dead columns, in order.
std::vector<std::vector<double>> seeds(const Matrix& rest, std::size_t dead, std::size_t keep) {
  std::vector<int64_t> order(static_cast<std::size_t>(rest.columns));
  for (std::size_t t = 0; t < order.size(); t++) order[t] = static_cast<int64_t>(t);
  std::vector<double> squares;
  for (int64_t t : order) squares.push_back(inner(column(rest, t), column(rest, t)));
  std::stable_sort(order.begin(), order.end(), [&](int64_t s, int64_t t) {
    return squares[static_cast<std::size_t>(s)] > squares[static_cast<std::size_t>(t)];
  });
  order.resize(std::min(order.size(), 4 * dead));
  std::vector<std::vector<double>> taken, result;
  for (int64_t t : order) {
    if (taken.size() == dead) break;
    const std::vector<double> one = column(rest, t);
    const bool repeats = std::any_of(taken.begin(), taken.end(), [&](const auto& other) {
      return inner(one, other) > 0.9 * std::sqrt(inner(one, one) * inner(other, other));
    });
    if (repeats || inner(one, one) == 0) continue;
    taken.push_back(one);
    std::vector<std::size_t> rank(one.size());
    for (std::size_t i = 0; i < rank.size(); i++) rank[i] = i;
    std::stable_sort(rank.begin(), rank.end(), [&](std::size_t i, std::size_t j) {
      return std::fabs(one[i]) > std::fabs(one[j]);
    });
    std::vector<double> seed(one.size());
    for (std::size_t e = 0; e < keep; e++) seed[rank[e]] = one[rank[e]];
    const double norm = std::sqrt(inner(seed, seed));
    for (double& value : seed) value /= norm;
    result.push_back(seed);
  }
  return result;
}

// Revives and compares all of it.
void check(Problem& p, const std::vector<int>& dead, int64_t keep, std::size_t expected_revived) {
  Matrix living = p.z.read();
  Matrix rows = p.y.read();
  for (int j : dead) {
    for (int64_t i = 0; i < living.rows; i++) living(i, j) = 0;
    for (int64_t t = 0; t < rows.columns; t++) rows(j, t) = 0;
  }
  Matrix rest = times(living, rows);
  for (std::size_t i = 0; i < rest.values.size(); i++) {
    rest.values[i] = p.values.values[i] - rest.values[i];
  }
  const std::vector<std::vector<double>> expected =
      seeds(rest, dead.size(), static_cast<std::size_t>(keep));
  REQUIRE(expected.size() == expected_revived);
  int found = -1, revived = -1;
  REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, keep, &found, &revived) == SNMF4J_OK);
  CHECK(found == static_cast<int>(dead.size()));
  CHECK(revived == static_cast<int>(expected.size()));
  CHECK(p.y.read().values == rows.values);
  for (std::size_t m = 0; m < expected.size(); m++) {
    for (int64_t i = 0; i < living.rows; i++) {
      living(i, dead[m]) = expected[m][static_cast<std::size_t>(i)];
    }
  }
  CHECK(worst_error(living, p.z.read(), magnitudes(living)) < 1e-5);
  // Statistics are those of the coefficients as they are now.
  const Matrix gram = p.statistics.gram(), cross = p.statistics.cross(),
               sums = p.statistics.row_sums();
  REQUIRE(snmf4j_dense_statistics(p.a, p.y, p.statistics) == SNMF4J_OK);
  CHECK(gram.values == p.statistics.gram().values);
  CHECK(cross.values == p.statistics.cross().values);
  CHECK(sums.values == p.statistics.row_sums().values);
}

}  // namespace

TEST_CASE("dead features start at the worst tokens") {
  for (int type : kTypes) {
    for (int64_t limit : {int64_t{0}, int64_t{1} << 20}) {
      CAPTURE(type);
      CAPTURE(limit);
      const Context context({64, false, limit});
      Problem p(context, type, signed_matrix(450, 1333, 1), 7);
      p.set({1, 5}, {2});
      check(p, {1, 2, 5}, 4, 3);
      // And none is left.
      int dead = -1, revived = -1;
      REQUIRE(snmf4j_dense_statistics(p.a, p.y, p.statistics) == SNMF4J_OK);
      const Matrix z = p.z.read();
      REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, 4, &dead, &revived) == SNMF4J_OK);
      CHECK(dead == 3);
    }
  }
}

TEST_CASE("more dead features than a batch has candidates, and tokens that repeat") {
  const Context context;
  // Every token thrice, so that two of three candidates repeat the first.
  Matrix a = signed_matrix(60, 300, 5);
  for (int64_t i = 0; i < 60; i++) {
    for (int64_t t = 0; t < 300; t++) a(i, t) = a(i, t / 3 * 3) * (t % 3 == 1 ? 0.5 : 1);
  }
  Problem p(context, SNMF4J_FLOAT32, a, 40);
  std::vector<int> all(40);
  for (int j = 0; j < 40; j++) all[static_cast<std::size_t>(j)] = j;
  p.set(all, {});
  check(p, all, 60, 40);
}

TEST_CASE("of equal entries the first are kept, and of equal tokens the first") {
  const Context context;
  Matrix a(10, 80);
  // Tokens 20 and 30 are equally long; all of their entries are, too.
  for (int64_t i = 0; i < 10; i++) {
    a(i, 20) = i % 2 == 0 ? 2 : -2;
    a(i, 30) = 2;
  }
  Problem p(context, SNMF4J_FLOAT32, a, 3);
  p.set({0, 1, 2}, {});
  check(p, {0, 1, 2}, 3, 2);
}

TEST_CASE("nothing happens where nothing is dead, and nothing is made of nothing") {
  const Context context;
  Problem p(context, SNMF4J_FLOAT32, signed_matrix(30, 100, 1), 5);
  p.set({}, {});
  const Matrix z = p.z.read(), y = p.y.read();
  int dead = -1, revived = -1;
  REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, 5, &dead, &revived) == SNMF4J_OK);
  CHECK(dead == 0);
  CHECK(revived == 0);
  CHECK(z.values == p.z.read().values);
  CHECK(y.values == p.y.read().values);
  p.a.write(Matrix(30, 100));
  p.z.write(Matrix(30, 5));
  REQUIRE(snmf4j_revive(p.a, p.statistics, p.z, p.y, 5, &dead, &revived) == SNMF4J_OK);
  CHECK(dead == 5);
  CHECK(revived == 0);
  CHECK(p.z.read().values == Matrix(30, 5).values);
}

TEST_CASE("wrong arguments are refused") {
  const Context context, foreign;
  Problem p(context, SNMF4J_FLOAT32, signed_matrix(30, 100, 1), 5);
  Problem other(foreign, SNMF4J_FLOAT32, signed_matrix(30, 100, 1), 5);
  p.set({1}, {});
  int dead = -1, revived = -1;
  const auto refused = [&](snmf4j_panels* a, snmf4j_statistics* s, snmf4j_features* z,
                           snmf4j_panels* y, int64_t keep) {
    CHECK(snmf4j_revive(a, s, z, y, keep, &dead, &revived) == SNMF4J_INVALID_ARGUMENT);
  };
  refused(nullptr, p.statistics, p.z, p.y, 1);
  refused(p.a, nullptr, p.z, p.y, 1);
  refused(p.a, p.statistics, nullptr, p.y, 1);
  refused(p.a, p.statistics, p.z, nullptr, 1);
  refused(p.a, p.statistics, p.z, p.y, 0);
  refused(p.a, p.statistics, p.z, p.y, 31);
  refused(p.a, other.statistics, p.z, p.y, 1);
  refused(p.a, p.statistics, other.z, p.y, 1);
  refused(p.a, p.statistics, p.z, other.y, 1);
  refused(p.y, p.statistics, p.z, p.y, 1);
  refused(p.a, p.statistics, p.z, p.a, 1);
  CHECK(snmf4j_revive(p.a, p.statistics, p.z, p.y, 1, nullptr, &revived) ==
        SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_revive(p.a, p.statistics, p.z, p.y, 1, &dead, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(dead == -1);
  CHECK(revived == -1);
}
