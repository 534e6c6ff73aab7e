// Features: in and out, winner-take-all, scaling, sparse forms.
#include <algorithm>
#include <functional>
#include <limits>

#include "session.hpp"
#include "sparse.hpp"

using namespace snmf4j;

namespace {

struct Size {
  int64_t neurons;
  int rank;
};
constexpr Size kSizes[] = {{1, 1}, {5, 3}, {33, 70}, {64, 32}, {300, 17}, {5000, 3}, {40, 400}};

void require_sparse(const Owned<snmf4j_features>& z) {
  const Floats2 values = read_features(z);
  const SparseRows rows = sparse_rows(*z);
  const SparseColumns columns = sparse_columns(*z);
  snmf4j_context* context = z->context;
  const auto total = static_cast<std::size_t>(columns.nonzeros);
  const auto start = download(context, columns.start, static_cast<std::size_t>(z->rank) + 1);
  const auto index = download(context, columns.index, total);
  const auto value = download(context, columns.value, total);
  const auto row_start = download(context, rows.start, static_cast<std::size_t>(z->neurons) + 1);
  const auto row_index = download(context, rows.index, total);
  const auto row_value = download(context, rows.value, total);
  const auto row_entry = download(context, rows.entry, total);
  CHECK(columns.rank == z->rank);
  CHECK(rows.neurons == z->neurons);
  std::size_t at = 0;
  int wrong = 0;
  for (int j = 0; j < z->rank; j++) {
    REQUIRE(start[j] == static_cast<int64_t>(at));
    for (int64_t i = 0; i < z->neurons; i++) {
      if (values(i, j) == 0) continue;
      REQUIRE(at < total);
      wrong += index[at] != i || value[at] != values(i, j);
      at++;
    }
  }
  CHECK(at == total);
  CHECK(start[z->rank] == columns.nonzeros);
  at = 0;
  for (int64_t i = 0; i < z->neurons; i++) {
    REQUIRE(row_start[i] == static_cast<int64_t>(at));
    for (int j = 0; j < z->rank; j++) {
      if (values(i, j) == 0) continue;
      const auto entry = static_cast<std::size_t>(row_entry[at]);
      REQUIRE(entry < total);
      wrong += row_index[at] != j || row_value[at] != values(i, j) || index[entry] != i;
      wrong += !(start[j] <= row_entry[at] && row_entry[at] < start[j + 1]);
      at++;
    }
  }
  CHECK(row_start[z->neurons] == columns.nonzeros);
  CHECK(wrong == 0);
}

void take_all(Floats2& values, int64_t keep) {
  for (int64_t j = 0; j < values.columns; j++) {
    std::vector<float> magnitudes;
    for (int64_t i = 0; i < values.rows; i++) magnitudes.push_back(std::fabs(values(i, j)));
    std::sort(magnitudes.begin(), magnitudes.end(), std::greater<float>());
    for (int64_t i = 0; i < values.rows; i++) {
      if (std::fabs(values(i, j)) < magnitudes[keep - 1]) values(i, j) = 0;
    }
  }
}

}  // namespace

TEST_CASE("features are zero, then what was written") {
  const auto context = open_context();
  for (const Size& size : kSizes) {
    snmf4j_features* handle = nullptr;
    ok(snmf4j_features_create(context.get(), size.neurons, size.rank, &handle));
    const Owned<snmf4j_features> z(handle);
    CHECK(read_features(z).values == Floats2(size.neurons, size.rank).values);
    require_sparse(z);
    Floats2 values = some_values(size.neurons, size.rank, 1);
    ok(snmf4j_features_write(handle, SNMF4J_FLOAT32, values.values.data(), 0, size.neurons));
    CHECK(read_features(z).values == values.values);
    // Some neurons from float64.
    const int64_t first = size.neurons / 3;
    const int64_t count = (size.neurons - first + 1) / 2;
    Doubles2 some(count, size.rank);
    for (int64_t i = 0; i < count; i++) {
      for (int j = 0; j < size.rank; j++) {
        some(i, j) = 1.0 / static_cast<double>(3 + i + j);
        values(first + i, j) = static_cast<float>(some(i, j));
      }
    }
    ok(snmf4j_features_write(handle, SNMF4J_FLOAT64, some.values.data(), first, count));
    CHECK(read_features(z).values == values.values);
    Floats2 part(count, size.rank);
    ok(snmf4j_features_read(handle, part.values.data(), first, count));
    CHECK(std::equal(part.values.begin(), part.values.end(),
                     values.values.begin() + first * size.rank));
  }
}

TEST_CASE("more neurons than are staged at a time") {
  const auto context = open_context();
  const int64_t neurons = 600;
  const int rank = 4000;
  Floats2 large(neurons, rank);
  for (std::size_t i = 0; i < large.values.size(); i++) {
    large.values[i] = static_cast<float>(i % 1000003);
  }
  const auto z = make_features(context, large);
  CHECK(read_features(z).values == large.values);
}

TEST_CASE("features that are not finite are refused") {
  const auto context = open_context();
  const auto z = make_features(context, some_values(40, 3, 3));
  Doubles2 values(40, 3);
  for (const double bad : {std::nan(""), HUGE_VAL, 1e39}) {
    values(17, 2) = bad;
    fails(SNMF4J_NON_FINITE,
          snmf4j_features_write(z.get(), SNMF4J_FLOAT64, values.values.data(), 0, 40),
          "not finite");
    CHECK(read_features(z)(16, 2) == 0);
  }
}

TEST_CASE("sparse forms hold what is not zero") {
  const auto context = open_context();
  for (const Size& size : kSizes) {
    for (const double zeros : {0.0, 0.5, 0.99}) {
      Floats2 values = some_values(size.neurons, size.rank, 4, zeros);
      for (int64_t i = 0; i < size.neurons; i++) values(i, size.rank / 2) = 0;
      const auto z = make_features(context, values);
      require_sparse(z);
      CHECK(is_dense(*z) == (z->nonzeros > size.neurons * size.rank / 4));
      // Other values are seen.
      const Floats2 other = some_values(size.neurons, size.rank, 5, 1 - zeros);
      ok(snmf4j_features_write(z.get(), SNMF4J_FLOAT32, other.values.data(), 0, size.neurons));
      require_sparse(z);
    }
  }
}

TEST_CASE("winner-take-all keeps the largest, and all that equal the last of them") {
  const auto context = open_context();
  std::mt19937 generator(6);
  for (const int64_t neurons : {1, 5, 64, 300, 3000}) {
    Floats2 values = some_values(neurons, 7, 7);
    for (int64_t i = 0; i < neurons; i++) {
      values(i, 1) = i % 2 == 0 ? 1.0f : -1.0f;
      values(i, 2) = static_cast<float>(i) - static_cast<float>(neurons) / 2;
      values(i, 3) = 0;
      values(i, 4) = static_cast<float>(generator() % 5) - 2;
      values(i, 5) *= 1e-38f;
      values(i, 6) = i % 3 == 0 ? std::numeric_limits<float>::max() : values(i, 6);
    }
    for (const int64_t keep : {int64_t{1}, int64_t{2}, neurons / 2, neurons - 1, neurons}) {
      if (keep < 1 || keep > neurons) continue;
      Floats2 expected = values;
      take_all(expected, keep);
      const auto z = make_features(context, values);
      require_sparse(z);
      ok(snmf4j_features_winner_take_all(z.get(), keep));
      CHECK(read_features(z).values == expected.values);
      require_sparse(z);
    }
  }
}

TEST_CASE("columns are scaled in float64") {
  const auto context = open_context();
  for (const Size& size : kSizes) {
    Floats2 values = some_values(size.neurons, size.rank, 8, 0.3);
    const auto z = make_features(context, values);
    std::vector<double> factors;
    for (int j = 0; j < size.rank; j++) factors.push_back(std::pow(10.0, j % 13 - 6) / 3);
    factors[static_cast<std::size_t>(size.rank / 2)] = 0;
    require_sparse(z);
    ok(snmf4j_features_scale(z.get(), factors.data()));
    for (int64_t i = 0; i < size.neurons; i++) {
      for (int j = 0; j < size.rank; j++) {
        values(i, j) = static_cast<float>(values(i, j) * factors[j]);
      }
    }
    CHECK(read_features(z).values == values.values);
    require_sparse(z);
  }
}

TEST_CASE("misuse of features is told") {
  const auto context = open_context();
  snmf4j_features* handle = nullptr;
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(nullptr, 3, 3, &handle), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context.get(), 3, 3, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context.get(), 0, 3, &handle), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context.get(), 3, 0, &handle), "rank");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context.get(), 3, 16385, &handle), "rank");
  fails(SNMF4J_OUT_OF_MEMORY, snmf4j_features_create(context.get(), INT32_MAX, 16384, &handle),
        "limit");
  CHECK(handle == nullptr);
  CHECK(snmf4j_features_destroy(nullptr) == SNMF4J_OK);
  const auto z = make_features(context, some_values(4, 2, 9));
  float values[8] = {};
  double factors[2] = {};
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(nullptr, 0, values, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z.get(), 0, nullptr, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z.get(), SNMF4J_FLOAT16, values, 0, 1),
        "type");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z.get(), 0, values, 3, 2), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z.get(), 0, values, -1, 2), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_read(nullptr, values, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_read(z.get(), nullptr, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_read(z.get(), values, 0, 5), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_winner_take_all(nullptr, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_winner_take_all(z.get(), 0), "keep");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_winner_take_all(z.get(), 5), "keep");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_scale(nullptr, factors), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_scale(z.get(), nullptr), "null");
}
