package org.snmf4j.tck;

import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;

/**
 * The conformance suite on the backend that the system property {@value #BACKEND} names. For
 * JUnit's console launcher, where there is no build: {@code --select-class
 * org.snmf4j.tck.NamedBackendConformance}.
 */
class NamedBackendConformance extends BackendConformance {
  static final String BACKEND = "snmf4j.tck.backend";

  @Override
  protected Backend open(int threads) {
    String name = System.getProperty(BACKEND);
    if (name == null) {
      throw new IllegalStateException("-D" + BACKEND + " must name the backend to test");
    }
    return Backends.open(name, new BackendConfig(threads));
  }
}
