// Moving matrices into panels.

// One round of the transposition of a square: exchanges halves between rows kStep apart.
template <int kStep>
static inline void exchange(vfloat (&rows)[kLanes]) {
  if constexpr (kStep < kLanes) {
    vindex low, high;
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) {
      low[i] = (i & kStep) == 0 ? i : kLanes + i - kStep;
      high[i] = (i & kStep) == 0 ? i + kStep : kLanes + i;
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) {
      if ((i & kStep) == 0) {
        const vfloat x = rows[i];
        const vfloat y = rows[i + kStep];
        rows[i] = __builtin_shuffle(x, y, low);
        rows[i + kStep] = __builtin_shuffle(x, y, high);
      }
    }
    exchange<2 * kStep>(rows);
  }
}

// Transposes a square of kLanes x kLanes floats held in vectors.
static inline void transpose_square(vfloat (&rows)[kLanes]) { exchange<1>(rows); }

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

// Sum of squares, and whether everything was finite. A few squares are summed in float32 before
// float64 takes over; an infinity or NaN among them shows in that sum, as does anything whose
// square is beyond float32.
struct Check {
  vdouble squares[2] = {};
  vfloat some = {};
  vfloat poison = {};

  inline void add(vfloat x) { some += x * x; }

  inline void flush() {
    vhalf low, high;
    __builtin_memcpy(&low, &some, sizeof low);
    __builtin_memcpy(&high, reinterpret_cast<char*>(&some) + sizeof low, sizeof high);
    squares[0] += __builtin_convertvector(low, vdouble);
    squares[1] += __builtin_convertvector(high, vdouble);
    poison += some * 0.0f;
    some = vfloat{};
  }

  inline PackResult result() const {
    bool finite = true;
    for (int i = 0; i < kLanes; i++) finite = finite && poison[i] == 0;
    return {sum(squares[0] + squares[1]), finite};
  }
};

// Walks along whole rows of the source: reads stay sequential, and each piece of 64 elements goes
// to another panel.
template <typename Element, typename Source>
static PackResult pack_rows(const Source* source, int64_t stride, int64_t rows, int64_t tokens,
                            void* panels, int64_t height) {
  Element* const first = static_cast<Element*>(panels);
  Check check;
  for (int64_t i = 0; i < rows; i++) {
    const Source* row = source + i * stride;
    for (int64_t token = 0; token < tokens; token += kPanel) {
      Element* target = first + (token / kPanel * height + i) * kPanel;
      for (int t = 0; t < kPanel; t += kLanes) {
        vfloat x = {};
        if (token + t + kLanes <= tokens) {
          x = load_unaligned(row + token + t);
        } else {
          for (int v = 0; v < kLanes; v++) {
            if (token + t + v < tokens) x[v] = static_cast<float>(row[token + t + v]);
          }
        }
        const auto stored = Stored<Element>::narrow(x);
        check.add(Stored<Element>::widen(stored));
        stream(target + t, stored);
      }
      check.flush();
    }
  }
  stream_fence();
  return check.result();
}

// A square of kLanes tokens by kLanes neurons at the edge of the source, padded with zeros. Apart
// from the common case, whose vectors then stay in registers.
template <typename Source>
static __attribute__((noinline)) void edge_square(const Source* source, int64_t stride,
                                                  int64_t rows, int64_t tokens, float* square) {
  for (int v = 0; v < kLanes; v++) {
    for (int w = 0; w < kLanes; w++) {
      square[v * kLanes + w] =
          v < tokens && w < rows ? static_cast<float>(source[v * stride + w]) : 0;
    }
  }
}

// Takes as many tokens at a time as a vector has lanes and walks along their rows: so many streams
// the hardware fetches ahead, and all 64 it does not. The walk turns back after a page or so, while
// the lines it writes to are still open.
constexpr int kWalk = 1024;

template <typename Element, typename Source>
static PackResult pack_tokens(const Source* source, int64_t stride, int64_t rows, int64_t tokens,
                              void* panel) {
  typedef typename Stored<Element>::Vector Vector;
  Element* const first = static_cast<Element*>(panel);
  Check check;
  for (int64_t from = 0; from < rows; from += kWalk) {
    const int64_t to = rows - from < kWalk ? rows : from + kWalk;
    for (int t = 0; t < kPanel; t += kLanes) {
      for (int64_t i = from; i < to; i += kLanes) {
        vfloat square[kLanes];
        const bool inside = to - i >= kLanes && tokens - t >= kLanes;
        if (inside) {
#pragma GCC unroll 16
          for (int v = 0; v < kLanes; v++) {
            square[v] = load_unaligned(source + (t + v) * stride + i);
          }
        } else {
          alignas(64) float edge[kLanes * kLanes];
          edge_square(source + t * stride + i, stride, to - i, tokens - t, edge);
#pragma GCC unroll 16
          for (int v = 0; v < kLanes; v++) square[v] = load(edge + v * kLanes);
        }
        transpose_square(square);
        Vector stored[kLanes];
#pragma GCC unroll 16
        for (int v = 0; v < kLanes; v++) {
          stored[v] = Stored<Element>::narrow(square[v]);
          check.add(Stored<Element>::widen(stored[v]));
        }
        check.flush();
        Element* target = first + i * kPanel + t;
        if (to - i >= kLanes) {
#pragma GCC unroll 16
          for (int v = 0; v < kLanes; v++) stream(target + v * kPanel, stored[v]);
        } else {
          const int count = static_cast<int>(to - i);
#pragma GCC unroll 16
          for (int v = 0; v < kLanes; v++) {
            if (v < count) stream(target + v * kPanel, stored[v]);
          }
        }
      }
    }
  }
  stream_fence();
  return check.result();
}
