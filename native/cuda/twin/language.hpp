// What CUDA C++ adds to the language, for compilers that do not know it: as much of it as our
// kernels use. They are then functions that the twin runs thread by thread.
#ifndef SNMF4J_CUDA_TWIN_LANGUAGE_HPP
#define SNMF4J_CUDA_TWIN_LANGUAGE_HPP

#include <cmath>
#include <cstdint>
#include <cstring>

#include "twin/block.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// Blocks run one after the other.
#define __shared__ static
#define __constant__ static
// NOLINTNEXTLINE: CUDA's name.
#define __restrict__ __restrict

#define SNMF4J_SHARED(Type, name) \
  Type* const name = reinterpret_cast<Type*>(snmf4j::twin::shared_room())

struct float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

using snmf4j::twin::blockDim;
using snmf4j::twin::blockIdx;
using snmf4j::twin::gridDim;
using snmf4j::twin::threadIdx;

inline void __syncthreads() { snmf4j::twin::meet_block(); }
inline void __syncwarp(unsigned = 0xffffffffu) { snmf4j::twin::meet_warp(); }
inline void __threadfence() {}
inline void __threadfence_block() {}

// Lanes read what another lane of the warp holds; all lanes have to take part.
template <typename T>
T __shfl_sync(unsigned, T value, int lane, int width = 32) {
  const int own = static_cast<int>(threadIdx.x) % 32;
  return snmf4j::twin::exchange(value, own / width * width + lane % width);
}
template <typename T>
T __shfl_xor_sync(unsigned, T value, int bits, int = 32) {
  return snmf4j::twin::exchange(value, static_cast<int>(threadIdx.x) % 32 ^ bits);
}
template <typename T>
T __shfl_down_sync(unsigned, T value, int distance, int width = 32) {
  const int own = static_cast<int>(threadIdx.x) % 32;
  const int from = own + distance;
  return snmf4j::twin::exchange(value, from / width == own / width ? from : own);
}
template <typename T>
T __shfl_up_sync(unsigned, T value, int distance, int width = 32) {
  const int own = static_cast<int>(threadIdx.x) % 32;
  return snmf4j::twin::exchange(value, own % width >= distance ? own - distance : own);
}
inline unsigned __ballot_sync(unsigned, int predicate) {
  return snmf4j::twin::ballot(predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) {
  return __ballot_sync(mask, predicate == 0) == 0;
}

inline int __syncthreads_count(int predicate) { return snmf4j::twin::count_block(predicate != 0); }
inline int __syncthreads_or(int predicate) { return __syncthreads_count(predicate) != 0; }
inline int __syncthreads_and(int predicate) { return __syncthreads_count(predicate == 0) == 0; }

// Blocks of one launch never overlap here, and neither do launches on one piece of memory.
template <typename T>
T atomicAdd(T* target, T value) {
  const T before = *target;
  *target = before + value;
  return before;
}
template <typename T>
T atomicMax(T* target, T value) {
  const T before = *target;
  if (before < value) *target = value;
  return before;
}
template <typename T>
T atomicMin(T* target, T value) {
  const T before = *target;
  if (value < before) *target = value;
  return before;
}
template <typename T>
T atomicOr(T* target, T value) {
  const T before = *target;
  *target = before | value;
  return before;
}

template <typename T>
T __ldg(const T* from) {
  return *from;
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }

template <typename To, typename From>
To twin_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes must agree");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
inline float __uint_as_float(unsigned bits) { return twin_bits<float>(bits); }
inline unsigned __float_as_uint(float x) { return twin_bits<unsigned>(x); }
inline float __int_as_float(int bits) { return twin_bits<float>(bits); }
inline int __float_as_int(float x) { return twin_bits<int>(x); }
inline long long __double_as_longlong(double x) { return twin_bits<long long>(x); }
inline double __longlong_as_double(long long bits) { return twin_bits<double>(bits); }

inline float __fmaf_rn(float x, float y, float z) { return std::fmaf(x, y, z); }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fdividef(float x, float y) { return x / y; }

// As CUDA has them in the global namespace, for both widths.
using std::isfinite;
using std::isinf;
using std::isnan;
template <typename T>
T min(T x, T y) {
  return y < x ? y : x;
}
template <typename T>
T max(T x, T y) {
  return x < y ? y : x;
}

#endif
