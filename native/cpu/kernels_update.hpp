// Sparse products and coefficient updates. Vectors run along the 64 tokens of a panel.

// A row of a panel is worked on in stripes of this many vectors, held in registers.
constexpr int kStripe = 4;
constexpr int kStripes = kPanel / (kStripe * kLanes);

// Z's rows lie apart in the panel, where the hardware fetches nothing ahead, and waiting loads fill
// the reorder buffer before they fill the memory's queue: so much of a panel is asked for early.
constexpr int kBytesAhead = 8192;

template <typename Element>
constexpr int64_t kRowBytes = kPanel * static_cast<int64_t>(sizeof(Element));

template <int kLocality>
static inline void fetch_line_by_line(const char* at, int64_t bytes) {
  for (int64_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(at + byte, 0, kLocality);
}

// Asks for the next row, if there is one.
static inline void fetch_row(Fetch& fetch) {
  if (fetch.at < fetch.end) {
    fetch_line_by_line<2>(fetch.next + static_cast<int64_t>(fetch.row[fetch.at++]) * fetch.row_bytes,
                          fetch.row_bytes);
  }
}

template <typename Element>
static void project(const void* panel, const SparseColumns& z, float* p) {
  constexpr int kRowsAhead = kBytesAhead / (kPanel * static_cast<int>(sizeof(Element)));
  constexpr int kStripeBytes = kStripe * kLanes * static_cast<int>(sizeof(Element));
  const Element* a = static_cast<const Element*>(panel);
  const int64_t total = z.start[z.rank];
  for (int j = 0; j < z.rank; j++) {
    const int64_t from = z.start[j];
    const int64_t to = z.start[j + 1];
    for (int s = 0; s < kStripes; s++) {
      const int at = s * kStripe * kLanes;
      vfloat sum[kStripe] = {};
      for (int64_t e = from; e < to; e++) {
        const int64_t later = e + kRowsAhead < total ? e + kRowsAhead : e;
        const Element* next = a + static_cast<int64_t>(z.index[later]) * kPanel + at;
        for (int byte = 0; byte < kStripeBytes; byte += 64) {
          __builtin_prefetch(reinterpret_cast<const char*>(next) + byte);
        }
        const Element* row = a + static_cast<int64_t>(z.index[e]) * kPanel + at;
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
                                  const float* y, int j, int at, vfloat (&block)[kRows][kStripe]) {
#pragma GCC unroll 8
  for (int b = 0; b < kRows; b++) {
#pragma GCC unroll 4
    for (int v = 0; v < kStripe; v++) {
      block[b][v] = load(p + static_cast<int64_t>(j + b) * kPanel + at + v * kLanes) - shift[j + b];
    }
  }
  for (int l = 0; l < rank; l++) {
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
                                 const float* p, float* y, int j, vdouble& gain) {
  const vfloat zero = {};
  for (int s = 0; s < kStripes; s++) {
    const int at = s * kStripe * kLanes;
    vfloat gradient[kRows][kStripe];
    gradient_block<kRows>(rank, q, shift, p, y, j, at, gradient);
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
                      const float* p, float* y) {
  vdouble gain = {};
  int j = 0;
  for (; j + SNMF4J_BLOCK_ROWS <= rank; j += SNMF4J_BLOCK_ROWS) {
    descend_block<SNMF4J_BLOCK_ROWS>(rank, q, inverse, shift, p, y, j, gain);
  }
  for (; j < rank; j++) descend_block<1>(rank, q, inverse, shift, p, y, j, gain);
  return sum(gain);
}

template <int kRows>
static inline void explained_block(int rank, const float* q, const float* shift, const float* p,
                                   const float* y, int j, vdouble& total) {
  for (int s = 0; s < kStripes; s++) {
    const int at = s * kStripe * kLanes;
    vfloat rest[kRows][kStripe];
    gradient_block<kRows>(rank, q, shift, p, y, j, at, rest);
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
  int j = 0;
  for (; j + SNMF4J_BLOCK_ROWS <= rank; j += SNMF4J_BLOCK_ROWS) {
    explained_block<SNMF4J_BLOCK_ROWS>(rank, q, shift, p, y, j, total);
  }
  for (; j < rank; j++) explained_block<1>(rank, q, shift, p, y, j, total);
  return sum(total);
}

static void row_sums(const float* y, int rank, double* sums) {
  for (int j = 0; j < rank; j++) {
    vdouble total = {};
    for (int t = 0; t < kPanel; t += kLanes) {
      total = add_product(total, load(y + static_cast<int64_t>(j) * kPanel + t), splat(1.0f));
    }
    sums[j] += sum(total);
  }
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

// <row, coefficients> before its lanes are summed.
template <typename Element>
static inline vfloat row_product(const Element* row, const vfloat* coefficients) {
  vfloat total = load(row) * coefficients[0];
#pragma GCC unroll 16
  for (int t = 1; t < kPanel / kLanes; t++) total += load(row + t * kLanes) * coefficients[t];
  return total;
}

// Rows of the panel at hand that are asked for ahead, from the second cache into the first.
constexpr int kSupportAhead = 32;

template <typename Element>
static void support_cross(const void* panel, const SparseColumns& z, const float* y, float* c,
                          Fetch& fetch) {
  const Element* a = static_cast<const Element*>(panel);
  const int64_t total = z.start[z.rank];
  for (int j = 0; j < z.rank; j++) {
    vfloat coefficients[kPanel / kLanes];
    for (int t = 0; t < kPanel / kLanes; t++) {
      coefficients[t] = load(y + static_cast<int64_t>(j) * kPanel + t * kLanes);
    }
    const int64_t end = z.start[j + 1];
    for (int64_t e = z.start[j]; e < end; e += kLanes) {
      const int count = end - e < kLanes ? static_cast<int>(end - e) : kLanes;
      vfloat products[kLanes] = {};
      for (int i = 0; i < count; i++) {
        const int64_t later = e + i + kSupportAhead < total ? e + i + kSupportAhead : e;
        fetch_line_by_line<3>(reinterpret_cast<const char*>(a) +
                                  z.index[later] * kRowBytes<Element>,
                              kRowBytes<Element>);
        if ((i & 1) == 0) fetch_row(fetch);
        products[i] = row_product(a + static_cast<int64_t>(z.index[e + i]) * kPanel, coefficients);
      }
      const vfloat sums = sum_each(products);
      if (count == kLanes) {
        vfloat target;
        __builtin_memcpy(&target, c + e, sizeof target);
        target += sums;
        __builtin_memcpy(c + e, &target, sizeof target);
      } else {
        for (int i = 0; i < count; i++) c[e + i] += sums[i];
      }
    }
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
