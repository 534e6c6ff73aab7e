/**
 * The CPU backend: C++ kernels (AVX-512, AVX2 or portable, chosen at run time) and OpenBLAS, in
 * float32 with float64 sums.
 */
package org.snmf4j.cpu;
