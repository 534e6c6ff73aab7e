/*
 * Flat C interface of the CPU kernels: the operations, and what opens them. Tokens are kept in
 * panels of 64.
 *
 * Results depend only on the arguments, the instruction set and the number of threads: work is
 * cut into fixed ranges and partial sums are added in a fixed order.
 */
#ifndef SNMF4J_CPU_H
#define SNMF4J_CPU_H

#include "operations.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SNMF4J_CPU_ABI 4

/* Instruction sets, each including those before it. */
enum { SNMF4J_ISA_BEST = 0, SNMF4J_ISA_PORTABLE = 1, SNMF4J_ISA_AVX2 = 2, SNMF4J_ISA_AVX512 = 3 };

SNMF4J_API int snmf4j_cpu_abi(void);
/* Best instruction set that was compiled in and that this CPU and system run. */
SNMF4J_API int snmf4j_best_isa(void);
/* "portable", "avx2" or "avx512". */
SNMF4J_API const char* snmf4j_isa_name(int isa);

/*
 * Threads, BLAS and workspaces. `blas` is the path of an OpenBLAS shared library with LAPACK; it
 * computes single-threaded while contexts exist, because the context's own threads share the work.
 */
SNMF4J_API int snmf4j_context_create(int threads, int isa, const char* blas,
                                     snmf4j_context** result);
SNMF4J_API int snmf4j_context_isa(const snmf4j_context* context);
/* OpenBLAS' own description of itself. */
SNMF4J_API const char* snmf4j_context_blas(const snmf4j_context* context);

#ifdef __cplusplus
}
#endif
#endif
