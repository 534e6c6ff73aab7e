// Packing, rounding, checking and unpacking; samples; panels that stream; misuse.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "device.hpp"

using namespace test;

namespace {

constexpr int kTypes[] = {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16};
// So little that activations of a few hundred KiB stream.
constexpr int64_t kLittle = int64_t{1} << 20;

double squares_of(const Matrix& matrix) {
  double sum = 0;
  for (double value : matrix.values) sum += value * value;
  return sum;
}

void require_equal(const Matrix& expected, const Matrix& actual) {
  REQUIRE(expected.values.size() == actual.values.size());
  int64_t different = 0;
  for (std::size_t i = 0; i < expected.values.size(); i++) {
    different += !(expected.values[i] == actual.values[i]);
  }
  CHECK(different == 0);
}

Matrix columns_of(const Matrix& matrix, int64_t stride) {
  const int64_t tiles = (matrix.columns / 64 - 1) / stride + 1;
  Matrix result(matrix.rows, tiles * 64);
  for (int64_t i = 0; i < matrix.rows; i++) {
    for (int64_t t = 0; t < result.columns; t++) {
      result(i, t) = matrix(i, t / 64 * stride * 64 + t % 64);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("rows and tokens are packed, rounded and read back") {
  for (int type : kTypes) {
    for (int panel : {64, 128, 4096}) {
      for (int64_t tokens : {1, 63, 64, 65, 333, 1000}) {
        CAPTURE(type);
        CAPTURE(panel);
        CAPTURE(tokens);
        const Context context({panel});
        const Matrix values = signed_matrix(45, tokens, 1);
        const Matrix expected = rounded(values, type);
        Panels rows(context, type, 45, tokens, false);
        double squares = 0;
        REQUIRE(snmf4j_panels_write_rows(rows, SNMF4J_FLOAT64, values.values.data(), tokens, 0, 45,
                                         &squares) == SNMF4J_OK);
        CHECK(squares == doctest::Approx(squares_of(expected)).epsilon(1e-12));
        require_equal(expected, rows.read());

        // Token after token, with more between them than the rows; in two parts.
        std::vector<float> turned(static_cast<std::size_t>(tokens * 50), NAN);
        for (int64_t t = 0; t < tokens; t++) {
          for (int64_t i = 0; i < 45; i++) {
            turned[static_cast<std::size_t>(t * 50 + i)] = static_cast<float>(values(i, t));
          }
        }
        Panels whole(context, type, 45, tokens, false);
        const int64_t first = tokens > 128 ? 128 : 0;
        double parts[2] = {};
        if (first > 0) {
          REQUIRE(snmf4j_panels_write_tokens(whole, SNMF4J_FLOAT32, turned.data(), 50, 0, first,
                                             &parts[0]) == SNMF4J_OK);
        }
        REQUIRE(snmf4j_panels_write_tokens(whole, SNMF4J_FLOAT32, turned.data() + first * 50, 50,
                                           first, tokens - first, &parts[1]) == SNMF4J_OK);
        CHECK(parts[0] + parts[1] == doctest::Approx(squares).epsilon(1e-12));
        require_equal(expected, whole.read());
      }
    }
  }
}

TEST_CASE("every 16-bit number survives, and halves are rounded to even") {
  for (int type : {SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
    const Context context;
    const int64_t n = 20000;
    Matrix values(1, n);
    std::mt19937 generator(7);
    for (double& value : values.values) {
      // Numbers of all sizes, half of them between two elements.
      const double mantissa = static_cast<double>(generator() % 8192) / 4096;
      value = std::ldexp(generator() % 2 == 0 ? mantissa : -mantissa,
                         static_cast<int>(generator() % 44) - 30);
      if (std::isinf(rounded(value, type))) value = 1;
    }
    Panels panels(context, type, values);
    require_equal(rounded(values, type), panels.read());
  }
}

TEST_CASE("what cannot be stored is refused and does no harm") {
  for (int type : kTypes) {
    const Context context;
    const Matrix good = signed_matrix(5, 200, 2);
    Panels panels(context, type, good);
    for (double bad : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL, -HUGE_VAL, 1e300, 5e18,
                       -1e39, 65520.0}) {
      if (bad == 65520.0 && type != SNMF4J_FLOAT16) continue;
      CAPTURE(bad);
      Matrix values = good;
      values(3, 170) = bad;
      CHECK(snmf4j_panels_write_rows(panels, SNMF4J_FLOAT64, values.values.data(), 200, 0, 5,
                                     nullptr) == SNMF4J_NON_FINITE);
      CHECK(message_has("not finite"));
    }
    panels.write(good);
    require_equal(rounded(good, type), panels.read());
  }
}

TEST_CASE("some rows are written and read among others") {
  const Context context({64});
  const Matrix first = signed_matrix(9, 150, 3);
  Panels panels(context, SNMF4J_FLOAT32, first);
  const std::vector<float> sevens(2 * 160, 7);
  double squares = 0;
  REQUIRE(snmf4j_panels_write_rows(panels, SNMF4J_FLOAT32, sevens.data(), 160, 4, 2, &squares) ==
          SNMF4J_OK);
  CHECK(squares == 49 * 300);
  std::vector<float> read(4 * 151, -1);
  REQUIRE(snmf4j_panels_read_rows(panels, read.data(), 151, 3, 4) == SNMF4J_OK);
  for (int64_t t = 0; t < 150; t++) {
    CHECK(read[static_cast<std::size_t>(t)] == first(3, t));
    CHECK(read[static_cast<std::size_t>(151 + t)] == 7);
    CHECK(read[static_cast<std::size_t>(302 + t)] == 7);
    CHECK(read[static_cast<std::size_t>(453 + t)] == first(6, t));
  }
  CHECK(read[150] == -1);
}

TEST_CASE("what does not fit waits in the host's memory, and nobody sees a difference") {
  for (int type : kTypes) {
    CAPTURE(type);
    const Context context({64, false, kLittle});
    // Larger than the limit, whatever the type, and than what is moved at a time.
    const Matrix values = signed_matrix(500, 1333, 4);
    const int64_t before = context.used();
    Panels panels(context, type, values);
    CHECK(context.used() - before < kLittle / 2);
    const Matrix expected = rounded(values, type);
    require_equal(expected, panels.read());
    std::vector<float> turned(static_cast<std::size_t>(values.rows * values.columns));
    for (int64_t t = 0; t < values.columns; t++) {
      for (int64_t i = 0; i < values.rows; i++) {
        turned[static_cast<std::size_t>(t * values.rows + i)] = static_cast<float>(values(i, t));
      }
    }
    REQUIRE(snmf4j_panels_write_tokens(panels, SNMF4J_FLOAT32, turned.data(), values.rows, 0,
                                       values.columns, nullptr) == SNMF4J_OK);
    require_equal(expected, panels.read());
  }
}

TEST_CASE("coefficients have to fit the device") {
  const Context context({64, false, kLittle});
  snmf4j_panels* panels = nullptr;
  CHECK(snmf4j_panels_create(context, SNMF4J_FLOAT32, 1000, 1000, 1, &panels) ==
        SNMF4J_OUT_OF_MEMORY);
  CHECK(message_has("limit"));
  CHECK(panels == nullptr);
  // And the context is none the worse.
  const Matrix values = signed_matrix(10, 100, 5);
  const Panels some(context, SNMF4J_FLOAT32, values);
  require_equal(values, some.read());
}

TEST_CASE("samples are every so many tiles, and follow their origin") {
  for (int type : kTypes) {
    for (int64_t limit : {int64_t{0}, kLittle}) {
      CAPTURE(type);
      CAPTURE(limit);
      const Context context({192, false, limit});
      const Matrix values = signed_matrix(300, 64 * 14 + 10, 6);
      Panels panels(context, type, values);
      for (int64_t stride : {int64_t{1}, int64_t{3}, int64_t{13}, int64_t{14}, INT64_MAX}) {
        CAPTURE(stride);
        const Matrix expected = columns_of(rounded(values, type), stride);
        double squares = 0;
        const Panels sample(panels, stride, &squares);
        CHECK(snmf4j_panels_tokens(sample) == expected.columns);
        require_equal(expected, sample.read());
        CHECK(squares == doctest::Approx(squares_of(expected)).epsilon(1e-12));
        CHECK(snmf4j_panels_write_rows(sample, SNMF4J_FLOAT64, values.values.data(),
                                       values.columns, 0, 1, nullptr) == SNMF4J_INVALID_ARGUMENT);
      }
      const Panels sample(panels, 2);
      const Panels of_sample(sample, 2);
      const Matrix others = signed_matrix(300, values.columns, 7);
      panels.write(others);
      require_equal(columns_of(rounded(others, type), 4), of_sample.read());
      require_equal(columns_of(rounded(others, type), 2), sample.read());
    }
  }
}

TEST_CASE("a sample of less than a tile is all of it") {
  const Context context;
  const Matrix values = signed_matrix(3, 40, 8);
  const Panels panels(context, SNMF4J_BFLOAT16, values);
  const Panels sample(panels, 5);
  require_equal(rounded(values, SNMF4J_BFLOAT16), sample.read());
}

TEST_CASE("wrong arguments are refused") {
  const Context context;
  snmf4j_panels* made = nullptr;
  CHECK(snmf4j_panels_create(nullptr, SNMF4J_FLOAT32, 1, 1, 1, &made) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_create(context, SNMF4J_FLOAT32, 1, 1, 1, nullptr) ==
        SNMF4J_INVALID_ARGUMENT);
  for (int type : {int{SNMF4J_FLOAT64}, -1, 4}) {
    CHECK(snmf4j_panels_create(context, type, 1, 1, 1, &made) == SNMF4J_INVALID_ARGUMENT);
  }
  for (int64_t bad : {int64_t{0}, int64_t{-1}, INT64_MAX}) {
    CHECK(snmf4j_panels_create(context, SNMF4J_FLOAT32, bad, 1, 1, &made) ==
          SNMF4J_INVALID_ARGUMENT);
    CHECK(snmf4j_panels_create(context, SNMF4J_FLOAT32, 1, bad, 1, &made) ==
          SNMF4J_INVALID_ARGUMENT);
  }
  for (int clear : {0, 1}) {
    CHECK(snmf4j_panels_create(context, SNMF4J_FLOAT32, INT32_MAX, int64_t{1} << 48, clear,
                               &made) == SNMF4J_OUT_OF_MEMORY);
    CHECK(snmf4j_panels_create(context, SNMF4J_FLOAT32, 1 << 20, 1 << 30, clear, &made) ==
          SNMF4J_OUT_OF_MEMORY);
  }
  CHECK(made == nullptr);

  const Panels panels(context, SNMF4J_FLOAT32, 5, 100);
  std::vector<float> room(1000);
  const auto write = [&](snmf4j_panels* p, int type, const void* from, int64_t stride, int64_t row,
                         int64_t rows) {
    return snmf4j_panels_write_rows(p, type, from, stride, row, rows, nullptr);
  };
  CHECK(write(nullptr, 0, room.data(), 100, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, 0, nullptr, 100, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, SNMF4J_FLOAT16, room.data(), 100, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, 0, room.data(), 99, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, 0, room.data(), 100, -1, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, 0, room.data(), 100, 5, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, 0, room.data(), 100, 1, INT64_MAX) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write(panels, 0, room.data(), 100, 0, 0) == SNMF4J_INVALID_ARGUMENT);
  const auto write_tokens = [&](int64_t stride, int64_t token, int64_t tokens) {
    return snmf4j_panels_write_tokens(panels, 0, room.data(), stride, token, tokens, nullptr);
  };
  CHECK(write_tokens(4, 0, 64) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write_tokens(5, 1, 64) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write_tokens(5, 0, 65) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write_tokens(5, 64, 64) == SNMF4J_INVALID_ARGUMENT);
  CHECK(write_tokens(5, 64, 36) == SNMF4J_OK);
  CHECK(snmf4j_panels_read_rows(panels, nullptr, 100, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_read_rows(nullptr, room.data(), 100, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_read_rows(panels, room.data(), 99, 0, 1) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_read_rows(panels, room.data(), 100, 4, 2) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_sample(panels, 0, &made, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_sample(nullptr, 1, &made, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_sample(panels, 1, nullptr, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_panels_tokens(nullptr) == 0);
  CHECK(snmf4j_panels_destroy(nullptr) == SNMF4J_OK);
}
