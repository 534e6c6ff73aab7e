// C = AY', G = YY' and the sums of Y's rows.
#include "device.hpp"

using namespace test;

namespace {

struct Size {
  int64_t neurons, tokens;
  int rank;
};

// With G's rounding: 256 products in float32, those in float64, the sum to float32.
constexpr double kGram = 1e-6;
constexpr double kCross = 2e-5;

void require_gram(const Matrix& y, const Statistics& s) {
  const Matrix expected = times(y, transposed(y));
  Matrix scale(y.rows, y.rows);
  for (int64_t i = 0; i < y.rows; i++) {
    for (int64_t j = 0; j < y.rows; j++) scale(i, j) = std::sqrt(expected(i, i) * expected(j, j));
  }
  const Matrix gram = s.gram();
  CHECK(worst_error(expected, gram, scale) <= kGram);
  CHECK(gram.values == transposed(gram).values);
  const Matrix sums = s.row_sums();
  for (int64_t j = 0; j < y.rows; j++) {
    double sum = 0, size = 0;
    for (int64_t t = 0; t < y.columns; t++) {
      sum += y(j, t);
      size += std::fabs(y(j, t));
    }
    CHECK(std::fabs(sums(0, j) - sum) <= (0x1p-24 + 1e-12) * size);
  }
}

void require_statistics(const Matrix& a, const Matrix& y, const Statistics& s,
                        double cross_error = kCross) {
  const Matrix yt = transposed(y);
  CHECK(worst_error(times(a, yt), s.cross(), times(magnitudes(a), magnitudes(yt))) <= cross_error);
  require_gram(y, s);
}

}  // namespace

TEST_CASE("statistics are those of plain loops, for every element type and way to multiply") {
  const Size sizes[] = {{1, 1, 1}, {5, 63, 3}, {40, 64, 17}, {33, 200, 65}, {97, 700, 130}};
  for (const int panel : {64, 128, 4096}) {
    for (const int dense : {SNMF4J_DENSE_FP32, SNMF4J_DENSE_TF32, SNMF4J_DENSE_SPLIT}) {
      Options options;
      options.panel = panel;
      options.dense = dense;
      const Context context(options);
      for (const Size& size : sizes) {
        for (const int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
          CAPTURE(dense);
          CAPTURE(type);
          CAPTURE(size.tokens);
          const Matrix values = rounded(signed_matrix(size.neurons, size.tokens, 1), type);
          const Matrix coefficients = positive_matrix(size.rank, size.tokens, 2);
          const Panels a(context, type, values);
          const Panels y(context, SNMF4J_FLOAT32, coefficients, true);
          const Statistics s(context, size.neurons, size.rank);
          // A second call starts from nothing instead of adding up.
          for (int run = 0; run < 2; run++) {
            REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
            require_statistics(values, coefficients, s, product_error(kCross, dense, type));
          }
        }
      }
    }
  }
}

TEST_CASE("activations that stream give the same bits") {
  const Matrix values = signed_matrix(600, 1500, 3);
  const Matrix coefficients = signed_matrix(7, 1500, 4);
  Options options;
  options.limit = int64_t{3} << 20;
  const Context small(options), large;
  Matrix results[2] = {Matrix(1, 1), Matrix(1, 1)};
  for (const Context* context : {&small, &large}) {
    const Panels a(*context, SNMF4J_FLOAT32, values);
    const Panels y(*context, SNMF4J_FLOAT32, coefficients, true);
    const Statistics s(*context, 600, 7);
    REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
    require_statistics(values, coefficients, s);
    results[context == &large] = s.cross();
  }
  CHECK(results[0].values == results[1].values);
}

TEST_CASE("Gram matrices over many tokens are exact enough") {
  // Around a thousand tokens, and multiples of that for one block and several.
  const Size sizes[] = {{1, 1023, 5}, {1, 1024, 64}, {1, 1025, 33}, {1, 7001, 70}, {1, 50000, 2}};
  for (const int panel : {640, 4096}) {
    Options options;
    options.panel = panel;
    const Context context(options);
    for (const Size& size : sizes) {
      const Panels a(context, SNMF4J_FLOAT32, Matrix(1, size.tokens));
      const Statistics s(context, 1, size.rank);
      for (const Matrix& values : {positive_matrix(size.rank, size.tokens, 5),
                                   signed_matrix(size.rank, size.tokens, 6)}) {
        const Panels y(context, SNMF4J_FLOAT32, values, true);
        REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
        require_gram(values, s);
      }
    }
  }
}

TEST_CASE("sums of integers are exact") {
  const Context context;
  Matrix values(2, 20000);
  for (int64_t t = 0; t < values.columns; t++) {
    values(0, t) = static_cast<double>(1 + t % 97);
    values(1, t) = -static_cast<double>(t % 89);
  }
  const Panels a(context, SNMF4J_FLOAT32, Matrix(1, values.columns));
  const Panels y(context, SNMF4J_FLOAT32, values, true);
  const Statistics s(context, 1, 2);
  REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
  const Matrix expected = times(values, transposed(values));
  for (std::size_t i = 0; i < 4; i++) {
    CHECK(s.gram().values[i] == static_cast<float>(expected.values[i]));
  }
}

TEST_CASE("new statistics are zero, and parts of C can be read") {
  const Context context;
  const Statistics s(context, 20, 18);
  CHECK(s.cross().values == Matrix(20, 18).values);
  CHECK(s.gram().values == Matrix(18, 18).values);
  CHECK(s.row_sums().values == Matrix(1, 18).values);
  const Panels a(context, SNMF4J_FLOAT32, signed_matrix(20, 70, 7));
  const Panels y(context, SNMF4J_FLOAT32, signed_matrix(18, 70, 8), true);
  REQUIRE(snmf4j_dense_statistics(a, y, s) == SNMF4J_OK);
  std::vector<float> part(5 * 18);
  REQUIRE(snmf4j_statistics_cross(s, part.data(), 11, 5) == SNMF4J_OK);
  const Matrix cross = s.cross();
  for (std::size_t i = 0; i < part.size(); i++) CHECK(part[i] == cross.values[11 * 18 + i]);
}

TEST_CASE("misuse of statistics is told") {
  const Context context, other;
  snmf4j_statistics* handle = nullptr;
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_create(nullptr, 3, 3, &handle), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_create(context, 3, 3, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_create(context, 0, 3, &handle), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_create(context, 3, 0, &handle), "rank");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_create(context, 3, 16385, &handle), "rank");
  fails(SNMF4J_OUT_OF_MEMORY, snmf4j_statistics_create(context, INT32_MAX, 16384, &handle),
        "limit");
  CHECK(handle == nullptr);
  CHECK(snmf4j_statistics_destroy(nullptr) == SNMF4J_OK);
  const Statistics s(context, 3, 2), wide(context, 3, 3), high(context, 4, 2), foreign(other, 3, 2);
  double values[9];
  float floats[9];
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_gram(nullptr, values), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_gram(s, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_row_sums(nullptr, values), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_row_sums(s, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_cross(nullptr, floats, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_cross(s, nullptr, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_statistics_cross(s, floats, 2, 2), "neurons");
  const Panels a(context, SNMF4J_FLOAT32, Matrix(3, 70));
  const Panels y(context, SNMF4J_FLOAT32, Matrix(2, 70), true);
  const Panels shorter(context, SNMF4J_FLOAT32, Matrix(2, 69), true);
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(nullptr, y, s), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(a, nullptr, s), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(a, y, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(a, shorter, s), "tokens");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(a, y, wide), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(a, y, high), "shapes");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_dense_statistics(a, y, foreign), "context");
}
