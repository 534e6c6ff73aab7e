package org.snmf4j.tck;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.snmf4j.backend.Backend;

/**
 * The part of {@link BackendConformance} that is about passes over the activations. For a backend
 * that knows several ways of making them: a test that forces one extends this class.
 */
public abstract class PassConformance {
  /** For subclasses. */
  protected PassConformance() {}

  /**
   * Opens the backend under test; the suite closes it. Called many times, and for several backends
   * that are open at once.
   *
   * @param threads host threads to compute with
   */
  protected abstract Backend open(int threads);

  @Nested
  @DisplayName("operations on fp32, fp16 and bf16")
  class StoredOperations extends StoredOperationSuite {
    @Override
    Backend open(int threads) {
      return PassConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("sweeps among candidates")
  class Candidates extends CandidateSuite {
    @Override
    Backend open(int threads) {
      return PassConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("passes: multiplicative step, HALS")
  class Passes extends PassSuite {
    @Override
    Backend open(int threads) {
      return PassConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("passes: penalty")
  class Penalties extends PenaltySuite {
    @Override
    Backend open(int threads) {
      return PassConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("passes: momentum")
  class Momenta extends MomentumSuite {
    @Override
    Backend open(int threads) {
      return PassConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("determinism, threads, memory")
  class Repetition extends RepetitionSuite {
    @Override
    Backend open(int threads) {
      return PassConformance.this.open(threads);
    }
  }
}
