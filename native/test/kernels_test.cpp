// Every kernel of every instruction set that this CPU runs against plain loops in float64.
#include "kernels.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "every_kernel.hpp"
#include "handles.hpp"
#include "random.hpp"
#include "stored.hpp"

using namespace snmf4j;

namespace {

// Sums of 10^3 products of float32 values agree to a few units in the last place of their size.
void check_close(double found, double expected, double scale) {
  CHECK(std::fabs(found - expected) <= 1e-5 * scale + 1e-12);
}

struct Sparse {
  std::vector<int64_t> start{0};
  std::vector<int32_t> index;
  std::vector<float> value;
};

// A [rows, columns] matrix by columns (or, transposed, by rows), a third of it nonzero.
Sparse sparse(int outer, int inner, unsigned seed) {
  Floats values = Floats::signed_values(static_cast<std::size_t>(outer) * inner, seed);
  Sparse result;
  for (int o = 0; o < outer; o++) {
    for (int i = 0; i < inner; i++) {
      if ((o * 7 + i * 5) % 3 == 0 && o != 1) {
        result.index.push_back(i);
        result.value.push_back(values[static_cast<std::size_t>(o) * inner + i]);
      }
    }
    result.start.push_back(static_cast<int64_t>(result.index.size()));
  }
  return result;
}

}  // namespace

TEST_CASE("project") {
  for_each_type([](const Kernels&, const StoredType& type, const PanelKernels& kernels) {
    const int d = 370, k = 5;
    StoredValues stored(type, Floats::signed_values(d * kPanel, 1));
    Floats& a = stored.values;
    Sparse z = sparse(k, d, 2);
    Floats p(k * kPanel);
    const int32_t rows[] = {3, 369};
    kernels.project(stored.data.data(), {k, z.start.data(), z.index.data(), z.value.data()}, p.data(),
                    {reinterpret_cast<const char*>(stored.data.data()), rows, 2,
                     kPanel * kernels.bytes});
    for (int j = 0; j < k; j++) {
      for (int t = 0; t < kPanel; t++) {
        double sum = 0, scale = 0;
        for (int64_t e = z.start[j]; e < z.start[j + 1]; e++) {
          const double term = static_cast<double>(z.value[e]) * a[z.index[e] * kPanel + t];
          sum += term;
          scale += std::fabs(term);
        }
        check_close(p[j * kPanel + t], sum, scale);
      }
    }
  });
}

TEST_CASE("multiply") {
  for (const Kernels* kernels : runnable()) {
    CAPTURE(kernels->name);
    const int k = 9;
    const float epsilon = 1e-6f;
    Floats q = Floats::signed_values(k * k, 3);
    Floats p = Floats::signed_values(k * kPanel, 4);
    Floats y = Floats::positive_values(k * kPanel, 5);
    y[2 * kPanel + 3] = 0;
    std::vector<int32_t> start, index;
    std::vector<float> value;
    for (int j = 0; j < k; j++) {
      for (int sign : {1, -1}) {
        start.push_back(static_cast<int32_t>(index.size()));
        for (int l = 0; l < k; l++) {
          if (q[j * k + l] * sign > 0) {
            index.push_back(l);
            value.push_back(std::fabs(q[j * k + l]));
          }
        }
      }
    }
    start.push_back(static_cast<int32_t>(index.size()));
    Floats out(k * kPanel);
    kernels->multiply({k, start.data(), index.data(), value.data()}, p.data(), y.data(), epsilon,
                      out.data());
    for (int j = 0; j < k; j++) {
      for (int t = 0; t < kPanel; t++) {
        double up = std::fmax(p[j * kPanel + t], 0), down = std::fmax(-p[j * kPanel + t], 0);
        for (int l = 0; l < k; l++) {
          up += std::fmax(-q[j * k + l], 0) * y[l * kPanel + t];
          down += std::fmax(q[j * k + l], 0) * y[l * kPanel + t];
        }
        const double expected = y[j * kPanel + t] * std::sqrt(up / (down + epsilon));
        check_close(out[j * kPanel + t], expected, expected);
      }
    }
  }
}

TEST_CASE("descend and explained") {
  for (const Kernels* kernels : runnable()) {
    CAPTURE(kernels->name);
    const int k = 6, d = 20;
    Floats z = Floats::signed_values(d * k, 6);
    for (int i = 0; i < d; i++) z[i * k + 4] = 0;  // a dead feature
    Floats a = Floats::signed_values(d * kPanel, 7);
    Floats q(k * k), p(k * kPanel), inverse(k), shift(k), y(k * kPanel);
    std::vector<double> wide(k * kPanel);
    for (int j = 0; j < k; j++) {
      for (int l = 0; l < k; l++) {
        for (int i = 0; i < d; i++) q[j * k + l] += z[i * k + j] * z[i * k + l];
      }
      inverse[j] = q[j * k + j] > 0 ? 1 / q[j * k + j] : 0;
      for (int t = 0; t < kPanel; t++) {
        for (int i = 0; i < d; i++) p[j * kPanel + t] += z[i * k + j] * a[i * kPanel + t];
      }
    }
    auto error = [&] {
      double total = 0;
      for (int i = 0; i < d; i++) {
        for (int t = 0; t < kPanel; t++) {
          double rest = a[i * kPanel + t];
          for (int j = 0; j < k; j++) rest -= static_cast<double>(z[i * k + j]) * y[j * kPanel + t];
          total += rest * rest;
        }
      }
      return total;
    };
    const double norm = error();
    double before = norm;
    const int32_t rows[] = {k - 1, 0};
    const Fetch fetch{reinterpret_cast<const char*>(p.data()), rows, 2,
                      kPanel * static_cast<int>(sizeof(float))};
    for (int sweep = 0; sweep < 50; sweep++) {
      const double gain =
          kernels->descend(k, q.data(), inverse.data(), shift.data(), p.data(), y.data(), fetch);
      const double after = error();
      check_close(gain, before - after, norm);
      before = after;
    }
    check_close(kernels->explained(k, q.data(), shift.data(), p.data(), y.data()), norm - before,
                norm);
    // At the minimum the gradient vanishes where y > 0 and is not positive where y = 0.
    for (int j = 0; j < k; j++) {
      for (int t = 0; t < kPanel; t++) {
        double gradient = p[j * kPanel + t];
        for (int l = 0; l < k; l++) {
          gradient -= static_cast<double>(q[j * k + l]) * y[l * kPanel + t];
        }
        CHECK(y[j * kPanel + t] >= 0);
        if (j == 4) CHECK(y[j * kPanel + t] == 0);
        if (y[j * kPanel + t] > 0) CHECK(std::fabs(gradient) < 1e-2);
        if (y[j * kPanel + t] == 0) CHECK(gradient < 1e-2);
      }
    }
  }
}

TEST_CASE("dot") {
  for (const Kernels* kernels : runnable()) {
    CAPTURE(kernels->name);
    Floats x = Floats::signed_values(640, 8);
    Floats y = Floats::signed_values(640, 9);
    double expected = 0, scale = 0;
    for (std::size_t i = 0; i < 640; i++) {
      expected += static_cast<double>(x[i]) * y[i];
      scale += std::fabs(static_cast<double>(x[i]) * y[i]);
    }
    CHECK(std::fabs(kernels->dot(x.data(), y.data(), 640) - expected) <= 1e-14 * scale);
  }
}

TEST_CASE("settling") {
  for (const Kernels* kernels : runnable()) {
    CAPTURE(kernels->name);
    for (int count : {16, 48, 640}) {
      Floats some = Floats::signed_values(count + 16, 21);
      Floats before = Floats::signed_values(count + 16, 21);
      Buffer<double> total(&Floats::counter, static_cast<std::size_t>(count) + 16);
      for (std::size_t i = 0; i < total.size(); i++) total[i] = 1.0 / 3 * static_cast<double>(i);
      kernels->settle(some.data(), total.data(), count);
      for (std::size_t i = 0; i < total.size(); i++) {
        const bool settled = i < static_cast<std::size_t>(count);
        const double old = 1.0 / 3 * static_cast<double>(i);
        CHECK(total[i] == (settled ? old + static_cast<double>(before[i]) : old));
        CHECK(some[i] == (settled ? 0 : before[i]));
      }
    }
  }
}

TEST_CASE("transpose, gram and cross") {
  for (const Kernels* kernels : runnable()) {
    for (int k : {1, 5, 16, 23, 48}) {
      for (int d : {1, 3, 12, 29}) {
        CAPTURE(kernels->name);
        CAPTURE(k);
        CAPTURE(d);
        const int padded = padded_rank(k);
        Floats y = Floats::signed_values(k * kPanel, 10);
        Floats yt(kPanel * padded);
        Buffer<double> wide(&Floats::counter, kPanel * padded);
        Buffer<double> gram(&Floats::counter, padded * padded);
        for (int i = 0; i < kPanel * padded; i++) wide[i] = 0;
        for (int i = 0; i < padded * padded; i++) gram[i] = 1;
        kernels->transpose(y.data(), k, padded, yt.data(), wide.data());
        for (int t = 0; t < kPanel; t++) {
          for (int j = 0; j < padded; j++) {
            const float expected = j < k ? y[j * kPanel + t] : 0;
            CHECK(yt[t * padded + j] == expected);
            CHECK(wide[t * padded + j] == expected);
          }
        }
        kernels->gram_wide(wide.data(), padded, gram.data());
        Floats single(padded * padded);
        for (int i = 0; i < padded * padded; i++) single[i] = 1;
        // Of two rows of Y, two lines each.
        const int32_t rows[] = {k - 1, 0};
        kernels->gram(yt.data(), padded, single.data(),
                      {reinterpret_cast<const char*>(y.data()), rows, 2, 128});
        for (int j = 0; j < k; j++) {
          for (int l = 0; l <= j; l++) {
            double sum = 1, scale = 1;
            for (int t = 0; t < kPanel; t++) {
              const double term = static_cast<double>(y[j * kPanel + t]) * y[l * kPanel + t];
              sum += term;
              scale += std::fabs(term);
            }
            CHECK(std::fabs(gram[j * padded + l] - sum) <= 1e-14 * scale);
            // 64 roundings of float32, 6e-8 each.
            CHECK(std::fabs(single[j * padded + l] - sum) <= 4e-6 * scale);
          }
          // Who adds a row to others need not look further.
          for (int l = padded_rank(j + 1); l < padded; l++) CHECK(single[j * padded + l] == 1);
        }
        for (const StoredType& type : kStoredTypes) {
          CAPTURE(type.name);
          StoredValues stored(type, Floats::signed_values(d * kPanel, 11));
          Floats& a = stored.values;
          Floats c(d * padded);
          for (std::size_t i = 0; i < c.size(); i++) c[i] = 2;
          const void* panel = stored.data.data();
          (kernels->*type.kernels)
              .cross(panel, d, yt.data(), padded, c.data(), d == 29 ? panel : nullptr);
          for (int i = 0; i < d; i++) {
            for (int j = 0; j < k; j++) {
              double sum = 2, scale = 2;
              for (int t = 0; t < kPanel; t++) {
                const double term = static_cast<double>(a[i * kPanel + t]) * y[j * kPanel + t];
                sum += term;
                scale += std::fabs(term);
              }
              check_close(c[i * padded + j], sum, scale);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("residual, squares and widening") {
  for_each_type([](const Kernels&, const StoredType& type, const PanelKernels& kernels) {
    const int d = 31, k = 4;
    StoredValues stored(type, Floats::signed_values(d * kPanel, 12));
    Floats& a = stored.values;
    Floats y = Floats::positive_values(k * kPanel, 13);
    Sparse z = sparse(d, k, 14);
    double expected = 0;
    std::vector<double> by_token(kPanel, 0);
    for (int i = 0; i < d; i++) {
      for (int t = 0; t < kPanel; t++) {
        double rest = a[i * kPanel + t];
        for (int64_t e = z.start[i]; e < z.start[i + 1]; e++) {
          rest -= static_cast<double>(z.value[e]) * y[z.index[e] * kPanel + t];
        }
        expected += rest * rest;
        by_token[static_cast<std::size_t>(t)] += rest * rest;
      }
    }
    check_close(kernels.residual(stored.data.data(),
                                 {d, z.start.data(), z.index.data(), z.value.data()}, y.data()),
                expected, expected);
    std::vector<double> found(kPanel, -1);
    kernels.token_residuals(stored.data.data(),
                            {d, z.start.data(), z.index.data(), z.value.data()}, y.data(),
                            found.data());
    for (std::size_t t = 0; t < kPanel; t++) check_close(found[t], by_token[t], by_token[t]);
    std::vector<float> token(d);
    for (int t = 0; t < kPanel; t++) {
      kernels.token(stored.data.data(), d, t, token.data());
      for (int i = 0; i < d; i++) CHECK(token[static_cast<std::size_t>(i)] == a[i * kPanel + t]);
    }
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); i++) squares += static_cast<double>(a[i]) * a[i];
    CHECK(std::fabs(kernels.squares(stored.data.data(), d * kPanel) - squares) <= 1e-14 * squares);
    Floats widened(d * kPanel);
    kernels.widen(stored.data.data(), d * kPanel, widened.data());
    CHECK(std::memcmp(widened.data(), a.data(), d * kPanel * sizeof(float)) == 0);
    CHECK(kernels.bytes == type.bytes());
  });
}

TEST_CASE("row sums and extrapolation") {
  for (const Kernels* kernels : runnable()) {
    CAPTURE(kernels->name);
    const int k = 5;
    Floats y = Floats::positive_values(k * kPanel, 16);
    Floats before = Floats::positive_values(k * kPanel, 17);
    std::vector<double> sums(k, 1.0);
    kernels->row_sums(y.data(), k, sums.data());
    for (int j = 0; j < k; j++) {
      double expected = 1;
      for (int t = 0; t < kPanel; t++) expected += y[j * kPanel + t];
      CHECK(sums[j] == doctest::Approx(expected).epsilon(1e-12));
    }
    Floats out(k * kPanel);
    kernels->extrapolate(y.data(), before.data(), 0.75f, k * kPanel, out.data());
    for (int i = 0; i < k * kPanel; i++) {
      const double expected = std::fmax(0, y[i] + 0.75 * (y[i] - before[i]));
      CHECK(std::fabs(out[i] - expected) < 1e-6);
    }
  }
}

TEST_CASE("C on the support") {
  // Rows of no nonzeros, one, all lengths in between, and more of them than a block takes.
  for (const auto& [d, k] : {std::pair(90, 5), std::pair(2500, 3), std::pair(40, 70)}) {
    const auto z = sparse(d, k, 19);
    SupportOrder order;
    order.arrange(&Floats::counter, {d, z.start.data(), z.index.data(), z.value.data()});
    std::vector<int> seen(static_cast<std::size_t>(d) * k);
    order.each(0, order.groups().count, [&](std::size_t e, std::size_t row, std::size_t feature) {
      CHECK(e < order.size());
      seen[row * k + feature]++;
    });
    for (int i = 0; i < d; i++) {
      std::vector<int> expected(k);
      for (int64_t e = z.start[i]; e < z.start[i + 1]; e++) expected[z.index[e]] = 1;
      for (int j = 0; j < k; j++) REQUIRE(seen[i * k + j] == expected[j]);
    }
    for_each_type([&, d = d, k = k](const Kernels&, const StoredType& type,
                                    const PanelKernels& kernels) {
      Floats y = Floats::positive_values(k * kPanel, 16);
      StoredValues stored(type, Floats::signed_values(d * kPanel, 18));
      Floats& a = stored.values;
      Floats c(order.size());
      for (std::size_t e = 0; e < c.size(); e++) c[e] = 3;
      const Fetch fetch{reinterpret_cast<const char*>(stored.data.data()), order.touched(),
                        order.touched_count(), kPanel * kernels.bytes};
      kernels.support_cross(stored.data.data(), order.groups(), y.data(), c.data(), fetch);
      order.each(0, order.groups().count, [&](std::size_t e, std::size_t row, std::size_t feature) {
        double sum = 3, scale = 3;
        for (int t = 0; t < kPanel; t++) {
          const double term = static_cast<double>(a[row * kPanel + t]) * y[feature * kPanel + t];
          sum += term;
          scale += std::fabs(term);
        }
        check_close(c[e], sum, scale);
      });
    });
  }
}
