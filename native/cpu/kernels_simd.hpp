// Vectors of SNMF4J_LANES floats by the compiler's vector extension. Included by each kernels_*.cpp
// inside its own namespace, once per instruction set.

typedef float vfloat __attribute__((vector_size(SNMF4J_LANES * 4)));
typedef int32_t vindex __attribute__((vector_size(SNMF4J_LANES * 4)));
typedef double vdouble __attribute__((vector_size(SNMF4J_LANES * 4)));
typedef float vhalf __attribute__((vector_size(SNMF4J_LANES * 2)));

constexpr int kLanes = SNMF4J_LANES;
constexpr int kWide = kLanes / 2;

static inline vfloat load(const float* p) { return *reinterpret_cast<const vfloat*>(p); }
static inline void store(float* p, vfloat v) { *reinterpret_cast<vfloat*>(p) = v; }
static inline vdouble load(const double* p) { return *reinterpret_cast<const vdouble*>(p); }
static inline void store(double* p, vdouble v) { *reinterpret_cast<vdouble*>(p) = v; }

static inline vfloat load_unaligned(const float* p) {
  vfloat v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// Lanes of a float64 source, rounded to float32.
static inline vfloat load_unaligned(const double* p) {
  vfloat v;
  for (int i = 0; i < kLanes; i++) v[i] = static_cast<float>(p[i]);
  return v;
}

static inline vfloat splat(float x) { return x - vfloat{}; }
static inline vdouble splat(double x) { return x - vdouble{}; }

static inline double sum(vdouble v) {
  double total = 0;
  for (int i = 0; i < kWide; i++) total += v[i];
  return total;
}

// Adds the squares (or products) of float lanes to a float64 accumulator.
static inline vdouble add_product(vdouble total, vfloat x, vfloat y) {
  vhalf x0, x1, y0, y1;
  __builtin_memcpy(&x0, &x, sizeof x0);
  __builtin_memcpy(&x1, reinterpret_cast<char*>(&x) + sizeof x0, sizeof x1);
  __builtin_memcpy(&y0, &y, sizeof y0);
  __builtin_memcpy(&y1, reinterpret_cast<char*>(&y) + sizeof y0, sizeof y1);
  total += __builtin_convertvector(x0, vdouble) * __builtin_convertvector(y0, vdouble);
  total += __builtin_convertvector(x1, vdouble) * __builtin_convertvector(y1, vdouble);
  return total;
}

// Adds the squares of float lanes to those of two float64 vectors, lane by lane.
static inline void add_squares(vdouble* totals, vfloat x) {
  vhalf half[2];
  __builtin_memcpy(half, &x, sizeof half);
  for (int h = 0; h < 2; h++) {
    const vdouble wide = __builtin_convertvector(half[h], vdouble);
    totals[h] += wide * wide;
  }
}

// Adds float lanes to those of two float64 vectors.
static inline void add_halves(vdouble (&totals)[2], vfloat x) {
  vhalf half[2];
  __builtin_memcpy(half, &x, sizeof half);
  totals[0] += __builtin_convertvector(half[0], vdouble);
  totals[1] += __builtin_convertvector(half[1], vdouble);
}

static inline vfloat larger(vfloat x, vfloat y) { return x > y ? x : y; }

static inline vfloat square_root(vfloat x) {
  for (int i = 0; i < kLanes; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

static inline void stream_fence() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}
