package org.snmf4j.tck;

import org.snmf4j.backend.Backend;

/**
 * As {@link NamedBackendConformance}, but only what is about passes: {@code --select-class
 * org.snmf4j.tck.NamedPassConformance}.
 */
class NamedPassConformance extends PassConformance {
  @Override
  protected Backend open(int threads) {
    return NamedBackendConformance.openNamed(threads);
  }
}
