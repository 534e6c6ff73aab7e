// Sparse products and coefficient updates. Vectors run along the 64 tokens of a panel.

// A row of a panel is worked on in stripes of this many vectors, held in registers.
constexpr int kStripe = 4;
constexpr int kStripes = kPanel / (kStripe * kLanes);

// Two nonzeros at a time: a sum waits for its last addition as long as another can be made.
template <typename Element>
static void project(const void* panel, const SparseColumns& z, float* p, const Fetch& fetch) {
  constexpr int kElement = static_cast<int>(sizeof(Element));
  constexpr int kRowsAhead = kBytesAhead / (kPanel * kElement);
  constexpr int kStripeBytes = kStripe * kLanes * kElement;
  const Element* a = static_cast<const Element*>(panel);
  const int64_t total = z.start[z.rank];
  Pace pace(fetch, total / 2 * kStripes);
  for (int j = 0; j < z.rank; j++) {
    const int64_t to = z.start[j + 1];
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      vfloat sum[kStripe] = {};
      vfloat other[kStripe] = {};
      int64_t e = z.start[j];
      for (; e + 1 < to; e += 2) {
        pace.step();
        const int64_t later = e + kRowsAhead + 1 < total ? e + kRowsAhead : e;
        look_ahead<kStripeBytes>(a + static_cast<int64_t>(z.index[later]) * kPanel + at);
        look_ahead<kStripeBytes>(a + static_cast<int64_t>(z.index[later + 1]) * kPanel + at);
        const Element* row = a + static_cast<int64_t>(z.index[e]) * kPanel + at;
        const Element* next = a + static_cast<int64_t>(z.index[e + 1]) * kPanel + at;
        const vfloat value = splat(z.value[e]);
        const vfloat next_value = splat(z.value[e + 1]);
        for (int v = 0; v < kStripe; v++) sum[v] += value * load(row + v * kLanes);
        for (int v = 0; v < kStripe; v++) other[v] += next_value * load(next + v * kLanes);
      }
      if (e < to) {
        const Element* row = a + static_cast<int64_t>(z.index[e]) * kPanel + at;
        const vfloat value = splat(z.value[e]);
        for (int v = 0; v < kStripe; v++) sum[v] += value * load(row + v * kLanes);
      }
      for (int v = 0; v < kStripe; v++) store(p + j * kPanel + at + v * kLanes, sum[v] + other[v]);
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

static void extrapolate(const float* y, const float* before, float beta, int64_t count,
                        float* out) {
  const vfloat zero = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    const vfloat now = load(y + i);
    store(out + i, larger(now + beta * (now - load(before + i)), zero));
  }
}

// Rows [j, j + kRows) of P - shift - QY on a stripe of tokens: several rows share each load of Y.
template <int kRows>
static inline void gradient_block(int rank, const float* q, const float* shift, const float* p,
                                  const float* y, int j, int at, Pace& pace,
                                  vfloat (&block)[kRows][kStripe]) {
#pragma GCC unroll 8
  for (int b = 0; b < kRows; b++) {
#pragma GCC unroll 4
    for (int v = 0; v < kStripe; v++) {
      block[b][v] = load(p + static_cast<int64_t>(j + b) * kPanel + at + v * kLanes) - shift[j + b];
    }
  }
  for (int l = 0; l < rank; l++) {
    pace.step();
    const float* other = y + static_cast<int64_t>(l) * kPanel + at;
    vfloat row[kStripe];
#pragma GCC unroll 4
    for (int v = 0; v < kStripe; v++) row[v] = load(other + v * kLanes);
#pragma GCC unroll 8
    for (int b = 0; b < kRows; b++) {
      const vfloat value = splat(q[static_cast<int64_t>(j + b) * rank + l]);
#pragma GCC unroll 4
      for (int v = 0; v < kStripe; v++) block[b][v] -= value * row[v];
    }
  }
}

// Updates rows [j, j + kRows) one after the other; each step corrects the gradients after it.
template <int kRows>
static inline void descend_block(int rank, const float* q, const float* inverse, const float* shift,
                                 const float* p, float* y, int j, Pace& pace, vdouble& gain) {
  const vfloat zero = {};
  for (int s = 0; s < kStripes; s++) {
    const int at = s * kStripe * kLanes;
    vfloat gradient[kRows][kStripe];
    gradient_block<kRows>(rank, q, shift, p, y, j, at, pace, gradient);
    vfloat some = {};
#pragma GCC unroll 8
    for (int b = 0; b < kRows; b++) {
      const float diagonal = q[static_cast<int64_t>(j + b) * rank + j + b];
      float* row = y + static_cast<int64_t>(j + b) * kPanel + at;
#pragma GCC unroll 4
      for (int v = 0; v < kStripe; v++) {
        const vfloat old = load(row + v * kLanes);
        // A feature without neurons has no reciprocal and keeps its coefficients.
        const vfloat moved =
            inverse[j + b] > 0 ? larger(old + gradient[b][v] * inverse[j + b], zero) : old;
        const vfloat step = moved - old;
        some += step * (2 * gradient[b][v] - diagonal * step);
        store(row + v * kLanes, moved);
#pragma GCC unroll 8
        for (int later = b + 1; later < kRows; later++) {
          gradient[later][v] -= splat(q[static_cast<int64_t>(j + later) * rank + j + b]) * step;
        }
      }
    }
    gain = add_product(gain, some, splat(1.0f));
  }
}

static double descend(int rank, const float* q, const float* inverse, const float* shift,
                      const float* p, float* y, const Fetch& fetch) {
  vdouble gain = {};
  Pace pace(fetch, static_cast<int64_t>(rank) * (rank / SNMF4J_BLOCK_ROWS + 1) * kStripes);
  int j = 0;
  for (; j + SNMF4J_BLOCK_ROWS <= rank; j += SNMF4J_BLOCK_ROWS) {
    descend_block<SNMF4J_BLOCK_ROWS>(rank, q, inverse, shift, p, y, j, pace, gain);
  }
  for (; j + 2 <= rank; j += 2) descend_block<2>(rank, q, inverse, shift, p, y, j, pace, gain);
  if (j < rank) descend_block<1>(rank, q, inverse, shift, p, y, j, pace, gain);
  return sum(gain);
}

template <int kRows>
static inline void explained_block(int rank, const float* q, const float* shift, const float* p,
                                   const float* y, int j, Pace& pace, vdouble& total) {
  for (int s = 0; s < kStripes; s++) {
    const int at = s * kStripe * kLanes;
    vfloat rest[kRows][kStripe];
    gradient_block<kRows>(rank, q, shift, p, y, j, at, pace, rest);
#pragma GCC unroll 8
    for (int b = 0; b < kRows; b++) {
      const int64_t here = static_cast<int64_t>(j + b) * kPanel + at;
#pragma GCC unroll 4
      for (int v = 0; v < kStripe; v++) {
        const vfloat twice = rest[b][v] + load(p + here + v * kLanes) - shift[j + b];
        total = add_product(total, load(y + here + v * kLanes), twice);
      }
    }
  }
}

static double explained(int rank, const float* q, const float* shift, const float* p,
                        const float* y) {
  vdouble total = {};
  Pace pace(Fetch{}, 0);
  int j = 0;
  for (; j + SNMF4J_BLOCK_ROWS <= rank; j += SNMF4J_BLOCK_ROWS) {
    explained_block<SNMF4J_BLOCK_ROWS>(rank, q, shift, p, y, j, pace, total);
  }
  for (; j < rank; j++) explained_block<1>(rank, q, shift, p, y, j, pace, total);
  return sum(total);
}

// The sums of kLanes vectors, as a vector, in log2(kLanes) rounds. Each takes two vectors to one:
// lanes with the round's bit hold sums of the second, the others of the first.
template <int kCount>
static inline vfloat sum_each(vfloat (&rows)[kCount]) {
  if constexpr (kCount == 1) {
    return rows[0];
  } else {
    constexpr int kBit = kLanes / kCount;
    vindex second, across;
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) {
      second[i] = (i & kBit) != 0 ? -1 : 0;
      across[i] = i ^ kBit;
    }
    vfloat half[kCount / 2];
#pragma GCC unroll 16
    for (int i = 0; i < kCount / 2; i++) {
      const vfloat here = second ? rows[2 * i + 1] : rows[2 * i];
      const vfloat there = second ? rows[2 * i] : rows[2 * i + 1];
      half[i] = here + __builtin_shuffle(there, across);
    }
    return sum_each<kCount / 2>(half);
  }
}

// One group, in vectors of sums of kLanes nonzeros each.
template <int kRun, typename Element>
static inline void support_group(const Element* a, const uint64_t* rows, const uint64_t* features,
                                 const float* y, Pace& pace, float* c) {
  constexpr int kShare = kRun < kLanes ? kRun : kLanes;
  for (int from = 0; from < kGroup; from += kLanes) {
    vfloat products[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i += kShare) {
      const int run = (from + i) / kRun;
      const uint64_t number = rows[run / 2] >> (32 * (run % 2)) & 0xffffffff;
      const Element* row = a + number * kPanel;
      const float* other[kShare];
#pragma GCC unroll 8
      for (int r = 0; r < kShare; r++) {
        pace.step();
        const int e = from + i + r;
        other[r] = y + (features[e / 4] >> (16 * (e % 4)) & 0xffff) * kPanel;
      }
      const vfloat first = load(row);
#pragma GCC unroll 8
      for (int r = 0; r < kShare; r++) products[i + r] = first * load(other[r]);
#pragma GCC unroll 16
      for (int t = kLanes; t < kPanel; t += kLanes) {
        const vfloat x = load(row + t);
#pragma GCC unroll 8
        for (int r = 0; r < kShare; r++) products[i + r] += x * load(other[r] + t);
      }
    }
    store(c + from, load(c + from) + sum_each(products));
  }
}

// Groups whose rows are asked for ahead.
constexpr int64_t kGroupsAhead = 2;

template <typename Element>
static void support_cross(const void* panel, const SupportGroups& z, const float* y, float* c,
                          const Fetch& fetch) {
  const Element* a = static_cast<const Element*>(panel);
  Pace pace(fetch, z.count * kGroup);
  for (int64_t g = 0; g < z.count; g++) {
    const uint64_t* row = z.row + g * (kGroup / 2);
    const uint64_t* feature = z.feature + g * (kGroup / 4);
    if (g + kGroupsAhead < z.count) {
      const uint64_t* later = row + kGroupsAhead * (kGroup / 2);
      for (int r = 0; r < kGroup / z.run[g + kGroupsAhead]; r++) {
        const uint64_t number = later[r / 2] >> (32 * (r % 2)) & 0xffffffff;
        look_ahead<kPanel * static_cast<int>(sizeof(Element))>(a + number * kPanel);
      }
    }
    if (z.run[g] == 8) {
      support_group<8>(a, row, feature, y, pace, c + g * kGroup);
    } else if (z.run[g] == 4) {
      support_group<4>(a, row, feature, y, pace, c + g * kGroup);
    } else if (z.run[g] == 2) {
      support_group<2>(a, row, feature, y, pace, c + g * kGroup);
    } else {
      support_group<1>(a, row, feature, y, pace, c + g * kGroup);
    }
  }
}

static void row_sums(const float* y, int rank, double* sums) {
  for (int j = 0; j < rank; j++) {
    vdouble total[2] = {};
    for (int t = 0; t < kPanel; t += kLanes) {
      add_halves(total, load(y + static_cast<int64_t>(j) * kPanel + t));
    }
    sums[j] += sum(total[0] + total[1]);
  }
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

template <typename Element>
static double squares(const void* panel, int64_t count) {
  const Element* a = static_cast<const Element*>(panel);
  vdouble total[4] = {};
  for (int64_t i = 0; i < count; i += 4 * kLanes) {
    for (int v = 0; v < 4; v++) {
      const vfloat x = load(a + i + v * kLanes);
      total[v] = add_product(total[v], x, x);
    }
  }
  return sum(total[0] + total[1] + (total[2] + total[3]));
}
