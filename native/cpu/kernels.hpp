// The inner mathematics on one panel of 64 tokens, compiled once per instruction set.
//
// The files that define these functions are compiled with instructions that the machine may lack,
// so they include no C++ library header: an inline function instantiated there could be the copy
// that the linker keeps for everybody.
#ifndef SNMF4J_CPU_KERNELS_HPP
#define SNMF4J_CPU_KERNELS_HPP

#include <stdint.h>

namespace snmf4j {

constexpr int kPanel = 64;
// Ranks are padded to this many floats, one cache line.
constexpr int kRankStep = 16;

// Columns of Z: entry e in [start[j], start[j + 1]) of column j is value[e] at row index[e].
struct SparseColumns {
  int rank;
  const int64_t* start;
  const int32_t* index;
  const float* value;
};

// Rows of Z, likewise.
struct SparseRows {
  int64_t neurons;
  const int64_t* start;
  const int32_t* index;
  const float* value;
};

// Off the signs of Q: row j's positive entries are at [start[2j], start[2j + 1]), its negative
// ones, as magnitudes, at [start[2j + 1], start[2j + 2]).
struct SignedRows {
  int rank;
  const int32_t* start;
  const int32_t* index;
  const float* value;
};

// Elements of stored activations besides float: IEEE 754 binary16, and the upper half of a float.
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

// Nonzeros of a group, whose sums are made together.
constexpr int kGroup = 16;

// Nonzeros in the order in which C is summed on them. A group consists of runs of 8, 4, 2 or 1 that
// lie in one row, so that a load of A's row serves a whole run.
struct SupportGroups {
  int64_t count;            // of groups
  const uint8_t* run;       // length of a group's runs
  const uint64_t* row;      // of the runs, two to a word, the first in the low bits; 8 words a group
  const uint64_t* feature;  // of the nonzeros, four to a word likewise; 4 words a group
};

// Rows of a panel that will be read soon, asked for in passing by kernels that compute more than
// they load.
struct Fetch {
  const char* panel;
  const int32_t* row;
  int64_t count;  // 0 if there is nothing to ask for
  int row_bytes;
};

// Of the elements as they were stored.
struct PackResult {
  double squares;
  bool finite;
};

// What reads and writes panels of one element type; `a` and `panels` point at such elements.
// Arithmetic is in float32 and float64 whatever the type.
struct PanelKernels {
  int bytes;  // of an element

  // P = Z'A from Z's nonzeros; p is [k][64].
  void (*project)(const void* a, const SparseColumns& z, float* p, const Fetch& fetch);

  // P = Z'A for dense Z, [k][d]; p is [k][64]. Meanwhile fetches `next`, the panel that comes after,
  // into the cache unless it is null.
  void (*project_dense)(const void* a, int64_t d, const float* z, int rank, float* p,
                        const void* next);

  // c[e] += C at the e-th nonzero of the groups.
  void (*support_cross)(const void* a, const SupportGroups& z, const float* y, float* c,
                        const Fetch& fetch);

  // C += AY' for rows [0, d); yt is Y transposed, [64][padded], c [d][padded]. Meanwhile fetches
  // `next`, the panel that comes after, into the cache unless it is null.
  void (*cross)(const void* a, int64_t d, const float* yt, int padded, float* c, const void* next);

  // |A - ZY|^2.
  double (*residual)(const void* a, const SparseRows& z, const float* y);

  // The same token by token, [64].
  void (*token_residuals)(const void* a, const SparseRows& z, const float* y, double* squares);

  // Token t of a panel, [rows], as float32.
  void (*token)(const void* a, int64_t rows, int t, float* result);

  // Sum of the squares of count elements, a multiple of 64.
  double (*squares)(const void* a, int64_t count);

  // count elements, a multiple of 64, as float32.
  void (*widen)(const void* a, int64_t count, float* result);

  // Row-major source to the panels that hold its tokens, rounded to the nearest element, ties to
  // even; what is beyond the type is not finite. `panels` points at the panel of the first of
  // `tokens` tokens, at the row where the source begins; the panels have `height` rows. Pads the
  // last panel.
  PackResult (*pack_rows32)(const float* source, int64_t stride, int64_t rows, int64_t tokens,
                            void* panels, int64_t height);
  PackResult (*pack_rows64)(const double* source, int64_t stride, int64_t rows, int64_t tokens,
                            void* panels, int64_t height);

  // Token-major source of up to 64 tokens to one panel, likewise.
  PackResult (*pack_tokens32)(const float* source, int64_t stride, int64_t rows, int64_t tokens,
                              void* panel);
  PackResult (*pack_tokens64)(const double* source, int64_t stride, int64_t rows, int64_t tokens,
                              void* panel);
};

struct Kernels {
  const char* name;

  // out = y * sqrt((P+ + Q-y) / (P- + Q+y + epsilon)); out may not be y.
  void (*multiply)(const SignedRows& q, const float* p, const float* y, float epsilon, float* out);

  // out = max(0, y + beta (y - before)) over count floats, a multiple of 64.
  void (*extrapolate)(const float* y, const float* before, float beta, int64_t count, float* out);

  // One sweep of coordinate descent on y, in place; q is [k][k], inverse [k] holds 1 / Q_jj or 0,
  // shift [k] is subtracted from the rows of P. Returns by how much |a - Zy|^2 + 2 <shift, y> fell.
  double (*descend)(int rank, const float* q, const float* inverse, const float* shift,
                    const float* p, float* y, const Fetch& fetch);

  // 2<P - shift,Y> - <QY,Y>.
  double (*explained)(int rank, const float* q, const float* shift, const float* p, const float* y);

  // sums [k] += the sums of y's rows, in float64.
  void (*row_sums)(const float* y, int rank, double* sums);

  // <x, y> over count floats, a multiple of 64, summed in float64.
  double (*dot)(const float* x, const float* y, int64_t count);

  // Lower triangle of G += YY' in float32; yt is Y transposed, [64][padded], g [padded][padded].
  void (*gram)(const float* yt, int padded, float* g, const Fetch& fetch);

  // The same in float64.
  void (*gram_wide)(const double* yt, int padded, double* g);

  // total += some, and some = 0, over count elements, a multiple of 16.
  void (*settle)(float* some, double* total, int64_t count);

  // y [k][64] to yt [64][padded] and, in float64, to wide if not null; padding stays as it is.
  void (*transpose)(const float* y, int rank, int padded, float* yt, double* wide);

  PanelKernels float32;
  PanelKernels float16;
  PanelKernels bfloat16;
};

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace snmf4j

#endif
