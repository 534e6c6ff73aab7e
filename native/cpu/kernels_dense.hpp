// Dense products: C += AY' straight from the panels, and G += YY' in float64.
//
// Both are outer products over the tokens of a panel: broadcast an element of one factor, multiply
// a vector of the other. A tile of the result stays in registers for all 64 tokens, so neither
// factor needs the repacking that a general matrix product does.

template <int kRows, int kVectors>
static inline void cross_tile(const float* a, const float* yt, int padded, float* c) {
  vfloat tile[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) tile[i][v] = load(c + i * padded + v * kLanes);
  }
#pragma GCC unroll 2
  for (int t = 0; t < kPanel; t++) {
    vfloat row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) row[v] = load(yt + t * padded + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++) {
      const vfloat value = splat(a[i * kPanel + t]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) tile[i][v] += value * row[v];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) store(c + i * padded + v * kLanes, tile[i][v]);
  }
}

template <int kRows>
static inline void cross_rows(const float* a, const float* yt, int padded, float* c) {
  int j = 0;
  for (; j + 2 * kLanes <= padded; j += 2 * kLanes) {
    cross_tile<kRows, 2>(a, yt + j, padded, c + j);
  }
  for (; j < padded; j += kLanes) cross_tile<kRows, 1>(a, yt + j, padded, c + j);
}

// Rows of a panel as floats: where they are, or else widened to `scratch`, once for all columns.
template <int kRows>
static inline const float* rows_of(const float* a, float*) {
  return a;
}

template <int kRows, typename Element>
static inline const float* rows_of(const Element* a, float* scratch) {
  widen<Element>(a, kRows * kPanel, scratch);
  return scratch;
}

template <typename Element>
static void cross(const void* panel, int64_t d, const float* yt, int padded, float* c,
                  const void* next_panel) {
  const Element* a = static_cast<const Element*>(panel);
  const Element* next = static_cast<const Element*>(next_panel);
  constexpr int kLine = 64 / sizeof(Element);
  alignas(64) float scratch[SNMF4J_TILE_ROWS * kPanel];
  int64_t i = 0;
  for (; i + SNMF4J_TILE_ROWS <= d; i += SNMF4J_TILE_ROWS) {
    if (next != nullptr) {
      for (int e = 0; e < SNMF4J_TILE_ROWS * kPanel; e += kLine) {
        __builtin_prefetch(next + i * kPanel + e, 0, 2);
      }
    }
    cross_rows<SNMF4J_TILE_ROWS>(rows_of<SNMF4J_TILE_ROWS>(a + i * kPanel, scratch), yt, padded,
                                 c + i * padded);
  }
  for (; i + 4 <= d; i += 4) {
    cross_rows<4>(rows_of<4>(a + i * kPanel, scratch), yt, padded, c + i * padded);
  }
  for (; i < d; i++) {
    cross_rows<1>(rows_of<1>(a + i * kPanel, scratch), yt, padded, c + i * padded);
  }
}

constexpr int kGramRows = 4;
constexpr int kGramVectors = 2;
constexpr int kSumRows = SNMF4J_LANES == 16 ? 8 : 4;
static_assert(kRankStep % kGramRows == 0 && kRankStep % (kGramVectors * kWide) == 0 &&
                  kRankStep % kSumRows == 0 && kRankStep % kLanes == 0,
              "the padded rank must be a whole number of tiles");

// Adds the products of kSumRows rows with kVectors vectors of rows over the 64 tokens.
template <int kVectors>
static inline void gram_tile(const float* left, const float* right, int padded, Pace& pace,
                             float* g) {
  vfloat tile[kSumRows][kVectors] = {};
#pragma GCC unroll 2
  for (int t = 0; t < kPanel; t++) {
    pace.step();
    vfloat row[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; v++) row[v] = load(right + t * padded + v * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kSumRows; i++) {
      const vfloat value = splat(left[t * padded + i]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; v++) tile[i][v] += value * row[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kSumRows; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; v++) {
      float* target = g + static_cast<int64_t>(i) * padded + v * kLanes;
      store(target, load(target) + tile[i][v]);
    }
  }
}

static void gram(const float* yt, int padded, float* g, const Fetch& fetch) {
  // About as many tiles as half of the square has.
  const int tiles = (padded / kSumRows) * (padded / (kGramVectors * kLanes) + 1) / 2;
  Pace pace(fetch, static_cast<int64_t>(tiles) * kPanel);
  for (int j = 0; j < padded; j += kSumRows) {
    float* row = g + static_cast<int64_t>(j) * padded;
    int l = 0;
    for (; l + kLanes < j + kSumRows && l + kGramVectors * kLanes <= padded;
         l += kGramVectors * kLanes) {
      gram_tile<kGramVectors>(yt + j, yt + l, padded, pace, row + l);
    }
    for (; l < j + kSumRows; l += kLanes) gram_tile<1>(yt + j, yt + l, padded, pace, row + l);
  }
}

static void gram_wide(const double* y, int padded, double* g) {
  for (int j = 0; j < padded; j += kGramRows) {
    for (int l = 0; l < j + kGramRows; l += kGramVectors * kWide) {
      vdouble tile[kGramRows][kGramVectors];
#pragma GCC unroll 4
      for (int i = 0; i < kGramRows; i++) {
#pragma GCC unroll 2
        for (int v = 0; v < kGramVectors; v++) {
          tile[i][v] = load(g + static_cast<int64_t>(j + i) * padded + l + v * kWide);
        }
      }
      for (int t = 0; t < kPanel; t++) {
        const double* row = y + static_cast<int64_t>(t) * padded;
        vdouble right[kGramVectors];
#pragma GCC unroll 2
        for (int v = 0; v < kGramVectors; v++) right[v] = load(row + l + v * kWide);
#pragma GCC unroll 4
        for (int i = 0; i < kGramRows; i++) {
          const vdouble value = splat(row[j + i]);
#pragma GCC unroll 2
          for (int v = 0; v < kGramVectors; v++) tile[i][v] += value * right[v];
        }
      }
#pragma GCC unroll 4
      for (int i = 0; i < kGramRows; i++) {
#pragma GCC unroll 2
        for (int v = 0; v < kGramVectors; v++) {
          store(g + static_cast<int64_t>(j + i) * padded + l + v * kWide, tile[i][v]);
        }
      }
    }
  }
}

static void settle(float* some, double* total, int64_t count) {
  const vfloat zero = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    vdouble wide[2] = {load(total + i), load(total + i + kWide)};
    add_halves(wide, load(some + i));
    store(total + i, wide[0]);
    store(total + i + kWide, wide[1]);
    store(some + i, zero);
  }
}

// Neurons whose part of a panel stays in the innermost cache while all features take it.
constexpr int64_t kProjectRows = 96;

// P += Z'A for kRows features and kVectors vectors of tokens; the first neurons start P.
template <int kRows, int kVectors, typename Element>
static inline void project_tile(const Element* a, int64_t count, const float* z, int64_t d, bool first,
                                float* p) {
  vfloat tile[kRows][kVectors];
#pragma GCC unroll 16
  for (int j = 0; j < kRows; j++) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      tile[j][v] = first ? vfloat{} : load(p + j * kPanel + v * kLanes);
    }
  }
  for (int64_t i = 0; i < count; i++) {
    vfloat row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) row[v] = load(a + i * kPanel + v * kLanes);
#pragma GCC unroll 16
    for (int j = 0; j < kRows; j++) {
      const vfloat value = splat(z[j * d + i]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) tile[j][v] += value * row[v];
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < kRows; j++) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) store(p + j * kPanel + v * kLanes, tile[j][v]);
  }
}

template <int kRows, typename Element>
static inline void project_rows(const Element* a, int64_t count, const float* z, int64_t d, bool first,
                                float* p) {
  for (int t = 0; t < kPanel; t += 2 * kLanes) {
    project_tile<kRows, 2>(a + t, count, z, d, first, p + t);
  }
}

template <typename Element>
static void project_dense(const void* panel, int64_t d, const float* z, int rank, float* p,
                          const void* next_panel) {
  const Element* a = static_cast<const Element*>(panel);
  const Element* next = static_cast<const Element*>(next_panel);
  constexpr int kLine = 64 / sizeof(Element);
  for (int64_t from = 0; from < d; from += kProjectRows) {
    const int64_t count = d - from < kProjectRows ? d - from : kProjectRows;
    const bool first = from == 0;
    if (next != nullptr) {
      for (int64_t e = 0; e < count * kPanel; e += kLine) {
        __builtin_prefetch(next + from * kPanel + e, 0, 2);
      }
    }
    const Element* part = a + from * kPanel;
    int j = 0;
    for (; j + SNMF4J_TILE_ROWS <= rank; j += SNMF4J_TILE_ROWS) {
      project_rows<SNMF4J_TILE_ROWS>(part, count, z + j * d + from, d, first, p + j * kPanel);
    }
    for (; j + 4 <= rank; j += 4) {
      project_rows<4>(part, count, z + j * d + from, d, first, p + j * kPanel);
    }
    for (; j < rank; j++) {
      project_rows<1>(part, count, z + j * d + from, d, first, p + j * kPanel);
    }
  }
}
