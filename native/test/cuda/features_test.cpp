// Features: in and out, winner-take-all, scaling, sparse forms.
#include <algorithm>
#include <functional>
#include <limits>

#include "device.hpp"
#include "sparse.hpp"

using namespace snmf4j;
using namespace test;

namespace {

struct Size {
  int64_t neurons;
  int rank;
};
constexpr Size kSizes[] = {{1, 1}, {5, 3}, {33, 70}, {64, 32}, {300, 17}, {5000, 3}, {40, 400}};

// What the device holds.
template <typename T>
std::vector<T> download(snmf4j_context* context, const T* from, std::size_t size) {
  std::vector<T> result(size);
  context->stream.download(result.data(), from, size * sizeof(T));
  context->stream.finish();
  return result;
}

void require_sparse(const Features& features) {
  const Matrix values = features.read();
  snmf4j_features* z = features;
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

void take_all(Matrix& values, int64_t keep) {
  for (int64_t j = 0; j < values.columns; j++) {
    std::vector<double> sizes;
    for (int64_t i = 0; i < values.rows; i++) sizes.push_back(std::fabs(values(i, j)));
    std::sort(sizes.begin(), sizes.end(), std::greater<double>());
    for (int64_t i = 0; i < values.rows; i++) {
      if (std::fabs(values(i, j)) < sizes[keep - 1]) values(i, j) = 0;
    }
  }
}

}  // namespace

TEST_CASE("features are zero, then what was written") {
  const Context context;
  for (const Size& size : kSizes) {
    const Features z(context, size.neurons, size.rank);
    CHECK(z.read().values == Matrix(size.neurons, size.rank).values);
    require_sparse(z);
    Matrix values = signed_matrix(size.neurons, size.rank, 1);
    CHECK(snmf4j_features_write(z, SNMF4J_FLOAT32, values.floats().data(), 0, size.neurons) == 0);
    CHECK(z.read().values == values.values);
    // Some neurons from float64.
    const int64_t first = size.neurons / 3;
    const int64_t count = (size.neurons - first + 1) / 2;
    Matrix some(count, size.rank);
    for (int64_t i = 0; i < count; i++) {
      for (int j = 0; j < size.rank; j++) {
        some(i, j) = 1.0 / static_cast<double>(3 + i + j);
        values(first + i, j) = static_cast<float>(some(i, j));
      }
    }
    CHECK(SNMF4J_OK == snmf4j_features_write(z, SNMF4J_FLOAT64, some.values.data(), first, count));
    CHECK(z.read().values == values.values);
    std::vector<float> part(static_cast<std::size_t>(count * size.rank));
    CHECK(SNMF4J_OK == snmf4j_features_read(z, part.data(), first, count));
    CHECK(std::equal(part.begin(), part.end(),
                     values.values.begin() + first * size.rank));
  }
}

TEST_CASE("more neurons than are staged at a time") {
  const Context context;
  const int64_t neurons = 600;
  const int rank = 4000;
  Matrix large(neurons, rank);
  for (std::size_t i = 0; i < large.values.size(); i++) {
    large.values[i] = static_cast<double>(i % 1000003);
  }
  const Features z(context, large);
  CHECK(z.read().values == large.values);
}

TEST_CASE("features that are not finite are refused") {
  const Context context;
  const Features z(context, signed_matrix(40, 3, 3));
  Matrix values(40, 3);
  for (const double bad : {std::nan(""), HUGE_VAL, 1e39}) {
    values(17, 2) = bad;
    fails(SNMF4J_NON_FINITE,
          snmf4j_features_write(z, SNMF4J_FLOAT64, values.values.data(), 0, 40),
          "not finite");
    CHECK(z.read()(16, 2) == 0);
  }
}

TEST_CASE("sparse forms hold what is not zero") {
  const Context context;
  for (const Size& size : kSizes) {
    for (const double zeros : {0.0, 0.5, 0.99}) {
      Matrix values = sparse_matrix(size.neurons, size.rank, 4, zeros);
      for (int64_t i = 0; i < size.neurons; i++) values(i, size.rank / 2) = 0;
      const Features z(context, values);
      require_sparse(z);
      snmf4j_features* handle = z;
      CHECK(is_dense(*handle) == (handle->nonzeros > size.neurons * size.rank / 4));
      // Other values are seen.
      const Matrix other = sparse_matrix(size.neurons, size.rank, 5, 1 - zeros);
      CHECK(SNMF4J_OK == snmf4j_features_write(z, SNMF4J_FLOAT64, other.values.data(), 0, size.neurons));
      require_sparse(z);
    }
  }
}

TEST_CASE("winner-take-all keeps the largest, and all that equal the last of them") {
  const Context context;
  std::mt19937 generator(6);
  for (const int64_t neurons : {1, 5, 64, 300, 3000}) {
    Matrix values = signed_matrix(neurons, 7, 7);
    for (int64_t i = 0; i < neurons; i++) {
      values(i, 1) = i % 2 == 0 ? 1 : -1;
      values(i, 2) = static_cast<double>(i) - static_cast<double>(neurons) / 2;
      values(i, 3) = 0;
      values(i, 4) = static_cast<double>(generator() % 5) - 2;
      values(i, 5) = static_cast<float>(values(i, 5) * 1e-38);
      values(i, 6) = i % 3 == 0 ? std::numeric_limits<float>::max() : values(i, 6);
    }
    for (const int64_t keep : {int64_t{1}, int64_t{2}, neurons / 2, neurons - 1, neurons}) {
      if (keep < 1 || keep > neurons) continue;
      Matrix expected = values;
      take_all(expected, keep);
      const Features z(context, values);
      require_sparse(z);
      CHECK(SNMF4J_OK == snmf4j_features_winner_take_all(z, keep));
      CHECK(z.read().values == expected.values);
      require_sparse(z);
    }
  }
}

TEST_CASE("columns are scaled in float64") {
  const Context context;
  for (const Size& size : kSizes) {
    Matrix values = sparse_matrix(size.neurons, size.rank, 8, 0.3);
    const Features z(context, values);
    std::vector<double> factors;
    for (int j = 0; j < size.rank; j++) factors.push_back(std::pow(10.0, j % 13 - 6) / 3);
    factors[static_cast<std::size_t>(size.rank / 2)] = 0;
    require_sparse(z);
    CHECK(SNMF4J_OK == snmf4j_features_scale(z, factors.data()));
    for (int64_t i = 0; i < size.neurons; i++) {
      for (int j = 0; j < size.rank; j++) {
        values(i, j) = static_cast<float>(values(i, j) * factors[j]);
      }
    }
    CHECK(z.read().values == values.values);
    require_sparse(z);
  }
}

TEST_CASE("misuse of features is told") {
  const Context context;
  snmf4j_features* handle = nullptr;
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(nullptr, 3, 3, &handle), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context, 3, 3, nullptr), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context, 0, 3, &handle), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context, 3, 0, &handle), "rank");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_create(context, 3, 16385, &handle), "rank");
  fails(SNMF4J_OUT_OF_MEMORY, snmf4j_features_create(context, INT32_MAX, 16384, &handle),
        "limit");
  CHECK(handle == nullptr);
  CHECK(snmf4j_features_destroy(nullptr) == SNMF4J_OK);
  const Features z(context, signed_matrix(4, 2, 9));
  float values[8] = {};
  double factors[2] = {};
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(nullptr, 0, values, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z, 0, nullptr, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z, SNMF4J_FLOAT16, values, 0, 1),
        "type");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z, 0, values, 3, 2), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_write(z, 0, values, -1, 2), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_read(nullptr, values, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_read(z, nullptr, 0, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_read(z, values, 0, 5), "neurons");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_winner_take_all(nullptr, 1), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_winner_take_all(z, 0), "keep");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_winner_take_all(z, 5), "keep");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_scale(nullptr, factors), "null");
  fails(SNMF4J_INVALID_ARGUMENT, snmf4j_features_scale(z, nullptr), "null");
}
