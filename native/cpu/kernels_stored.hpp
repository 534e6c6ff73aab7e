// Elements of stored activations to and from vectors of floats.

// kLanes stored elements of 16 bits.
typedef uint16_t vshort __attribute__((vector_size(SNMF4J_LANES * 2)));
typedef uint32_t vbits __attribute__((vector_size(SNMF4J_LANES * 4)));

static inline vbits to_bits(vfloat x) { return reinterpret_cast<vbits>(x); }
static inline vfloat from_bits(vbits x) { return reinterpret_cast<vfloat>(x); }

static inline vbits extend(vshort x) {
#if SNMF4J_LANES == 16
  // GCC 12 converts halves and puts them together.
  return reinterpret_cast<vbits>(_mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(x)));
#else
  return __builtin_convertvector(x, vbits);
#endif
}

// `Vector` holds kLanes elements; widen() is exact; narrow() rounds to nearest, ties to even, and
// makes an infinity of what is beyond the type and something not finite of what was not.
template <typename Element>
struct Stored;

template <>
struct Stored<float> {
  typedef vfloat Vector;
  static inline vfloat widen(vfloat x) { return x; }
  static inline vfloat narrow(vfloat x) { return x; }
};

template <>
struct Stored<BFloat> {
  typedef vshort Vector;

#if SNMF4J_LANES == 16
  // Half as many instructions as to extend and to shift: element i to the upper half of lane i.
  static inline vfloat widen(vshort x) {
    const __m512i from =
        _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7, 0, 6, 0, 5, 0, 4,
                         0, 3, 0, 2, 0, 1, 0, 0, 0);
    const __m512i all = _mm512_castsi256_si512(reinterpret_cast<__m256i>(x));
    return reinterpret_cast<vfloat>(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, from, all));
  }
#else
  static inline vfloat widen(vshort x) { return from_bits(extend(x) << 16); }
#endif

  static inline vshort narrow(vfloat x) {
    const vbits bits = to_bits(x);
    // Adds just below half a unit, and the rest if the unit is odd.
    const vbits rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    // The carry could run through a NaN.
    const vbits nan = vbits{} + 0x7fc0;
    return __builtin_convertvector(x == x ? rounded : nan, vshort);
  }
};

template <>
struct Stored<Half> {
  typedef vshort Vector;

#if SNMF4J_LANES == 16
  static inline vfloat widen(vshort x) {
    return reinterpret_cast<vfloat>(_mm512_cvtph_ps(reinterpret_cast<__m256i>(x)));
  }

  static inline vshort narrow(vfloat x) {
    return reinterpret_cast<vshort>(
        _mm512_cvtps_ph(reinterpret_cast<__m512>(x), _MM_FROUND_TO_NEAREST_INT));
  }
#elif SNMF4J_LANES == 8
  static inline vfloat widen(vshort x) {
    return reinterpret_cast<vfloat>(_mm256_cvtph_ps(reinterpret_cast<__m128i>(x)));
  }

  static inline vshort narrow(vfloat x) {
    return reinterpret_cast<vshort>(
        _mm256_cvtps_ph(reinterpret_cast<__m256>(x), _MM_FROUND_TO_NEAREST_INT));
  }
#else
  // A binary16's exponent is biased by 15, a float's by 127, and its mantissa is 13 bits shorter.
  static inline vfloat widen(vshort x) {
    const vbits bits = extend(x);
    const vbits sign = (bits & 0x8000) << 16;
    const vindex magnitude = reinterpret_cast<vindex>(bits & 0x7fff);
    const vindex normal = (magnitude << 13) + (112 << 23);
    // With the exponent of 2^-14 a denormal's mantissa stands after a one that it does not have.
    const vindex one_more = (magnitude << 13) + (113 << 23);
    const vindex denormal =
        reinterpret_cast<vindex>(reinterpret_cast<vfloat>(one_more) - 0x1p-14f);
    const vindex infinite = (magnitude << 13) + (224 << 23);
    const vindex result =
        magnitude < 0x400 ? denormal : (magnitude < 0x7c00 ? normal : infinite);
    return from_bits(sign | reinterpret_cast<vbits>(result));
  }

  static inline vshort narrow(vfloat x) {
    const vbits bits = to_bits(x);
    const vbits sign = bits >> 16 & 0x8000;
    const vbits unsigned_bits = bits & 0x7fffffff;
    const vindex magnitude = reinterpret_cast<vindex>(unsigned_bits);
    const vindex normal = reinterpret_cast<vindex>(
        (unsigned_bits + 0xfff + (unsigned_bits >> 13 & 1) - (112 << 23)) >> 13);
    // Denormals are multiples of 2^-24, which is the unit of floats between 1/2 and 1.
    const vindex denormal =
        reinterpret_cast<vindex>(reinterpret_cast<vfloat>(magnitude) + 0.5f) - 0x3f000000;
    const vindex infinite = vindex{} + 0x7c00;
    const vindex result =
        magnitude < 113 << 23 ? denormal : (normal < infinite ? normal : infinite);
    return __builtin_convertvector(sign | reinterpret_cast<vbits>(result), vshort);
  }
#endif
};

static inline vshort load_short(const void* p) {
  vshort v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline vfloat load(const Half* p) { return Stored<Half>::widen(load_short(p)); }
static inline vfloat load(const BFloat* p) { return Stored<BFloat>::widen(load_short(p)); }

// Stores past the cache: packed activations are larger than it and not read again soon.
static inline void stream(float* p, vfloat v) {
#if SNMF4J_LANES == 16
  _mm512_stream_ps(p, reinterpret_cast<__m512>(v));
#elif SNMF4J_LANES == 8
  _mm256_stream_ps(p, reinterpret_cast<__m256>(v));
#elif defined(__SSE__)
  _mm_stream_ps(p, reinterpret_cast<__m128>(v));
#else
  store(p, v);
#endif
}

static inline void stream_short(void* p, vshort v) {
#if SNMF4J_LANES == 16
  _mm256_stream_si256(static_cast<__m256i*>(p), reinterpret_cast<__m256i>(v));
#elif SNMF4J_LANES == 8
  _mm_stream_si128(static_cast<__m128i*>(p), reinterpret_cast<__m128i>(v));
#elif defined(__x86_64__)
  long long bits;
  __builtin_memcpy(&bits, &v, sizeof bits);
  _mm_stream_si64(static_cast<long long*>(p), bits);
#else
  __builtin_memcpy(p, &v, sizeof v);
#endif
}

static inline void stream(Half* p, vshort v) { stream_short(p, v); }
static inline void stream(BFloat* p, vshort v) { stream_short(p, v); }

template <typename Element>
static void widen(const void* a, int64_t count, float* result) {
  const Element* from = static_cast<const Element*>(a);
  for (int64_t i = 0; i < count; i += kLanes) store(result + i, load(from + i));
}
