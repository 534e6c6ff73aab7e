// Z from C and G: all of it, column by column, and on its support.
#include <algorithm>
#include <numeric>

#include "device.hpp"

using namespace test;

namespace {

// A, Y and their statistics.
struct Problem {
  Problem(const Context& context, const Matrix& a_values, const Matrix& y_values)
      : a(context, SNMF4J_FLOAT32, a_values),
        y(context, SNMF4J_FLOAT32, y_values, true),
        s(context, a_values.rows, static_cast<int>(y_values.rows)) {
    REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
  }
  Panels a, y;
  Statistics s;
};

Matrix coefficients(int rank, int64_t tokens, unsigned seed) {
  Matrix y = positive_matrix(rank, tokens, seed);
  std::mt19937 generator(seed);
  for (double& value : y.values) value = generator() % 2 == 0 ? 0 : value;
  return y;
}

Matrix zero_row(Matrix y, int64_t row) {
  for (int64_t t = 0; t < y.columns; t++) y(row, t) = 0;
  return y;
}

// The keep entries of largest magnitude, of equal ones the first, by index.
std::vector<int64_t> largest(const std::vector<double>& b, int64_t keep) {
  std::vector<int64_t> order(b.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    return std::fabs(b[static_cast<std::size_t>(i)]) > std::fabs(b[static_cast<std::size_t>(j)]);
  });
  order.resize(static_cast<std::size_t>(keep));
  return order;
}

Matrix swept(const Statistics& s, Matrix z, int64_t keep, double penalty) {
  const Matrix c = s.cross(), g = s.gram(), sums = s.row_sums();
  for (int64_t j = 0; j < z.columns; j++) {
    std::vector<double> b;
    for (int64_t i = 0; i < z.rows; i++) {
      double sum = c(i, j);
      for (int64_t l = 0; l < z.columns; l++) sum -= l == j ? 0 : z(i, l) * g(l, j);
      b.push_back(sum);
      z(i, j) = 0;
    }
    if (!(g(j, j) > 0)) continue;
    const std::vector<int64_t> chosen = largest(b, keep);
    double square = 0;
    for (int64_t i : chosen) square += b[static_cast<std::size_t>(i)] * b[static_cast<std::size_t>(i)];
    const double norm = std::sqrt(square);
    const double length = norm - penalty * sums(0, j);
    if (!(length > 0)) continue;
    for (int64_t i : chosen) {
      z(i, j) = static_cast<float>(b[static_cast<std::size_t>(i)] / norm * length / g(j, j));
    }
  }
  return z;
}

// Gaussian elimination with pivots.
std::vector<double> eliminated(Matrix m, std::vector<double> x) {
  const int64_t n = m.rows;
  for (int64_t p = 0; p < n; p++) {
    int64_t best = p;
    for (int64_t i = p; i < n; i++) best = std::fabs(m(i, p)) > std::fabs(m(best, p)) ? i : best;
    for (int64_t j = 0; j < n; j++) std::swap(m(p, j), m(best, j));
    std::swap(x[static_cast<std::size_t>(p)], x[static_cast<std::size_t>(best)]);
    for (int64_t i = p + 1; i < n; i++) {
      const double factor = m(i, p) / m(p, p);
      for (int64_t j = p; j < n; j++) m(i, j) -= factor * m(p, j);
      x[static_cast<std::size_t>(i)] -= factor * x[static_cast<std::size_t>(p)];
    }
  }
  for (int64_t p = n - 1; p >= 0; p--) {
    for (int64_t j = p + 1; j < n; j++) {
      x[static_cast<std::size_t>(p)] -= m(p, j) * x[static_cast<std::size_t>(j)];
    }
    x[static_cast<std::size_t>(p)] /= m(p, p);
  }
  return x;
}

Matrix refitted(const Statistics& s, const Matrix& z, double penalty) {
  const Matrix c = s.cross(), g = s.gram(), sums = s.row_sums();
  Matrix result(z.rows, z.columns);
  std::vector<double> weights;
  for (int64_t j = 0; j < z.columns; j++) {
    double square = 0;
    for (int64_t i = 0; i < z.rows; i++) square += z(i, j) * z(i, j);
    weights.push_back(square > 0 ? penalty * sums(0, j) / std::sqrt(square) : 0);
  }
  for (int64_t i = 0; i < z.rows; i++) {
    std::vector<int64_t> support;
    for (int64_t j = 0; j < z.columns; j++) {
      if (z(i, j) != 0 && g(j, j) > 0) support.push_back(j);
    }
    const auto m = static_cast<int64_t>(support.size());
    Matrix system(m, m);
    std::vector<double> right;
    for (int64_t p = 0; p < m; p++) {
      const int64_t j = support[static_cast<std::size_t>(p)];
      for (int64_t q = 0; q < m; q++) system(p, q) = g(j, support[static_cast<std::size_t>(q)]);
      system(p, p) += weights[static_cast<std::size_t>(j)];
      right.push_back(c(i, j));
    }
    const std::vector<double> row = eliminated(system, right);
    for (int64_t p = 0; p < m; p++) {
      result(i, support[static_cast<std::size_t>(p)]) = row[static_cast<std::size_t>(p)];
    }
  }
  return result;
}

double relative_error(const Matrix& expected, const Matrix& actual) {
  Matrix scale(expected.rows, expected.columns);
  double size = 0;
  for (const double value : expected.values) size = std::max(size, std::fabs(value));
  std::fill(scale.values.begin(), scale.values.end(), size);
  return worst_error(expected, actual, scale);
}

// Z's sparse form is that of its values: P = Z'A.
void require_support(const Features& z, int64_t nonzeros_at_most) {
  const Matrix values = z.read();
  CHECK(std::count_if(values.values.begin(), values.values.end(),
                      [](double x) { return x != 0; }) <= nonzeros_at_most);
}

}  // namespace

TEST_CASE("ridge solves solve") {
  const Context context;
  for (const int rank : {1, 5, 64, 65, 130, 200}) {
    const int64_t neurons = rank == 200 ? 300 : 37;
    const Problem problem(context, signed_matrix(neurons, 400, 1),
                          zero_row(coefficients(rank, 400, 2), rank / 3));
    const Features z(context, signed_matrix(neurons, rank, 3));
    const double ridge = 1e-3;
    REQUIRE(snmf4j_ridge_solve(problem.s, ridge, z) == SNMF4J_OK);
    Matrix system = problem.s.gram();
    for (int j = 0; j < rank; j++) system(j, j) += ridge;
    const Matrix cross = problem.s.cross(), solved = z.read();
    Matrix scale = times(magnitudes(solved), magnitudes(system));
    for (std::size_t i = 0; i < scale.values.size(); i++) {
      scale.values[i] += std::fabs(cross.values[i]);
    }
    CHECK(worst_error(cross, times(solved, system), scale) <= 1e-6);
  }
}

TEST_CASE("singular systems are solved with a larger ridge") {
  const Context context;
  for (const double ridge : {1e-300, 1e-12, 1e-6}) {
    Matrix y = coefficients(70, 90, 4);
    for (int64_t t = 0; t < 90; t++) {
      y(2, t) = y(1, t);
      y(69, t) = y(1, t) + 2 * y(4, t);
      y(33, t) = 0;
    }
    const Problem problem(context, signed_matrix(20, 90, 5), y);
    const Features z(context, 20, 70);
    REQUIRE(snmf4j_ridge_solve(problem.s, ridge, z) == SNMF4J_OK);
    const Matrix solved = z.read();
    for (const double value : solved.values) REQUIRE(std::isfinite(value));
    // ZG is C however Z spreads over dependent rows.
    CHECK(relative_error(problem.s.cross(), times(solved, problem.s.gram())) <= 1e-3);
  }
}

TEST_CASE("what rounding leaves of dependent rows is no pivot") {
  const Context context;
  // Elimination leaves nothing of rows 2 and 3 but rounding errors, of either sign.
  for (unsigned seed = 0; seed < 40; seed++) {
    CAPTURE(seed);
    Matrix y = coefficients(7, 65, seed);
    for (int64_t t = 0; t < 65; t++) {
      y(2, t) = y(1, t);
      y(3, t) = 2 * y(1, t);
    }
    const Problem problem(context, signed_matrix(20, 65, 100 + seed), y);
    const Features z(context, 20, 7);
    REQUIRE(snmf4j_ridge_solve(problem.s, 1e-300, z) == SNMF4J_OK);
    CHECK(relative_error(problem.s.cross(), times(z.read(), problem.s.gram())) <= 1e-5);
  }
}

TEST_CASE("ridge solves of zero are zero, and what is not finite is told") {
  const Context context;
  const Statistics zero(context, 9, 3);
  const Features z(context, signed_matrix(9, 3, 6));
  REQUIRE(snmf4j_ridge_solve(zero, 1e-6, z) == SNMF4J_OK);
  CHECK(z.read().values == Matrix(9, 3).values);
  Matrix huge(3, 100);
  std::fill(huge.values.begin(), huge.values.end(), 3e18);
  const Problem problem(context, signed_matrix(9, 100, 7), huge);
  CHECK(std::isinf(problem.s.gram()(0, 0)));
  fails(SNMF4J_NON_FINITE, snmf4j_ridge_solve(problem.s, 1, z), "Gram matrix is not finite");
  // G is of size 1e-36 and C of 1: Z is beyond float32.
  Matrix tiny(3, 1), large(9, 1);
  for (int64_t j = 0; j < 3; j++) tiny(j, 0) = j == 0 ? 1e-22 : 0;
  for (int64_t i = 0; i < 9; i++) large(i, 0) = 1e18;
  const Problem beyond(context, large, tiny);
  fails(SNMF4J_NON_FINITE, snmf4j_ridge_solve(beyond.s, 1e-300, z), "beyond float32");
}

TEST_CASE("a sweep is that of plain loops") {
  struct Size {
    int64_t neurons;
    int rank;
    int64_t keep;
  };
  // Few neurons and many; few kept, and so many that they are chosen from all.
  const Size sizes[] = {{1, 1, 1},     {7, 4, 3},      {40, 17, 2},   {40, 17, 40},  {300, 33, 5},
                        {300, 16, 128}, {300, 16, 129}, {300, 5, 299}, {4500, 3, 60}, {4500, 3, 700},
                        {4500, 18, 4500}};
  const Context context;
  for (const Size& size : sizes) {
    const Problem problem(context, signed_matrix(size.neurons, 150, 8),
                          size.rank > 4 ? zero_row(coefficients(size.rank, 150, 9), 3)
                                        : coefficients(size.rank, 150, 9));
    for (const double penalty : {0.0, 0.7}) {
      Matrix values = sparse_matrix(size.neurons, size.rank, 10, 0.7);
      const Features z(context, values);
      for (int sweep = 0; sweep < 2; sweep++) {
        const Matrix expected = swept(problem.s, values, size.keep, penalty);
        REQUIRE(snmf4j_sweep_columns(problem.s, z, size.keep, penalty) == SNMF4J_OK);
        values = z.read();
        CHECK(relative_error(expected, values) <= 1e-6);
        for (std::size_t i = 0; i < values.values.size(); i++) {
          REQUIRE((values.values[i] != 0) == (expected.values[i] != 0));
        }
        require_support(z, size.keep * size.rank);
      }
    }
  }
}

TEST_CASE("of equal entries the first stay, and zeros are none") {
  const Context context;
  for (const int64_t neurons : {64, 300, 5000}) {
    for (const int64_t keep : {int64_t{1}, int64_t{7}, neurons / 2, neurons}) {
      // Integers: all sums are exact.
      Matrix a(neurons, 3);
      for (int64_t i = 0; i < neurons; i++) {
        a(i, 0) = i % 3 == 0 ? 0 : i % 2 == 0 ? 2 : -2;
        a(i, 1) = static_cast<double>(i % 5) - 2;
        a(i, 2) = 0;
      }
      Matrix y(3, 3);
      for (int64_t j = 0; j < 3; j++) y(j, j) = 1;
      const Problem problem(context, a, y);
      const Features z(context, neurons, 3);
      REQUIRE(snmf4j_sweep_columns(problem.s, z, keep, 0) == SNMF4J_OK);
      const Matrix expected = swept(problem.s, Matrix(neurons, 3), keep, 0);
      CHECK(relative_error(expected, z.read()) <= 1e-6);
    }
  }
}

TEST_CASE("a penalty shrinks a column and then kills it") {
  const Context context;
  Matrix a(3, 1), one(1, 1), old(3, 1);
  a.values = {3, 4, 1};
  one.values = {1};
  old.values = {9, 0, 9};
  const Problem problem(context, a, one);
  for (const double penalty : {1.0, 4.9, 5.01, 1e30}) {
    const Features z(context, old);
    REQUIRE(snmf4j_sweep_columns(problem.s, z, 2, penalty) == SNMF4J_OK);
    const double length = std::max(0.0, 5 - penalty);
    Matrix expected(3, 1);
    expected.values = {0.6 * length, 0.8 * length, 0};
    Matrix scale(3, 1);
    scale.values = {5, 5, 5};
    CHECK(worst_error(expected, z.read(), scale) <= 1e-6);
  }
}

TEST_CASE("refits are those of elimination") {
  struct Size {
    int64_t neurons;
    int rank;
    double zeros;
  };
  // Rows for warps, for blocks, for both; full rows, which share one system; rows beyond shared
  // memory.
  const Size sizes[] = {{20, 1, 0},    {40, 7, 0.4},  {33, 32, 0.0},  {30, 33, 0.02},
                        {50, 40, 0.15}, {20, 70, 0.0}, {9, 300, 0.005}};
  const Context context;
  for (const Size& size : sizes) {
    const Problem problem(context, signed_matrix(size.neurons, 900, 11),
                          size.rank > 4 ? zero_row(coefficients(size.rank, 900, 12), 3)
                                        : coefficients(size.rank, 900, 12));
    for (const double penalty : {0.0, 0.4}) {
      const Matrix old = sparse_matrix(size.neurons, size.rank, 13, size.zeros);
      const Features z(context, old);
      REQUIRE(snmf4j_refit(problem.s, z, penalty, 1) == SNMF4J_OK);
      const Matrix values = z.read();
      CHECK(relative_error(refitted(problem.s, old, penalty), values) <= 1e-5);
      // Again: the sparse forms have followed, whether an entry has become zero or not.
      REQUIRE(snmf4j_refit(problem.s, z, penalty, 1) == SNMF4J_OK);
      CHECK(relative_error(refitted(problem.s, values, penalty), z.read()) <= 1e-5);
    }
  }
}

TEST_CASE("refits of dependent and of dead features stay finite") {
  const Context context;
  for (const int rank : {6, 40}) {
    for (const double zeros : {0.0, 0.1}) {
      Matrix y = coefficients(rank, 200, 14);
      for (int64_t t = 0; t < 200; t++) {
        y(2, t) = y(1, t);
        y(3, t) = y(1, t) + y(4, t);
        y(5, t) = 0;
      }
      const Problem problem(context, signed_matrix(20, 200, 15), y);
      Matrix old = sparse_matrix(20, rank, 16, zeros);
      for (int64_t i = 0; i < 20; i++) old(i, 5) = 1;
      const Features z(context, old);
      REQUIRE(snmf4j_refit(problem.s, z, 0, 1) == SNMF4J_OK);
      const Matrix values = z.read();
      const Matrix solved = times(values, problem.s.gram()), cross = problem.s.cross();
      Matrix scale = times(magnitudes(values), magnitudes(problem.s.gram()));
      for (int64_t i = 0; i < 20; i++) {
        CHECK(values(i, 5) == 0);
        for (int64_t j = 0; j < rank; j++) {
          REQUIRE(std::isfinite(values(i, j)));
          if (old(i, j) == 0 || j == 5) continue;
          CHECK(std::fabs(solved(i, j) - cross(i, j)) <=
                1e-5 * (scale(i, j) + std::fabs(cross(i, j))));
        }
      }
    }
  }
}

TEST_CASE("a refit of zeros and one of what is not finite") {
  const Context context;
  for (const int rank : {3, 40}) {
    for (const double zeros : {0.0, 0.03}) {
      const Matrix old = sparse_matrix(30, rank, 17, zeros);
      const Features z(context, old);
      const Statistics zero(context, 30, rank);
      REQUIRE(snmf4j_refit(zero, z, 1, 1) == SNMF4J_OK);
      CHECK(z.read().values == Matrix(30, rank).values);
      Matrix huge(rank, 100);
      std::fill(huge.values.begin(), huge.values.end(), 3e18);
      const Problem problem(context, signed_matrix(30, 100, 18), huge);
      const Features other(context, old);
      fails(SNMF4J_NON_FINITE, snmf4j_refit(problem.s, other, 0, 1), "positive definite");
    }
  }
}

TEST_CASE("misuse of solving is told") {
  const Context context, foreign_context;
  const Statistics s(context, 5, 3), foreign(foreign_context, 5, 3);
  const Features z(context, 5, 3), wide(context, 5, 4), high(context, 6, 3);
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_ridge_solve(nullptr, 1, z), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_ridge_solve(s, 1, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_ridge_solve(s, 1, wide), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_ridge_solve(s, 1, high), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_ridge_solve(foreign, 1, z), "context");
  for (const double bad : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    fails(SNMF4J_INVALID_ARGUMENT, snmf4j_ridge_solve(s, bad, z), "ridge");
  }
  for (const double bad : {-1.0, HUGE_VAL, std::nan("")}) {
    fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(s, z, 1, bad), "penalty");
    fails(SNMF4J_INVALID_ARGUMENT, snmf4j_refit(s, z, bad, 1), "penalty");
  }
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(nullptr, z, 1, 0), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(s, nullptr, 1, 0), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(s, wide, 1, 0), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(foreign, z, 1, 0), "context");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(s, z, 0, 0), "keep");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_sweep_columns(s, z, 6, 0), "keep");
  for (double bad : {0.5, 2.0, static_cast<double>(NAN)}) {
    fails(SNMF4J_INVALID_ARGUMENT, snmf4j_refit(s, z, 0, bad), "relaxation");
  }
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_refit(nullptr, z, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_refit(s, nullptr, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_refit(s, high, 0, 1), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_refit(foreign, z, 0, 1), "context");
}
