// Packing by every instruction set that this CPU runs: places, padding, rounding, what is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "every_kernel.hpp"
#include "handles.hpp"
#include "kernels.hpp"
#include "random.hpp"
#include "stored.hpp"

using namespace snmf4j;

TEST_CASE("packing") {
  for_each_type([](const Kernels&, const StoredType& type, const PanelKernels& kernels) {
    for (int64_t tokens : {1, 15, 16, 63, 64, 65, 200, 1100}) {
      for (int64_t rows : {1, 4, 17, 40}) {
        CAPTURE(tokens);
        CAPTURE(rows);
        const int64_t stride = tokens + 3;
        const int64_t panels = (tokens + kPanel - 1) / kPanel;
        const std::size_t size = static_cast<std::size_t>(panels * rows * kPanel);
        std::vector<float> source(static_cast<std::size_t>(rows * stride));
        std::vector<double> wide(source.size());
        Floats values = Floats::signed_values(source.size(), 15);
        double squares = 0;
        for (int64_t i = 0; i < rows; i++) {
          for (int64_t t = 0; t < tokens; t++) {
            source[i * stride + t] = values[i * stride + t];
            squares += std::pow(type.round(source[i * stride + t]), 2);
          }
        }
        for (std::size_t i = 0; i < source.size(); i++) wide[i] = source[i];
        Floats panelled(size);
        for (int64_t token = 0; token < tokens; token++) {
          for (int64_t i = 0; i < rows; i++) {
            panelled[(token / kPanel * rows + i) * kPanel + token % kPanel] =
                source[i * stride + token];
          }
        }
        StoredValues expected(type, std::move(panelled));
        Buffer<unsigned char> packed(&Floats::counter, expected.data.size());
        auto clear = [&] { std::memset(packed.data(), 0xa5, packed.size()); };
        auto check = [&](PackResult found) {
          CHECK(found.finite);
          // Sums of up to 16 squares are float32.
          CHECK(found.squares == doctest::Approx(squares).epsilon(1e-6));
          CHECK(std::memcmp(packed.data(), expected.data.data(), packed.size()) == 0);
        };
        clear();
        check(kernels.pack_rows32(source.data(), stride, rows, tokens, packed.data(), rows));
        clear();
        check(kernels.pack_rows64(wide.data(), stride, rows, tokens, packed.data(), rows));

        // The same from token-major sources, a panel at a time.
        std::vector<float> by_token(static_cast<std::size_t>(tokens * (rows + 2)));
        std::vector<double> by_token_wide(by_token.size());
        for (int64_t i = 0; i < rows; i++) {
          for (int64_t t = 0; t < tokens; t++) {
            by_token[t * (rows + 2) + i] = source[i * stride + t];
            by_token_wide[t * (rows + 2) + i] = source[i * stride + t];
          }
        }
        for (bool narrow : {true, false}) {
          clear();
          PackResult sum{0, true};
          for (int64_t p = 0; p < panels; p++) {
            const int64_t part = tokens - p * kPanel < kPanel ? tokens - p * kPanel : kPanel;
            const int64_t from = p * kPanel * (rows + 2);
            void* target = packed.data() + p * rows * kPanel * type.bytes();
            const PackResult found =
                narrow ? kernels.pack_tokens32(by_token.data() + from, rows + 2, rows, part, target)
                       : kernels.pack_tokens64(by_token_wide.data() + from, rows + 2, rows, part,
                                               target);
            sum.squares += found.squares;
            sum.finite = sum.finite && found.finite;
          }
          check(sum);
        }

        // Anything that is not finite is noticed, wherever it lies; a NaN of all ones, whose
        // carry runs over, too.
        float ones;
        std::memset(&ones, 0xff, sizeof ones);
        for (float bad : {NAN, ones, -ones, INFINITY, -INFINITY}) {
          source[(rows - 1) * stride + tokens - 1] = bad;
          CHECK_FALSE(kernels.pack_rows32(source.data(), stride, rows, tokens, packed.data(), rows)
                          .finite);
          source[(rows - 1) * stride + tokens - 1] = 0;
          by_token[(tokens - 1) % kPanel * (rows + 2)] = bad;
          CHECK_FALSE(kernels
                          .pack_tokens32(by_token.data(), rows + 2, rows,
                                         tokens < kPanel ? tokens : kPanel, packed.data())
                          .finite);
          by_token[(tokens - 1) % kPanel * (rows + 2)] = 0;
        }
        wide[0] = 1e300;
        CHECK_FALSE(
            kernels.pack_rows64(wide.data(), stride, rows, tokens, packed.data(), rows).finite);
      }
    }
  });
}

TEST_CASE("rounding to nearest, ties to even") {
  for_each_type([](const Kernels&, const StoredType& type, const PanelKernels& kernels) {
    // Around every element between two powers of two, among denormals and at the largest number:
    // the element, the tie above it and the floats next to that tie, with both signs.
    std::vector<float> values{0.0f, -0.0f};
    for (int exponent : {0, 1, -1, 5, type.least, type.least - 1, type.least - 2, 15}) {
      const int first = exponent < type.least ? type.least : exponent;
      const double unit = std::ldexp(1, first - type.mantissa);
      const double start = exponent < type.least ? 0 : std::ldexp(1, exponent);
      for (int step : {0, 1, 2, 3, 4, 5, 31, 62, 63, 64, 100, 126, 127}) {
        const double element = start + step * unit;
        const float tie = static_cast<float>(element + unit / 2);
        for (float value : {static_cast<float>(element), std::nextafter(tie, 0.0f), tie,
                            std::nextafter(tie, INFINITY)}) {
          values.push_back(value);
          values.push_back(-value);
        }
      }
    }
    if (type.mantissa == 10) {
      for (float value : {65504.0f, 65519.996f, 0x1p-25f, 0x1.000002p-25f, 0x1p-24f, 0x1p-40f,
                          0x1p-130f}) {
        values.push_back(value);
        values.push_back(-value);
      }
    }
    const int64_t count = static_cast<int64_t>(values.size());
    const int64_t panels = (count + kPanel - 1) / kPanel;
    Floats padded(panels * kPanel);
    for (int64_t i = 0; i < count; i++) padded[i] = values[i];
    StoredValues expected(type, std::move(padded));
    Buffer<unsigned char> packed(&Floats::counter, expected.data.size());
    CHECK(kernels.pack_rows32(values.data(), count, 1, count, packed.data(), 1).finite);
    CHECK(std::memcmp(packed.data(), expected.data.data(), packed.size()) == 0);
    Floats widened(panels * kPanel);
    kernels.widen(packed.data(), panels * kPanel, widened.data());
    CHECK(std::memcmp(widened.data(), expected.values.data(), widened.size() * 4) == 0);
    if (type.mantissa == 10) {
      for (float beyond : {65520.0f, -65520.0f, 65536.0f, 1e6f, 1e30f}) {
        CHECK_FALSE(kernels.pack_rows32(&beyond, 1, 1, 1, packed.data(), 1).finite);
      }
    }
  });
}
