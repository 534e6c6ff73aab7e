package org.snmf4j.cuda;

import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.tck.BackendConformance;

/** The conformance suite on the library that {@code snmf4j.cuda.path} names, or on the jar's. */
class CudaConformanceTest extends BackendConformance {
  @Override
  protected Backend open(int threads) {
    return Backends.open(CudaBackendProvider.NAME, new BackendConfig(threads));
  }

  /**
   * No kernel uses host threads, and the host twin is slow; {@code bin/gpu-check} takes them all.
   */
  @Override
  protected int[] threadCounts() {
    return new int[] {1, 3};
  }
}
