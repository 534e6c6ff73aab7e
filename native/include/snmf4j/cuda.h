/*
 * Flat C interface of the CUDA kernels: the operations, and what opens them.
 *
 * Data lives on the device; activations that do not fit there live in pinned memory of the host and
 * stream through the device in slabs of panels. A call returns when its result can be read.
 *
 * Results depend only on the arguments, the device and the context's options: work is cut into
 * fixed ranges and partial sums are added in a fixed order. A call may come from any host thread.
 */
#ifndef SNMF4J_CUDA_H
#define SNMF4J_CUDA_H

#include "operations.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SNMF4J_CUDA_ABI 3

/* How dense products are computed where cuBLAS has a choice. */
enum {
  SNMF4J_DENSE_FP32 = 0, /* float32 throughout */
  SNMF4J_DENSE_TF32 = 1, /* factors rounded to 11 significant bits, sums in float32 */
  SNMF4J_DENSE_SPLIT = 2 /* bfloat16 A as stored, Y as the sum of two bfloat16; otherwise FP32 */
};

/* A device and the software that drives it; versions as CUDA counts them, 13020 for 13.2. */
typedef struct snmf4j_device {
  char name[256];
  int major, minor; /* compute capability */
  int multiprocessors;
  int shared_bytes; /* shared memory that a block may ask for */
  int64_t total_bytes;
} snmf4j_device;

typedef struct snmf4j_cuda_options {
  int device;           /* its number, from 0 on */
  int dense;            /* SNMF4J_DENSE_* */
  int graphs;           /* not 0: repeated passes are replayed as CUDA graphs */
  int threads;          /* of the host, at least 1: they share the copying of large matrices */
  int64_t memory_limit; /* bytes of device memory to use at most; 0 for all that is free */
  const char* cublas;   /* path of the cuBLAS shared library */
} snmf4j_cuda_options;

SNMF4J_API int snmf4j_cuda_abi(void);
/* Not 0 if this is the host twin: the same kernels, run by the CPU, for tests. */
SNMF4J_API int snmf4j_cuda_is_twin(void);
/* Compute capabilities that have machine code here, "8.0 8.6 …"; newer ones compile it themselves. */
SNMF4J_API const char* snmf4j_cuda_architectures(void);
/* Version of the runtime that this was built with. */
SNMF4J_API int snmf4j_cuda_runtime_version(void);
/* Latest version that the driver supports; 0 if there is no driver. Initializes nothing. */
SNMF4J_API int snmf4j_cuda_driver_version(void);
/* SNMF4J_UNAVAILABLE if there is no driver or it is too old; no devices is not an error. */
SNMF4J_API int snmf4j_cuda_devices(int* count);
/* Takes nothing of the device, unlike a context. */
SNMF4J_API int snmf4j_cuda_describe(int device, snmf4j_device* result);

SNMF4J_API int snmf4j_cuda_context_create(const snmf4j_cuda_options* options,
                                          snmf4j_context** result);
/* Version of cuBLAS, as it counts them. */
SNMF4J_API int snmf4j_cuda_context_cublas_version(const snmf4j_context* context);

#ifdef __cplusplus
}
#endif
#endif
