// Elements of stored activations, to and from float32.
#ifndef SNMF4J_CUDA_STORED_HPP
#define SNMF4J_CUDA_STORED_HPP

#include <cstdint>

#include "gpu.hpp"

namespace snmf4j {

// IEEE 754 binary16, and the upper half of a float.
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

__device__ inline float widen(float x) { return x; }

__device__ inline float widen(BFloat x) {
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
}

__device__ inline float widen(Half x) {
#ifdef __CUDA_ARCH__
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(x.bits));
  return result;
#else
  // A binary16's exponent is biased by 15, a float's by 127, and its mantissa is 13 bits shorter.
  const unsigned sign = (x.bits & 0x8000u) << 16;
  const unsigned magnitude = x.bits & 0x7fffu;
  // With the exponent of 2^-14 a denormal's mantissa stands after a one that it does not have.
  const unsigned result =
      magnitude < 0x400
          ? __float_as_uint(__uint_as_float((magnitude << 13) + (113u << 23)) - 0x1p-14f)
          : (magnitude << 13) + ((magnitude < 0x7c00 ? 112u : 224u) << 23);
  return __uint_as_float(sign | result);
#endif
}

// To nearest, ties to even; an infinity of what is beyond the type, something not finite of what
// was not.
template <typename Element>
__device__ inline Element narrow(float x);

template <>
__device__ inline float narrow<float>(float x) {
  return x;
}

template <>
__device__ inline BFloat narrow<BFloat>(float x) {
  const unsigned bits = __float_as_uint(x);
  // Adds just below half a unit, and the rest if the unit is odd. The carry could run through NaNs.
  const unsigned rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return {static_cast<uint16_t>(x == x ? rounded : 0x7fc0u)};
}

template <>
__device__ inline Half narrow<Half>(float x) {
  const unsigned bits = __float_as_uint(x);
  const unsigned sign = bits >> 16 & 0x8000;
  const unsigned magnitude = bits & 0x7fffffff;
  unsigned result;
  if (magnitude < 113u << 23) {
    // Denormals are multiples of 2^-24, which is the unit of floats between 1/2 and 1.
    result = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u;
  } else if (magnitude > 0x7f800000) {
    result = 0x7e00;
  } else {
    result = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
    if (result > 0x7c00) result = 0x7c00;
  }
  return {static_cast<uint16_t>(sign | result)};
}

// Two neighbouring elements; the address is that of a pair.
__device__ inline float2 load_pair(const float* from) {
  return *reinterpret_cast<const float2*>(from);
}

__device__ inline float2 load_pair(const BFloat* from) {
  const unsigned bits = *reinterpret_cast<const unsigned*>(from);
  return make_float2(__uint_as_float(bits << 16), __uint_as_float(bits & 0xffff0000u));
}

__device__ inline float2 load_pair(const Half* from) {
  const unsigned bits = *reinterpret_cast<const unsigned*>(from);
  return make_float2(widen(Half{static_cast<uint16_t>(bits & 0xffff)}),
                     widen(Half{static_cast<uint16_t>(bits >> 16)}));
}

// Four, from how they are stored.
template <typename Element>
__device__ inline float4 widen_four(uint2 x) {
  return make_float4(widen(Element{static_cast<uint16_t>(x.x & 0xffff)}),
                     widen(Element{static_cast<uint16_t>(x.x >> 16)}),
                     widen(Element{static_cast<uint16_t>(x.y & 0xffff)}),
                     widen(Element{static_cast<uint16_t>(x.y >> 16)}));
}

template <typename Element>
__device__ inline float4 widen_four(float4 x) {
  return x;
}

// Calls body(element) with an element of the type, whose value means nothing.
template <typename Body>
void with_element(int type, Body body) {
  switch (type) {
    case SNMF4J_FLOAT16:
      body(Half{});
      break;
    case SNMF4J_BFLOAT16:
      body(BFloat{});
      break;
    default:
      body(0.0f);
  }
}

}  // namespace snmf4j

#endif
