package org.snmf4j.tck;

import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;

class JavaBackendConformanceTest extends BackendConformance {
  @Override
  protected Backend open(int threads) {
    return Backends.open("java", new BackendConfig(threads));
  }
}
