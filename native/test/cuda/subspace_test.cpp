// Orthonormal bases, products of features, and activations in the coordinates of a basis.
#include <algorithm>
#include <initializer_list>

#include "device.hpp"

using namespace test;

namespace {

constexpr double kProduct = 2e-5;

bool in(std::initializer_list<int64_t> some, int64_t j) {
  return std::find(some.begin(), some.end(), j) != some.end();
}

// The basis that Gram and Schmidt find, twice over; columns that depend on those before are zero.
Matrix gram_schmidt(Matrix z, std::initializer_list<int64_t> dependent) {
  for (int64_t j = 0; j < z.columns; j++) {
    for (int run = 0; run < 2; run++) {
      for (int64_t l = 0; l < j; l++) {
        double share = 0;
        for (int64_t i = 0; i < z.rows; i++) share += z(i, l) * z(i, j);
        for (int64_t i = 0; i < z.rows; i++) z(i, j) -= share * z(i, l);
      }
      double square = 0;
      for (int64_t i = 0; i < z.rows; i++) square += z(i, j) * z(i, j);
      const double scale = in(dependent, j) ? 0 : 1 / std::sqrt(square);
      for (int64_t i = 0; i < z.rows; i++) z(i, j) *= scale;
    }
  }
  return z;
}

void require_basis(const Context& context, const Matrix& values,
                   std::initializer_list<int64_t> dependent = {}, double allowed = 1e-6) {
  const Features z(context, values);
  REQUIRE(snmf4j_features_orthonormalize(z) == SNMF4J_OK);
  const Matrix expected = gram_schmidt(values, dependent);
  const Matrix actual = z.read();
  double worst = 0;
  for (std::size_t i = 0; i < expected.values.size(); i++) {
    worst = std::max(worst, std::fabs(expected.values[i] - actual.values[i]));
  }
  CHECK(worst <= allowed);
  const Matrix inner = times(transposed(actual), actual);
  for (int64_t j = 0; j < inner.rows; j++) {
    for (int64_t l = 0; l < inner.rows; l++) {
      const double one = j == l && !in(dependent, j) ? 1 : 0;
      REQUIRE(std::fabs(inner(j, l) - one) <= 1e-6);
    }
    if (!in(dependent, j)) continue;
    for (int64_t i = 0; i < actual.rows; i++) REQUIRE(actual(i, j) == 0);
  }
}

Matrix orthonormal(const Context& context, int64_t neurons, int rank, unsigned seed) {
  const Features z(context, signed_matrix(neurons, rank, seed));
  REQUIRE(snmf4j_features_orthonormalize(z) == SNMF4J_OK);
  return z.read();
}

}  // namespace

TEST_CASE("columns become orthonormal in their order") {
  const Context context;
  require_basis(context, signed_matrix(1, 1, 1));
  require_basis(context, signed_matrix(5, 5, 2), {}, 1e-4);
  require_basis(context, signed_matrix(65, 17, 3));
  require_basis(context, signed_matrix(300, 64, 4));
  require_basis(context, signed_matrix(300, 65, 5));
  require_basis(context, signed_matrix(400, 150, 6));
}

TEST_CASE("columns that depend on others become zero") {
  const Context context;
  for (const int rank : {9, 90}) {
    Matrix z = signed_matrix(130, rank, 7);
    for (int64_t i = 0; i < z.rows; i++) {
      z(i, 0) = 0;
      z(i, 4) = -3 * z(i, 2);
      // What rounding leaves of it counts as nothing.
      z(i, rank - 2) = static_cast<float>(z(i, 2) - 0.7 * z(i, 3) + 1.3 * z(i, 6));
      z(i, rank - 1) = 0;
    }
    require_basis(context, z, {0, 4, rank - 2, rank - 1});
  }
  require_basis(context, Matrix(70, 3), {0, 1, 2});
  require_basis(context, signed_matrix(3, 5, 8), {3, 4}, 1e-4);
}

TEST_CASE("nearly dependent columns are kept, of any size") {
  const Context context;
  Matrix z = signed_matrix(300, 30, 9);
  for (int64_t j = 1; j < 30; j += 3) {
    for (int64_t i = 0; i < z.rows; i++) {
      z(i, j) = static_cast<float>(z(i, j - 1) + 1e-4 * z(i, j));
    }
  }
  require_basis(context, z);
  for (int64_t i = 0; i < z.rows; i++) {
    for (int64_t j = 0; j < 30; j++) {
      z(i, j) = static_cast<float>(z(i, j) * (j % 2 == 0 ? 1e-18 : 1e15));
    }
  }
  require_basis(context, z);
}

TEST_CASE("the largest features have a basis") {
  const Context context;
  // Squares are float64's.
  Matrix z = signed_matrix(20, 3, 10);
  for (double& value : z.values) value = value > 0 ? 3e38 : -1e38;
  require_basis(context, z);
}

TEST_CASE("features are multiplied") {
  const Context context;
  for (const int inner : {1, 7, 97}) {
    for (const int rank : {1, 16, 33}) {
      const Matrix left = signed_matrix(70, inner, 11), right = signed_matrix(inner, rank, 12);
      const Features first(context, left), second(context, right);
      const Features result(context, signed_matrix(70, rank, 13));
      REQUIRE(snmf4j_features_multiply(first, second, result) == SNMF4J_OK);
      CHECK(worst_error(times(left, right), result.read(),
                        times(magnitudes(left), magnitudes(right))) <= kProduct);
      CHECK(first.read().values == left.values);
      CHECK(second.read().values == right.values);
    }
  }
}

TEST_CASE("activations are compressed, whatever they are stored as") {
  for (const int dense : {SNMF4J_DENSE_FP32, SNMF4J_DENSE_TF32, SNMF4J_DENSE_SPLIT}) {
    for (const int panel : {64, 128, 4096}) {
      Options options;
      options.dense = dense;
      options.panel = panel;
      const Context context(options);
      for (const int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
        CAPTURE(dense);
        CAPTURE(type);
        const Matrix values = rounded(signed_matrix(97, 300, 14), type);
        const Panels a(context, type, values);
        const Matrix u = orthonormal(context, 97, 13, 15);
        const Features basis(context, u);
        snmf4j_panels* compressed = nullptr;
        double squares = 0;
        REQUIRE(snmf4j_compress(a, basis, &compressed, &squares) == SNMF4J_OK);
        std::vector<float> held(13 * 300);
        REQUIRE(snmf4j_panels_read_rows(compressed, held.data(), 300, 0, 13) == SNMF4J_OK);
        Matrix actual(13, 300);
        actual.values.assign(held.begin(), held.end());
        const Matrix ut = transposed(u);
        CHECK(worst_error(times(ut, values), actual, times(magnitudes(ut), magnitudes(values))) <=
              product_error(kProduct, dense, type));
        double expected = 0;
        for (const double value : actual.values) expected += value * value;
        CHECK(std::fabs(squares - expected) <= 1e-12 * expected);
        CHECK(snmf4j_panels_tokens(compressed) == 300);
        CHECK(snmf4j_panels_destroy(compressed) == SNMF4J_OK);
      }
    }
  }
}

TEST_CASE("activations that stream are compressed to ones that do, or not") {
  Options options;
  options.limit = int64_t{3} << 20;
  const Context context(options);
  for (const int rank : {7, 500}) {
    const Matrix values = signed_matrix(600, 1500, 16);
    const Panels a(context, SNMF4J_FLOAT32, values);
    Matrix u(600, rank);
    for (int j = 0; j < rank; j++) u(j, j) = 2;
    const Features basis(context, u);
    snmf4j_panels* compressed = nullptr;
    double squares = 0;
    REQUIRE(snmf4j_compress(a, basis, &compressed, &squares) == SNMF4J_OK);
    std::vector<float> held(static_cast<std::size_t>(rank) * 1500);
    REQUIRE(snmf4j_panels_read_rows(compressed, held.data(), 1500, 0, rank) == SNMF4J_OK);
    double expected = 0;
    int wrong = 0;
    for (std::size_t i = 0; i < held.size(); i++) {
      expected += static_cast<double>(held[i]) * held[i];
      wrong += held[i] != 2 * static_cast<float>(values.values[i]);
    }
    CHECK(wrong == 0);
    CHECK(std::fabs(squares - expected) <= 1e-12 * expected);
    CHECK(snmf4j_panels_destroy(compressed) == SNMF4J_OK);
  }
}

TEST_CASE("statistics are expanded") {
  const Context context;
  for (const int rank : {1, 16, 37}) {
    const Matrix narrow = signed_matrix(13, 130, 17), y_values = signed_matrix(rank, 130, 18);
    const Panels a(context, SNMF4J_FLOAT32, narrow), y(context, SNMF4J_FLOAT32, y_values, true);
    const Panels other(context, SNMF4J_FLOAT32, signed_matrix(97, 130, 19));
    const Matrix u = orthonormal(context, 97, 13, 20);
    const Features basis(context, u);
    const Statistics s(context, 13, rank), expanded(context, 97, rank);
    REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
    REQUIRE(snmf4j_dense_statistics(other, y, expanded) == SNMF4J_OK);
    REQUIRE(snmf4j_expand(basis, s, expanded) == SNMF4J_OK);
    const Matrix cross = s.cross();
    CHECK(worst_error(times(u, cross), expanded.cross(),
                      times(magnitudes(u), magnitudes(cross))) <= kProduct);
    CHECK(expanded.gram().values == s.gram().values);
    CHECK(expanded.row_sums().values == s.row_sums().values);
  }
}

TEST_CASE("misuse of subspaces is told") {
  const Context context, foreign_context;
  const Features u(context, 5, 3), square(context, 3, 3), other(context, 5, 3);
  const Features foreign(foreign_context, 5, 3), high(context, 6, 3);
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_orthonormalize(nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(nullptr, square, other), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(u, nullptr, other), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(u, square, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(u, other, other), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(u, square, high), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(u, square, u), "factor");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_multiply(u, square, foreign), "context");
  const Panels a(context, SNMF4J_FLOAT32, Matrix(5, 70));
  snmf4j_panels* result = nullptr;
  double squares = 0;
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_compress(nullptr, u, &result, &squares), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_compress(a, nullptr, &result, &squares), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_compress(a, u, nullptr, &squares), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_compress(a, u, &result, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_compress(a, high, &result, &squares), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_compress(a, foreign, &result, &squares), "context");
  const Statistics narrow(context, 3, 4), wide(context, 5, 4), more(context, 5, 5);
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_expand(nullptr, narrow, wide), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_expand(u, nullptr, wide), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_expand(u, narrow, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_expand(u, narrow, more), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_expand(foreign, narrow, wide), "context");
  const Statistics same(context, 3, 3);
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_expand(square, same, same), "coordinates");
}
