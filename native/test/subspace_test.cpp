// Bases of subspaces and what is compressed to them: the kernel and the C interface.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "handles.hpp"
#include "random.hpp"
#include "snmf4j/cpu.h"
#include "stored.hpp"

using namespace snmf4j;

namespace {

bool message_has(const char* part) {
  return std::string(snmf4j_last_message()).find(part) != std::string::npos;
}

// Handles of the shapes d, n, k and a basis of width r.
struct Spaces {
  explicit Spaces(int threads = 2, int isa = SNMF4J_ISA_BEST, int type = SNMF4J_FLOAT32) {
    REQUIRE(snmf4j_context_create(threads, isa, SNMF4J_OPENBLAS, &context) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, type, d, n, 0, &a) == SNMF4J_OK);
    REQUIRE(snmf4j_panels_create(context, SNMF4J_FLOAT32, k, n, 1, &y) == SNMF4J_OK);
    REQUIRE(snmf4j_features_create(context, d, r, &basis) == SNMF4J_OK);
    REQUIRE(snmf4j_features_create(context, r, k, &mix) == SNMF4J_OK);
    REQUIRE(snmf4j_features_create(context, d, k, &z) == SNMF4J_OK);
    REQUIRE(snmf4j_statistics_create(context, r, k, &coordinates) == SNMF4J_OK);
    REQUIRE(snmf4j_statistics_create(context, d, k, &statistics) == SNMF4J_OK);
    Floats values = Floats::signed_values(d * n, 1);
    REQUIRE(snmf4j_panels_write_rows(a, SNMF4J_FLOAT32, values.data(), n, 0, d, &norm) ==
            SNMF4J_OK);
    Floats start = Floats::positive_values(k * n, 2);
    REQUIRE(snmf4j_panels_write_rows(y, SNMF4J_FLOAT32, start.data(), n, 0, k, nullptr) ==
            SNMF4J_OK);
    write(basis, d, r, 3);
    write(mix, r, k, 4);
  }
  ~Spaces() {
    snmf4j_panels_destroy(a);
    snmf4j_panels_destroy(y);
    for (snmf4j_features* features : {basis, mix, z}) snmf4j_features_destroy(features);
    snmf4j_statistics_destroy(coordinates);
    snmf4j_statistics_destroy(statistics);
    snmf4j_context_destroy(context);
  }

  static void write(snmf4j_features* features, int neurons, int rank, unsigned seed) {
    Floats values = Floats::signed_values(static_cast<std::size_t>(neurons) * rank, seed);
    REQUIRE(snmf4j_features_write(features, SNMF4J_FLOAT32, values.data(), 0, neurons) ==
            SNMF4J_OK);
  }

  static std::vector<float> read(const snmf4j_features* features, int neurons, int rank) {
    std::vector<float> values(static_cast<std::size_t>(neurons) * rank);
    REQUIRE(snmf4j_features_read(features, values.data(), 0, neurons) == SNMF4J_OK);
    return values;
  }

  int64_t held() const {
    int64_t use[2] = {-1, -1};
    REQUIRE(snmf4j_context_memory(context, use) == SNMF4J_OK);
    return use[0];
  }

  static constexpr int d = 150, n = 333, k = 7, r = 21;
  snmf4j_context* context = nullptr;
  snmf4j_panels* a = nullptr;
  snmf4j_panels* y = nullptr;
  snmf4j_features* basis = nullptr;
  snmf4j_features* mix = nullptr;
  snmf4j_features* z = nullptr;
  snmf4j_statistics* coordinates = nullptr;
  snmf4j_statistics* statistics = nullptr;
  double norm = 0;
};

}  // namespace

TEST_CASE("project_dense") {
  for (int isa = SNMF4J_ISA_PORTABLE; isa <= best_isa(); isa++) {
    const Kernels& kernels = kernels_for(isa);
    CAPTURE(kernels.name);
    for (const StoredType& type : kStoredTypes) {
      CAPTURE(type.name);
      for (int d : {1, 3, 95, 96, 97, 192, 200, 301}) {
        CAPTURE(d);
        StoredValues stored(type, Floats::signed_values(d * kPanel, 5));
        for (int k : {1, 3, 4, 5, 6, 8, 12, 13, 25}) {
          CAPTURE(k);
          Floats z = Floats::signed_values(static_cast<std::size_t>(k) * d, 6);
          // What was there does not matter, and what lies behind stays.
          Floats p((k + 1) * kPanel);
          for (std::size_t i = 0; i < p.size(); i++) p[i] = NAN;
          const void* panel = stored.data.data();
          (kernels.*type.kernels)
              .project_dense(panel, d, z.data(), k, p.data(), k % 2 == 0 ? panel : nullptr);
          for (int j = 0; j < k; j++) {
            for (int t = 0; t < kPanel; t++) {
              double sum = 0, scale = 0;
              for (int i = 0; i < d; i++) {
                const double term =
                    static_cast<double>(z[j * d + i]) * stored.values[i * kPanel + t];
                sum += term;
                scale += std::fabs(term);
              }
              // 301 roundings of float32 in a row, 6e-8 each, are 1.8e-5 at worst.
              if (!(std::fabs(p[j * kPanel + t] - sum) <= 1.8e-5 * scale)) {
                FAIL_CHECK("P at " << j << ", " << t << " is " << p[j * kPanel + t] << ", not "
                                   << sum);
              }
            }
          }
          for (int t = 0; t < kPanel; t++) CHECK(std::isnan(p[k * kPanel + t]));
        }
      }
    }
  }
}

TEST_CASE("a basis, compressed activations and the way back") {
  constexpr int d = Spaces::d, n = Spaces::n, k = Spaces::k, r = Spaces::r;
  for (int isa = SNMF4J_ISA_PORTABLE; isa <= snmf4j_best_isa(); isa++) {
    for (int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
      CAPTURE(isa);
      CAPTURE(type);
      Spaces s(type == SNMF4J_FLOAT16 ? 5 : 2, isa, type);
      REQUIRE(snmf4j_features_orthonormalize(s.basis) == SNMF4J_OK);
      const std::vector<float> u = Spaces::read(s.basis, d, r);
      for (int j = 0; j < r; j++) {
        for (int l = 0; l < r; l++) {
          double sum = 0;
          for (int i = 0; i < d; i++) sum += static_cast<double>(u[i * r + j]) * u[i * r + l];
          // Rounding two unit vectors to float32 moves their product by 1.2e-7 at most.
          CHECK(std::fabs(sum - (j == l ? 1 : 0)) <= 2e-7);
        }
      }
      std::vector<float> a(d * n), held(r * n);
      REQUIRE(snmf4j_panels_read_rows(s.a, a.data(), n, 0, d) == SNMF4J_OK);
      snmf4j_panels* compressed = nullptr;
      double squares = 0, expected = 0;
      REQUIRE(snmf4j_compress(s.a, s.basis, &compressed, &squares) == SNMF4J_OK);
      CHECK(snmf4j_panels_tokens(compressed) == n);
      REQUIRE(snmf4j_panels_read_rows(compressed, held.data(), n, 0, r) == SNMF4J_OK);
      for (int j = 0; j < r; j++) {
        for (int t = 0; t < n; t++) {
          double sum = 0, scale = 0;
          for (int i = 0; i < d; i++) {
            const double term = static_cast<double>(u[i * r + j]) * a[i * n + t];
            sum += term;
            scale += std::fabs(term);
          }
          const float found = held[j * n + t];
          // 150 roundings of float32, 6e-8 each.
          if (!(std::fabs(found - sum) <= 9e-6 * scale)) FAIL_CHECK(found << ", not " << sum);
          expected += static_cast<double>(found) * found;
        }
      }
      // A sum of positive terms in float64.
      CHECK(std::fabs(squares - expected) <= 1e-12 * expected);
      CHECK(squares < s.norm);

      REQUIRE(snmf4j_dense_statistics(compressed, s.y, s.coordinates) == SNMF4J_OK);
      REQUIRE(snmf4j_expand(s.basis, s.coordinates, s.statistics) == SNMF4J_OK);
      std::vector<float> narrow(r * k), wide(d * k);
      REQUIRE(snmf4j_statistics_cross(s.coordinates, narrow.data(), 0, r) == SNMF4J_OK);
      REQUIRE(snmf4j_statistics_cross(s.statistics, wide.data(), 0, d) == SNMF4J_OK);
      REQUIRE(snmf4j_features_multiply(s.basis, s.mix, s.z) == SNMF4J_OK);
      const std::vector<float> mix = Spaces::read(s.mix, r, k);
      const std::vector<float> z = Spaces::read(s.z, d, k);
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < k; j++) {
          double cross = 0, cross_scale = 0, product = 0, product_scale = 0;
          for (int l = 0; l < r; l++) {
            const double left = u[i * r + l];
            cross += left * narrow[l * k + j];
            cross_scale += std::fabs(left * narrow[l * k + j]);
            product += left * mix[l * k + j];
            product_scale += std::fabs(left * mix[l * k + j]);
          }
          // 21 roundings.
          CHECK(std::fabs(wide[i * k + j] - cross) <= 2e-6 * cross_scale);
          CHECK(std::fabs(z[i * k + j] - product) <= 2e-6 * product_scale);
        }
      }
      std::vector<double> gram(k * k), copy(k * k), sums(k), sums_copy(k);
      REQUIRE(snmf4j_statistics_gram(s.coordinates, gram.data()) == SNMF4J_OK);
      REQUIRE(snmf4j_statistics_gram(s.statistics, copy.data()) == SNMF4J_OK);
      REQUIRE(snmf4j_statistics_row_sums(s.coordinates, sums.data()) == SNMF4J_OK);
      REQUIRE(snmf4j_statistics_row_sums(s.statistics, sums_copy.data()) == SNMF4J_OK);
      CHECK(gram == copy);
      CHECK(sums == sums_copy);
      CHECK(gram[0] > 0);
      snmf4j_panels_destroy(compressed);
    }
  }
}

TEST_CASE("bad arguments of the subspace functions") {
  Spaces s, other;
  snmf4j_panels* compressed = nullptr;
  double squares = -1;
  CHECK(snmf4j_features_orthonormalize(nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("features must not be null"));

  auto multiply = snmf4j_features_multiply;
  CHECK(multiply(nullptr, s.mix, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.basis, nullptr, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.basis, s.mix, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(other.basis, s.mix, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.basis, other.mix, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.basis, s.mix, other.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("share a context"));
  CHECK(multiply(s.basis, s.z, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.basis, s.mix, s.mix) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.z, s.mix, s.z) == SNMF4J_INVALID_ARGUMENT);
  CHECK(multiply(s.basis, s.mix, s.basis) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("shapes must agree"));
  snmf4j_features* square = nullptr;
  REQUIRE(snmf4j_features_create(s.context, Spaces::r, Spaces::r, &square) == SNMF4J_OK);
  CHECK(multiply(s.basis, square, s.basis) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("must not be a factor"));
  CHECK(multiply(square, s.mix, s.mix) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("must not be a factor"));

  CHECK(snmf4j_compress(nullptr, s.basis, &compressed, &squares) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_compress(s.a, nullptr, &compressed, &squares) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_compress(s.a, s.basis, nullptr, &squares) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_compress(s.a, s.basis, &compressed, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("must not be null"));
  CHECK(snmf4j_compress(s.a, other.basis, &compressed, &squares) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("share a context"));
  CHECK(snmf4j_compress(s.a, s.mix, &compressed, &squares) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("same neurons"));

  CHECK(snmf4j_expand(nullptr, s.coordinates, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(s.basis, nullptr, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(s.basis, s.coordinates, nullptr) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(other.basis, s.coordinates, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(s.basis, other.coordinates, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(s.basis, s.coordinates, other.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("share a context"));
  CHECK(snmf4j_expand(s.basis, s.statistics, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(s.basis, s.coordinates, s.coordinates) == SNMF4J_INVALID_ARGUMENT);
  CHECK(snmf4j_expand(s.mix, s.coordinates, s.statistics) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("shapes must agree"));
  CHECK(snmf4j_expand(square, s.coordinates, s.coordinates) == SNMF4J_INVALID_ARGUMENT);
  CHECK(message_has("must not be the coordinates"));
  snmf4j_features_destroy(square);

  CHECK(compressed == nullptr);
  CHECK(squares == -1);
  CHECK(snmf4j_compress(s.a, s.basis, &compressed, &squares) == SNMF4J_OK);
  snmf4j_panels_destroy(compressed);
}

TEST_CASE("what is too large for float32 is refused and leaves nothing behind") {
  Spaces s;
  std::vector<float> huge(Spaces::d * Spaces::r, 3e38f);
  REQUIRE(snmf4j_features_write(s.basis, SNMF4J_FLOAT32, huge.data(), 0, Spaces::d) == SNMF4J_OK);
  snmf4j_panels* compressed = nullptr;
  double squares = 0;
  const int64_t held = s.held();
  CHECK(snmf4j_compress(s.a, s.basis, &compressed, &squares) == SNMF4J_NON_FINITE);
  CHECK(compressed == nullptr);
  CHECK(s.held() == held);
  // Their lengths are no trouble in float64: all columns are the same, one stays.
  REQUIRE(snmf4j_features_orthonormalize(s.basis) == SNMF4J_OK);
  const std::vector<float> u = Spaces::read(s.basis, Spaces::d, Spaces::r);
  for (int i = 0; i < Spaces::d; i++) {
    CHECK(u[i * Spaces::r] == doctest::Approx(1 / std::sqrt(150.0)).epsilon(1e-6));
    for (int j = 1; j < Spaces::r; j++) CHECK(u[i * Spaces::r + j] == 0);
  }
}
