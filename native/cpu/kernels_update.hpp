// Sparse products and coefficient updates. Vectors run along the 64 tokens of a panel.

// A row of a panel is worked on in stripes of this many vectors, held in registers.
constexpr int kStripe = 4;
constexpr int kStripes = kPanel / (kStripe * kLanes);

static void project(const float* a, const SparseColumns& z, float* p) {
  for (int j = 0; j < z.rank; j++) {
    const int64_t from = z.start[j];
    const int64_t to = z.start[j + 1];
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      vfloat sum[kStripe] = {};
      for (int64_t e = from; e < to; e++) {
        const float* row = a + static_cast<int64_t>(z.index[e]) * kPanel + at;
        const vfloat value = splat(z.value[e]);
        for (int v = 0; v < kStripe; v++) sum[v] += value * load(row + v * kLanes);
      }
      for (int v = 0; v < kStripe; v++) store(p + j * kPanel + at + v * kLanes, sum[v]);
    }
  }
}

static void multiply(const SignedRows& q, const float* p, const float* y, float epsilon,
                     float* out) {
  const vfloat zero = {};
  for (int j = 0; j < q.rank; j++) {
    const int32_t positive = q.start[2 * j];
    const int32_t negative = q.start[2 * j + 1];
    const int32_t end = q.start[2 * j + 2];
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      const int64_t here = static_cast<int64_t>(j) * kPanel + at;
      vfloat above[kStripe] = {};
      vfloat below[kStripe] = {};
      for (int32_t e = positive; e < negative; e++) {
        const float* row = y + static_cast<int64_t>(q.index[e]) * kPanel + at;
        const vfloat value = splat(q.value[e]);
        for (int v = 0; v < kStripe; v++) below[v] += value * load(row + v * kLanes);
      }
      for (int32_t e = negative; e < end; e++) {
        const float* row = y + static_cast<int64_t>(q.index[e]) * kPanel + at;
        const vfloat value = splat(q.value[e]);
        for (int v = 0; v < kStripe; v++) above[v] += value * load(row + v * kLanes);
      }
      for (int v = 0; v < kStripe; v++) {
        const vfloat projection = load(p + here + v * kLanes);
        const vfloat up = above[v] + larger(projection, zero);
        const vfloat down = below[v] + larger(-projection, zero) + epsilon;
        store(out + here + v * kLanes, load(y + here + v * kLanes) * square_root(up / down));
      }
    }
  }
}

static double descend(int rank, const float* q, const float* inverse, const float* p, float* y) {
  const vfloat zero = {};
  vdouble gain = {};
  for (int j = 0; j < rank; j++) {
    if (inverse[j] == 0) continue;
    const float* row = q + static_cast<int64_t>(j) * rank;
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      const int64_t here = static_cast<int64_t>(j) * kPanel + at;
      vfloat gradient[kStripe];
      for (int v = 0; v < kStripe; v++) gradient[v] = load(p + here + v * kLanes);
      for (int l = 0; l < rank; l++) {
        const vfloat value = splat(row[l]);
        const float* other = y + static_cast<int64_t>(l) * kPanel + at;
        for (int v = 0; v < kStripe; v++) gradient[v] -= value * load(other + v * kLanes);
      }
      for (int v = 0; v < kStripe; v++) {
        const vfloat old = load(y + here + v * kLanes);
        const vfloat moved = larger(old + gradient[v] * inverse[j], zero);
        const vfloat step = moved - old;
        gain = add_product(gain, step, 2 * gradient[v] - row[j] * step);
        store(y + here + v * kLanes, moved);
      }
    }
  }
  return sum(gain);
}

static double explained(int rank, const float* q, const float* p, const float* y) {
  vdouble total = {};
  for (int j = 0; j < rank; j++) {
    const float* row = q + static_cast<int64_t>(j) * rank;
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      const int64_t here = static_cast<int64_t>(j) * kPanel + at;
      vfloat rest[kStripe];
      for (int v = 0; v < kStripe; v++) rest[v] = 2 * load(p + here + v * kLanes);
      for (int l = 0; l < rank; l++) {
        const vfloat value = splat(row[l]);
        const float* other = y + static_cast<int64_t>(l) * kPanel + at;
        for (int v = 0; v < kStripe; v++) rest[v] -= value * load(other + v * kLanes);
      }
      for (int v = 0; v < kStripe; v++) {
        total = add_product(total, load(y + here + v * kLanes), rest[v]);
      }
    }
  }
  return sum(total);
}

static double dot(const float* x, const float* y, int64_t count) {
  vdouble total[4] = {};
  for (int64_t i = 0; i < count; i += 4 * kLanes) {
    for (int v = 0; v < 4; v++) {
      total[v] = add_product(total[v], load(x + i + v * kLanes), load(y + i + v * kLanes));
    }
  }
  return sum(total[0] + total[1] + (total[2] + total[3]));
}

static double residual(const float* a, const SparseRows& z, const float* y) {
  vdouble total = {};
  for (int64_t i = 0; i < z.neurons; i++) {
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      vfloat rest[kStripe];
      for (int v = 0; v < kStripe; v++) rest[v] = load(a + i * kPanel + at + v * kLanes);
      for (int64_t e = z.start[i]; e < z.start[i + 1]; e++) {
        const float* row = y + static_cast<int64_t>(z.index[e]) * kPanel + at;
        const vfloat value = splat(z.value[e]);
        for (int v = 0; v < kStripe; v++) rest[v] -= value * load(row + v * kLanes);
      }
      for (int v = 0; v < kStripe; v++) total = add_product(total, rest[v], rest[v]);
    }
  }
  return sum(total);
}
