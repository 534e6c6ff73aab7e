// Moving matrices into panels.

// Transposes a square of kLanes x kLanes floats held in vectors, in log2(kLanes) rounds of pairwise
// exchanges.
static inline void transpose_square(vfloat* rows) {
#pragma GCC unroll 4
  for (int step = 1; step < kLanes; step *= 2) {
    vindex low, high;
    for (int i = 0; i < kLanes; i++) {
      low[i] = (i & step) == 0 ? i : kLanes + i - step;
      high[i] = (i & step) == 0 ? i + step : kLanes + i;
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) {
      if ((i & step) == 0) {
        const vfloat x = rows[i];
        const vfloat y = rows[i + step];
        rows[i] = __builtin_shuffle(x, y, low);
        rows[i + step] = __builtin_shuffle(x, y, high);
      }
    }
  }
}

static void transpose(const float* y, int rank, int padded, float* yt, double* wide) {
  for (int j = 0; j < rank; j += kLanes) {
    const int rows = rank - j < kLanes ? rank - j : kLanes;
    for (int t = 0; t < kPanel; t += kLanes) {
      vfloat square[kLanes];
      for (int i = 0; i < kLanes; i++) {
        square[i] = i < rows ? load(y + static_cast<int64_t>(j + i) * kPanel + t) : vfloat{};
      }
      transpose_square(square);
      for (int i = 0; i < kLanes; i++) {
        const int64_t at = static_cast<int64_t>(t + i) * padded + j;
        store(yt + at, square[i]);
        if (wide != nullptr) {
          vhalf low, high;
          __builtin_memcpy(&low, &square[i], sizeof low);
          __builtin_memcpy(&high, reinterpret_cast<char*>(&square[i]) + sizeof low, sizeof high);
          store(wide + at, __builtin_convertvector(low, vdouble));
          store(wide + at + kWide, __builtin_convertvector(high, vdouble));
        }
      }
    }
  }
}

// Sum of squares and, as NaN or not, whether everything was finite.
struct Check {
  vdouble squares[2] = {};
  vfloat poison = {};

  inline void add(vfloat x, int slot) {
    squares[slot & 1] = add_product(squares[slot & 1], x, x);
    poison += x * 0.0f;
  }

  inline PackResult result() const {
    bool finite = true;
    for (int i = 0; i < kLanes; i++) finite = finite && poison[i] == 0;
    return {sum(squares[0] + squares[1]), finite};
  }
};

// Walks along whole rows of the source: reads stay sequential, and each 256-byte piece goes to
// another panel.
template <typename Source>
static PackResult pack_rows(const Source* source, int64_t stride, int64_t rows, int64_t tokens,
                            float* panels, int64_t height) {
  Check check;
  for (int64_t i = 0; i < rows; i++) {
    const Source* row = source + i * stride;
    for (int64_t token = 0; token < tokens; token += kPanel) {
      float* target = panels + (token / kPanel * height + i) * kPanel;
      for (int t = 0; t < kPanel; t += kLanes) {
        vfloat x = {};
        if (token + t + kLanes <= tokens) {
          x = load_unaligned(row + token + t);
        } else {
          for (int v = 0; v < kLanes; v++) {
            if (token + t + v < tokens) x[v] = static_cast<float>(row[token + t + v]);
          }
        }
        check.add(x, t / kLanes);
        stream(target + t, x);
      }
    }
  }
  stream_fence();
  return check.result();
}

// Neurons that a block of 64 tokens is transposed for at a time, and whose successors are fetched
// meanwhile: hardware does not follow 64 rows at once.
constexpr int kBlock = 64;

template <typename Source>
static PackResult pack_tokens(const Source* source, int64_t stride, int64_t rows, int64_t tokens,
                              float* panel) {
  Check check;
  for (int64_t block = 0; block < rows; block += kBlock) {
    const int64_t end = rows - block < kBlock ? rows : block + kBlock;
    for (int t = 0; t < kPanel; t += kLanes) {
      for (int64_t i = block; i < end; i += kLanes) {
        const int wide = rows - i < kLanes ? static_cast<int>(rows - i) : kLanes;
        vfloat square[kLanes];
        for (int v = 0; v < kLanes; v++) {
          square[v] = vfloat{};
          if (t + v < tokens) {
            const Source* row = source + (t + v) * stride + i;
            if (i + kBlock < rows) __builtin_prefetch(row + kBlock);
            if (wide == kLanes) {
              square[v] = load_unaligned(row);
            } else {
              for (int w = 0; w < wide; w++) square[v][w] = static_cast<float>(row[w]);
            }
            check.add(square[v], v);
          }
        }
        transpose_square(square);
        for (int v = 0; v < wide; v++) stream(panel + (i + v) * kPanel + t, square[v]);
      }
    }
  }
  stream_fence();
  return check.result();
}
