package org.snmf4j.backend;

import org.snmf4j.error.InvalidArgumentException;

/**
 * How to open a backend.
 *
 * @param threads host threads that compute, BLAS included; at least 1
 */
public record BackendConfig(int threads) {
  /** Most threads that may be asked for. */
  public static final int MAX_THREADS = 1024;

  public BackendConfig {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new InvalidArgumentException("threads", threads, "between 1 and " + MAX_THREADS);
    }
  }

  /** As many threads as the JVM sees processors. */
  public static BackendConfig defaults() {
    return new BackendConfig(Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()));
  }
}
