package org.snmf4j.cuda;

import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.tck.PassConformance;

/** What the conformance suite asks of passes, of fused ones wherever they can be. */
class FusedConformanceTest extends PassConformance {
  @Override
  protected Backend open(int threads) {
    String before = System.getProperty(CudaOptions.PASS);
    System.setProperty(CudaOptions.PASS, "fused");
    try {
      return new CudaBackendProvider().open(new BackendConfig(threads));
    } finally {
      if (before == null) {
        System.clearProperty(CudaOptions.PASS);
      } else {
        System.setProperty(CudaOptions.PASS, before);
      }
    }
  }
}
