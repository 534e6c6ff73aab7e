// The element types of stored activations, and their elements, one by one.
#ifndef SNMF4J_TEST_STORED_HPP
#define SNMF4J_TEST_STORED_HPP

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels.hpp"
#include "random.hpp"

struct StoredType {
  const char* name;
  const snmf4j::PanelKernels snmf4j::Kernels::*kernels;
  int mantissa;      // bits after the leading one
  int least;         // exponent of the smallest normal number
  double largest;    // beyond it lies infinity

  // The nearest element, of two equally near the even one.
  float round(float value) const {
    if (value == 0 || !std::isfinite(value)) return value;
    const int exponent = std::ilogb(value) < least ? least : std::ilogb(value);
    const double unit = std::ldexp(1, exponent - mantissa);
    const double rounded = std::nearbyint(value / unit) * unit;
    if (std::fabs(rounded) > largest) return std::copysign(INFINITY, value);
    return static_cast<float>(rounded);
  }

  int bytes() const { return mantissa == 23 ? 4 : 2; }

  // Writes element i of an array; `value` is rounded.
  void put(void* array, std::size_t i, float value) const {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (mantissa == 23) {
      static_cast<float*>(array)[i] = value;
      return;
    }
    uint16_t element = static_cast<uint16_t>(bits >> 16);
    if (mantissa == 10) {
      const double magnitude = std::fabs(value);
      const int exponent = magnitude < std::ldexp(1, -14) ? -15 : std::ilogb(magnitude);
      const double fraction = exponent == -15 ? std::ldexp(magnitude, 24)
                                              : std::ldexp(magnitude, 10 - exponent) - 1024;
      element = static_cast<uint16_t>((std::signbit(value) ? 0x8000 : 0) | (exponent + 15) << 10 |
                                      static_cast<int>(fraction));
    }
    static_cast<uint16_t*>(array)[i] = element;
  }
};

constexpr StoredType kStoredTypes[] = {
    {"fp32", &snmf4j::Kernels::float32, 23, -126, 3.4028234663852886e38},
    {"fp16", &snmf4j::Kernels::float16, 10, -14, 65504},
    {"bf16", &snmf4j::Kernels::bfloat16, 7, -126, 3.3895313892515355e38},
};

// Values that are rounded to an element type, and an array of those elements.
struct StoredValues {
  StoredValues(const StoredType& type, Floats source)
      : values(std::move(source)),
        data(&Floats::counter, values.size() * static_cast<std::size_t>(type.bytes())) {
    for (std::size_t i = 0; i < values.size(); i++) {
      values[i] = type.round(values[i]);
      type.put(data.data(), i, values[i]);
    }
  }

  Floats values;
  snmf4j::Buffer<unsigned char> data;
};

#endif
