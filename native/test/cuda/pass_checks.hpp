// What passes have to give, in plain double precision, and passes that are checked against it.
#ifndef SNMF4J_TEST_CUDA_PASS_CHECKS_HPP
#define SNMF4J_TEST_CUDA_PASS_CHECKS_HPP

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "device.hpp"

namespace test {

constexpr int kTypes[] = {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16};
// So little that activations of more than a few hundred KiB stream.
constexpr int64_t kLittle = int64_t{4} << 20;
// Of sums, as a share of the sum of magnitudes.
constexpr double kRounding = 2e-6;
// Of coefficients, as a share of the largest: updates amplify the errors of P and Q.
constexpr double kUpdated = 1e-4;

// Columns of which a share is not zero; the `empty`-th is, and the `twin`-th is the first again.
inline Matrix sparse_matrix(int64_t rows, int64_t columns, double density, unsigned seed,
                            int64_t empty, int64_t twin) {
  Matrix result = signed_matrix(rows, columns, seed);
  std::mt19937 generator(seed + 1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      if (uniform(generator) >= density) result(i, j) = 0;
      if (j == empty) result(i, j) = 0;
      if (j == twin) result(i, j) = result(i, 0);
    }
  }
  return result;
}

struct Problem {
  Problem(int type, int64_t d, int64_t k, int64_t n, double density = 0.1)
      : a(rounded(signed_matrix(d, n, 1), type)),
        z(sparse_matrix(d, k, density, 2, k > 4 ? 3 : -1, k > 9 ? 8 : -1)),
        y(positive_matrix(k, n, 3)),
        p(times(transposed(z), a)),
        q(times(transposed(z), z)) {}

  Matrix a, z, y, p, q;
};

inline snmf4j_update rule_of(int rule) {
  snmf4j_update update{};
  update.rule = rule;
  update.epsilon = 1e-6;
  update.sweeps = 2;
  update.relaxation = 1;
  return update;
}

inline double norm(const Problem& problem, int64_t j) { return std::sqrt(problem.q(j, j)); }

inline Matrix multiplicative(const Problem& problem, const Matrix& y, double epsilon) {
  Matrix result = y;
  for (int64_t t = 0; t < y.columns; t++) {
    for (int64_t j = 0; j < y.rows; j++) {
      double up = std::fmax(problem.p(j, t), 0), down = std::fmax(-problem.p(j, t), 0) + epsilon;
      for (int64_t l = 0; l < y.rows; l++) {
        (problem.q(j, l) > 0 ? down : up) += std::fabs(problem.q(j, l)) * y(l, t);
      }
      result(j, t) = y(j, t) * std::sqrt(up / down);
    }
  }
  return result;
}

inline Matrix descended(const Problem& problem, Matrix y, int sweeps, double penalty,
                        double relaxation) {
  for (int64_t t = 0; t < y.columns; t++) {
    for (int s = 0; s < sweeps; s++) {
      for (int64_t j = 0; j < y.rows; j++) {
        if (problem.q(j, j) == 0) continue;
        double gradient = problem.p(j, t) - penalty * norm(problem, j);
        for (int64_t l = 0; l < y.rows; l++) gradient -= problem.q(j, l) * y(l, t);
        y(j, t) = std::fmax(y(j, t) + relaxation * gradient / problem.q(j, j), 0);
      }
    }
  }
  return y;
}

// |a - Zy|^2 - |a|^2 + 2 penalty sum |z_j| y_j of a token.
inline double objective(const Problem& problem, const Matrix& y, double penalty, int64_t t) {
  double sum = 0;
  for (int64_t j = 0; j < y.rows; j++) {
    double row = 0;
    for (int64_t l = 0; l < y.rows; l++) row += problem.q(j, l) * y(l, t);
    sum += y(j, t) * (row - 2 * problem.p(j, t) + 2 * penalty * norm(problem, j));
  }
  return sum;
}

inline double largest(const Matrix& matrix) {
  double result = 0;
  for (double value : matrix.values) result = std::fmax(result, std::fabs(value));
  return result;
}

inline Matrix filled(const Matrix& like, double value) {
  Matrix result = like;
  for (double& x : result.values) x = value;
  return result;
}

inline void check_near(const Matrix& expected, const Matrix& actual, double tolerance = kUpdated) {
  CHECK(worst_error(expected, actual, filled(expected, largest(expected))) < tolerance);
}

// What a refresh and the sums have to be for the coefficients that came out; a refresh on the
// support wants C where `support` is not zero.
inline void check_sums(const Problem& problem, const Matrix& support, const Matrix& y, int refresh,
                       const Statistics& statistics, const double* sums) {
  double cross = 0, cross_scale = 0;
  for (std::size_t i = 0; i < y.values.size(); i++) {
    cross += problem.p.values[i] * y.values[i];
    cross_scale += std::fabs(problem.p.values[i] * y.values[i]);
  }
  CHECK(std::fabs(sums[0] - cross) <= kRounding * cross_scale);
  if (refresh == SNMF4J_REFRESH_NONE) {
    CHECK(std::isnan(sums[1]));
    CHECK(std::isnan(sums[2]));
    return;
  }
  const Matrix gram = times(y, transposed(y));
  CHECK(worst_error(gram, statistics.gram(), gram) < kRounding);
  double quadratic = 0, quadratic_scale = 0, spread = 0;
  for (std::size_t i = 0; i < gram.values.size(); i++) {
    quadratic += problem.q.values[i] * gram.values[i];
    quadratic_scale += std::fabs(problem.q.values[i] * gram.values[i]);
  }
  const Matrix rows = statistics.row_sums();
  for (int64_t j = 0; j < y.rows; j++) {
    double row = 0;
    for (int64_t t = 0; t < y.columns; t++) row += y(j, t);
    CHECK(std::fabs(rows(0, j) - row) <= 1e-6 * row);
    spread += norm(problem, j) * row;
  }
  CHECK(std::fabs(sums[1] - quadratic) <= kRounding * quadratic_scale);
  CHECK(std::fabs(sums[2] - spread) <= kRounding * spread);
  if (refresh == SNMF4J_REFRESH_GRAM) return;
  const Matrix expected = times(problem.a, transposed(y));
  const Matrix scale = times(magnitudes(problem.a), transposed(y));
  const Matrix actual = statistics.cross();
  double worst = 0;
  for (std::size_t i = 0; i < expected.values.size(); i++) {
    if (refresh == SNMF4J_REFRESH_SUPPORT && support.values[i] == 0) continue;
    const double error = std::fabs(actual.values[i] - expected.values[i]);
    worst = std::fmax(worst, error == 0 ? 0 : error / scale.values[i]);
  }
  CHECK(worst < kRounding);
}

// Ways to read Y: rows scaled, or extrapolated from what was before.
struct Readings {
  static constexpr double kBeta = 0.5;

  explicit Readings(const Matrix& y)
      : scale(static_cast<std::size_t>(y.rows)),
        scaled(y),
        past(positive_matrix(y.rows, y.columns, 9)),
        ahead(y) {
    for (int64_t j = 0; j < y.rows; j++) {
      scale[static_cast<std::size_t>(j)] = 0.25 * static_cast<double>(j + 1);
      for (int64_t t = 0; t < y.columns; t++) {
        scaled(j, t) *= scale[static_cast<std::size_t>(j)];
        ahead(j, t) = std::fmax(y(j, t) + kBeta * (y(j, t) - past(j, t)), 0);
      }
    }
  }

  std::vector<double> scale;
  Matrix scaled;
  Matrix past;
  Matrix ahead;
};

struct Ran {
  Matrix y;
  double sums[3];
  Matrix cross;

  // All that there is.
  std::vector<double> numbers() const {
    std::vector<double> result = y.values;
    for (double sum : sums) result.push_back(std::isnan(sum) ? -1 : sum);
    result.insert(result.end(), cross.values.begin(), cross.values.end());
    return result;
  }
};

// A pass on fresh handles, everything about it checked but the coefficients. C is wanted on the
// support of `candidates`, too, if they are not null.
inline Ran run(const Context& context, int type, const Problem& problem,
               const snmf4j_update& update, int refresh, bool in_place = false,
               const Matrix* candidates = nullptr) {
  const Panels a(context, type, problem.a);
  const Features z(context, problem.z);
  const Features wider(context, candidates == nullptr ? problem.z : *candidates);
  const Panels y(context, SNMF4J_FLOAT32, problem.y, true);
  const Panels other(context, SNMF4J_FLOAT32, problem.y.rows, problem.y.columns);
  const Statistics statistics(context, problem.a.rows, static_cast<int>(problem.z.columns));
  const Panels& result = in_place ? y : other;
  Ran ran{problem.y, {}, problem.z};
  snmf4j_update given = update;
  if (candidates != nullptr) given.support = wider;
  INFO(std::string(snmf4j_last_message()));
  REQUIRE(snmf4j_pass(a, z, &given, y, result, refresh, statistics, ran.sums) == SNMF4J_OK);
  ran.y = result.read();
  ran.cross = statistics.cross();
  if (!in_place) check_near(problem.y, y.read(), 1e-30);
  Matrix support = problem.z;
  for (std::size_t i = 0; candidates != nullptr && i < support.values.size(); i++) {
    support.values[i] = std::fabs(support.values[i]) + std::fabs(candidates->values[i]);
  }
  check_sums(problem, support, ran.y, refresh, statistics, ran.sums);
  return ran;
}

}  // namespace test

#endif
