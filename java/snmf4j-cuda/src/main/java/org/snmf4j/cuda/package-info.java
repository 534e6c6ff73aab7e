/**
 * The CUDA backend: our kernels and cuBLAS on an NVIDIA GPU, in float32 with float64 sums. Data
 * that does not fit the device stays in the host's memory and streams through it.
 */
package org.snmf4j.cuda;
