/*
 * What every native backend does, under the same names: the CPU's library and the GPU's each have
 * all of these functions. How a context comes to be is each library's own (cpu.h, cuda.h).
 *
 * Symbols: A [d, n] activations, Z [d, k] features, Y [k, n] coefficients, P = Z'A, Q = Z'Z,
 * G = YY', C = AY'. Matrices with a token axis are kept in panels of tokens, row after row inside a
 * panel: [panel][row][token]; the last panel is padded with zeros. A may be stored in 16 bits an
 * element; Y is float32, and so are products, whose sums are float32 or float64.
 *
 * Every function returns a status and, unless it is SNMF4J_OK, leaves a message for the calling
 * thread in snmf4j_last_message(). Nothing here prints, exits or throws. After an error all handles
 * stay valid. Calls that share a context must not overlap; the callers serialize them.
 */
#ifndef SNMF4J_OPERATIONS_H
#define SNMF4J_OPERATIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define SNMF4J_API __declspec(dllexport)
#else
#define SNMF4J_API __attribute__((visibility("default")))
#endif

enum {
  SNMF4J_OK = 0,
  SNMF4J_INVALID_ARGUMENT = 1,
  SNMF4J_OUT_OF_MEMORY = 2,
  SNMF4J_NON_FINITE = 3,
  SNMF4J_UNAVAILABLE = 4,
  SNMF4J_INTERNAL = 5
};

/* Element types: of memory handed in the first two, of panels all but the second. */
enum {
  SNMF4J_FLOAT32 = 0,
  SNMF4J_FLOAT64 = 1,
  SNMF4J_FLOAT16 = 2, /* IEEE 754 binary16, at most 65504 */
  SNMF4J_BFLOAT16 = 3 /* the upper half of a float32 */
};

/* What a pass computes of the updated coefficients. */
enum {
  SNMF4J_REFRESH_NONE = 0,
  SNMF4J_REFRESH_GRAM = 1,
  SNMF4J_REFRESH_SUPPORT = 2,
  SNMF4J_REFRESH_DENSE = 3
};

/* How a pass updates the coefficients. */
enum { SNMF4J_RULE_MULTIPLICATIVE = 0, SNMF4J_RULE_HALS = 1, SNMF4J_RULE_LEAST_SQUARES = 2 };

typedef struct snmf4j_context snmf4j_context;
typedef struct snmf4j_panels snmf4j_panels;
typedef struct snmf4j_features snmf4j_features;
typedef struct snmf4j_statistics snmf4j_statistics;

/* Message of the calling thread's last failed call; valid until its next call. */
SNMF4J_API const char* snmf4j_last_message(void);

SNMF4J_API int snmf4j_context_destroy(snmf4j_context* context);
/* Bytes held by the context, its handles and workspaces: use[0] now, use[1] at most. */
SNMF4J_API int snmf4j_context_memory(const snmf4j_context* context, int64_t* use);
SNMF4J_API int snmf4j_context_reset_peak(snmf4j_context* context);

/*
 * Panels for [rows, tokens]. `type` is not SNMF4J_FLOAT64, and for Y SNMF4J_FLOAT32. Zeroed if
 * `clear`; otherwise they hold anything until all rows of all tokens have been written.
 */
SNMF4J_API int snmf4j_panels_create(snmf4j_context* context, int type, int64_t rows, int64_t tokens,
                                    int clear, snmf4j_panels** result);
SNMF4J_API int snmf4j_panels_destroy(snmf4j_panels* panels);
/*
 * A read-only view of every stride-th full panel (of the only panel, if it is not full), which must
 * not outlive `panels`. `squares`, if not null, receives the sum of its squares.
 */
SNMF4J_API int snmf4j_panels_sample(const snmf4j_panels* panels, int64_t stride,
                                    snmf4j_panels** result, double* squares);
/* Tokens of the panels. */
SNMF4J_API int64_t snmf4j_panels_tokens(const snmf4j_panels* panels);
/*
 * Packs rows [row, row + rows) of all tokens from a source of row after row, `stride` elements
 * apart, of SNMF4J_FLOAT32 or SNMF4J_FLOAT64. Elements are rounded to the panels' type, to nearest
 * and ties to even, float64 ones to float32 before that. `squares`, if not null, receives the sum
 * of the squares of the rounded ones.
 * SNMF4J_NON_FINITE if an element is not finite, rounds to an infinity, or is so large that float32
 * cannot hold a few of its squares (4e18); the panels then hold garbage.
 */
SNMF4J_API int snmf4j_panels_write_rows(snmf4j_panels* panels, int type, const void* source,
                                        int64_t stride, int64_t row, int64_t rows, double* squares);
/*
 * Packs tokens [token, token + tokens) of all rows from a source of token after token; `token`
 * must be a multiple of 64, and so must `tokens` unless they are the last.
 */
SNMF4J_API int snmf4j_panels_write_tokens(snmf4j_panels* panels, int type, const void* source,
                                          int64_t stride, int64_t token, int64_t tokens,
                                          double* squares);
/* Unpacks rows [row, row + rows) as float32, row after row, `stride` elements apart. */
SNMF4J_API int snmf4j_panels_read_rows(const snmf4j_panels* panels, float* target, int64_t stride,
                                       int64_t row, int64_t rows);

/* Zero features [neurons, rank]. */
SNMF4J_API int snmf4j_features_create(snmf4j_context* context, int64_t neurons, int rank,
                                      snmf4j_features** result);
SNMF4J_API int snmf4j_features_destroy(snmf4j_features* features);
/*
 * Sets neurons [neuron, neuron + neurons), row after row of `rank` elements. SNMF4J_NON_FINITE if an
 * element is not finite as float32; those before it are set.
 */
SNMF4J_API int snmf4j_features_write(snmf4j_features* features, int type, const void* source,
                                     int64_t neuron, int64_t neurons);
SNMF4J_API int snmf4j_features_read(const snmf4j_features* features, float* target, int64_t neuron,
                                    int64_t neurons);
/* Keeps per column the entries of at least the keep-th largest magnitude. */
SNMF4J_API int snmf4j_features_winner_take_all(snmf4j_features* features, int64_t keep);
SNMF4J_API int snmf4j_features_scale(snmf4j_features* features, const double* factors);
/* Columns to an orthonormal basis of their span, in order; one that depends on others to zero. */
SNMF4J_API int snmf4j_features_orthonormalize(snmf4j_features* features);
/* result [d, k] = left [d, r] right [r, k], all dense. */
SNMF4J_API int snmf4j_features_multiply(const snmf4j_features* left, const snmf4j_features* right,
                                        snmf4j_features* result);

SNMF4J_API int snmf4j_statistics_create(snmf4j_context* context, int64_t neurons, int rank,
                                        snmf4j_statistics** result);
SNMF4J_API int snmf4j_statistics_destroy(snmf4j_statistics* statistics);
/* G, row after row. */
SNMF4J_API int snmf4j_statistics_gram(const snmf4j_statistics* statistics, double* gram);
/* Sums of Y's rows, [rank]. */
SNMF4J_API int snmf4j_statistics_row_sums(const snmf4j_statistics* statistics, double* sums);
/* Neurons [neuron, neuron + neurons) of C, row after row of `rank` elements. */
SNMF4J_API int snmf4j_statistics_cross(const snmf4j_statistics* statistics, float* target,
                                       int64_t neuron, int64_t neurons);

/* C = AY' and G = YY'. */
SNMF4J_API int snmf4j_dense_statistics(const snmf4j_panels* a, const snmf4j_panels* y,
                                       snmf4j_statistics* result);
/* Z = C (G + ridge I)^-1 in float64; the ridge grows until G + ridge I factors. */
SNMF4J_API int snmf4j_ridge_solve(const snmf4j_statistics* statistics, double ridge,
                                  snmf4j_features* result);
/*
 * One sweep over the columns of Z, each solved exactly: with b = C_j - Z G_j + z_j G_jj and b_S its
 * `keep` entries of largest magnitude, z_j = b_S / |b_S| max(0, |b_S| - penalty * rowsum_j) / G_jj.
 */
SNMF4J_API int snmf4j_sweep_columns(const snmf4j_statistics* statistics, snmf4j_features* z,
                                    int64_t keep, double penalty);
/*
 * The same with b_S chosen among the entries that are not zero in z_j or in column j of
 * `candidates`, other features of this shape; only there C is read.
 */
SNMF4J_API int snmf4j_sweep_candidates(const snmf4j_statistics* statistics, snmf4j_features* z,
                                       snmf4j_features* candidates, int64_t keep, double penalty);
/*
 * Least squares on the support of Z, row by row, to which entries move `relaxation` times as far,
 * at least 1 and below 2; see Backend.refit.
 */
SNMF4J_API int snmf4j_refit(const snmf4j_statistics* statistics, snmf4j_features* z, double penalty,
                            double relaxation);

/*
 * Zeroes dead features, their coefficients and their statistics, which are those of Y, and seeds
 * them with the residuals of the worst tokens; see Backend.revive. `dead` receives how
 * many there were, `revived` how many of them have a seed.
 */
SNMF4J_API int snmf4j_revive(const snmf4j_panels* a, snmf4j_statistics* statistics,
                             snmf4j_features* z, snmf4j_panels* y, int64_t keep, int* dead,
                             int* revived);

/* What a pass does to the coefficients. */
typedef struct snmf4j_update {
  int rule;                    /* SNMF4J_RULE_* */
  double epsilon;              /* multiplicative: keeps the quotient finite; positive */
  int sweeps;                  /* HALS, least squares: most sweeps over a panel; at least 1 */
  double tolerance;            /* HALS, least squares: relative gain below which a panel is done */
  double penalty;              /* HALS, least squares: lambda of penalty * sum |z_j| |y_j|_1 */
  double relaxation;           /* HALS: steps by so many times; at least 1 and below 2 */
  const double* row_scale;     /* [rank], multiplies Y's rows while they are read; may be null */
  const snmf4j_panels* before; /* the coefficients before Y; may be null */
  double beta;                 /* with `before`, max(0, Y + beta (Y - before)) is read */
  snmf4j_features* support;    /* where SNMF4J_REFRESH_SUPPORT wants C beside Z's support, or null */
} snmf4j_update;

/*
 * One pass over A: P, Y' = rule(Y, P, Q) and what `refresh` asks for. `sums` receives <P,Y'> and,
 * with a refresh, <Q,G> and sum_j |z_j| rowsum_j: three values. `result` may be `y` but not
 * `before`.
 */
SNMF4J_API int snmf4j_pass(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_update* update,
                           const snmf4j_panels* y, snmf4j_panels* result, int refresh,
                           snmf4j_statistics* statistics, double* sums);
/* C = U C' for statistics of rank k in r coordinates; G and the row sums are copied. */
SNMF4J_API int snmf4j_expand(const snmf4j_features* basis, const snmf4j_statistics* coordinates,
                             snmf4j_statistics* result);
/* New panels [r, tokens] of U'A for dense U [d, r]; `squares` receives the sum of their squares. */
SNMF4J_API int snmf4j_compress(const snmf4j_panels* a, const snmf4j_features* basis,
                               snmf4j_panels** result, double* squares);
/* P = Z'A. */
SNMF4J_API int snmf4j_project(const snmf4j_panels* a, snmf4j_features* z, snmf4j_panels* result);
/* |A - ZY|^2 from the residual itself. */
SNMF4J_API int snmf4j_residual(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_panels* y,
                               double* result);

#ifdef __cplusplus
}
#endif
#endif
