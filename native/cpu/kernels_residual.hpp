// What features and coefficients leave unexplained.

// Row `i` of A - ZY at the stripe of tokens from `at` on.
template <typename Element>
static inline void unexplained(const Element* a, const SparseRows& z, const float* y, int64_t i,
                               int at, vfloat* rest) {
  for (int v = 0; v < kStripe; v++) rest[v] = load(a + i * kPanel + at + v * kLanes);
  for (int64_t e = z.start[i]; e < z.start[i + 1]; e++) {
    const float* row = y + static_cast<int64_t>(z.index[e]) * kPanel + at;
    const vfloat value = splat(z.value[e]);
    for (int v = 0; v < kStripe; v++) rest[v] -= value * load(row + v * kLanes);
  }
}

template <typename Element>
static double residual(const void* panel, const SparseRows& z, const float* y) {
  const Element* a = static_cast<const Element*>(panel);
  vdouble total = {};
  for (int64_t i = 0; i < z.neurons; i++) {
    for (int s = 0; s < kStripes; s++) {
      vfloat rest[kStripe];
      unexplained(a, z, y, i, s * kStripe * kLanes, rest);
      for (int v = 0; v < kStripe; v++) total = add_product(total, rest[v], rest[v]);
    }
  }
  return sum(total);
}

template <typename Element>
static void token_residuals(const void* panel, const SparseRows& z, const float* y,
                            double* squares) {
  const Element* a = static_cast<const Element*>(panel);
  for (int s = 0; s < kStripes; s++) {
    const int at = s * kStripe * kLanes;
    vdouble total[2 * kStripe] = {};
    for (int64_t i = 0; i < z.neurons; i++) {
      vfloat rest[kStripe];
      unexplained(a, z, y, i, at, rest);
      for (int v = 0; v < kStripe; v++) add_squares(total + 2 * v, rest[v]);
    }
    __builtin_memcpy(squares + at, total, sizeof total);
  }
}

template <typename Element>
static void token(const void* panel, int64_t rows, int t, float* result) {
  const Element* lanes = static_cast<const Element*>(panel) + t / kLanes * kLanes;
  for (int64_t i = 0; i < rows; i++) result[i] = load(lanes + i * kPanel)[t % kLanes];
}
