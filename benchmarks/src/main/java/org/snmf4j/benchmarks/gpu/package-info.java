/**
 * What {@code bin/gpu-check} runs on a host with a GPU: the kernels' own tests, the conformance
 * suite, comparisons with the CPU backend, and measurements against the device's peaks.
 */
package org.snmf4j.benchmarks.gpu;
