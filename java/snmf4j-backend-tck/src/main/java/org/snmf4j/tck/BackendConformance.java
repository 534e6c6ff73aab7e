package org.snmf4j.tck;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.snmf4j.backend.Backend;

/**
 * What every backend must pass. A backend's test extends this class and opens the backend; all
 * tests are inherited:
 *
 * <pre>{@code
 * class MyBackendConformanceTest extends BackendConformance {
 *   @Override
 *   protected Backend open(int threads) {
 *     return Backends.open("mine", new BackendConfig(threads));
 *   }
 * }
 * }</pre>
 *
 * <p>A backend whose {@link Backend#elementType()} is FLOAT32 is given the tolerances of float32
 * arithmetic, see {@link Tolerance}.
 */
public abstract class BackendConformance {
  /** For subclasses. */
  protected BackendConformance() {}

  /**
   * Opens the backend under test; the suite closes it. Called many times, and for several backends
   * that are open at once.
   *
   * @param threads host threads to compute with
   */
  protected abstract Backend open(int threads);

  /**
   * Numbers of host threads, at least two, with which whole fits must choose the same neurons; a
   * backend whose arithmetic uses no host threads need not make them so often.
   */
  protected int[] threadCounts() {
    return new int[] {1, 2, 3, 5};
  }

  @Nested
  @DisplayName("packing, upload, download")
  class Data extends DataSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("packing in fp32, fp16 and bf16")
  class Precisions extends PrecisionSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("operations on fp32, fp16 and bf16")
  class StoredOperations extends StoredOperationSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("samples")
  class Samples extends SampleSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("memory used again, least squares from nothing")
  class Reuse extends ReuseSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("statistics and products")
  class Products extends ProductSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("the Gram matrix of many tokens")
  class Grams extends GramSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("bases and products of features")
  class Subspaces extends SubspaceSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("compressed activations")
  class Compressions extends CompressionSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("features: ridge solve, winner-take-all, scaling")
  class FeatureSteps extends FeatureSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("features: column sweep")
  class ColumnSweeps extends ColumnSweepSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("sweeps among candidates")
  class Candidates extends CandidateSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("features: refit on the support")
  class Refits extends RefitSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("features: revival of dead ones")
  class Revivals extends ReviveSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("features: arguments of a revival")
  class RevivalArguments extends ReviveArgumentsSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("passes: multiplicative step, HALS")
  class Passes extends PassSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("passes: penalty")
  class Penalties extends PenaltySuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("passes: momentum")
  class Momenta extends MomentumSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("non-negative least squares")
  class LeastSquares extends LeastSquaresSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("arguments outside their limits")
  class Arguments extends ArgumentSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("use after close, foreign data")
  class Lifecycle extends LifecycleSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("determinism, threads, memory")
  class Repetition extends RepetitionSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("any number of threads")
  class ThreadCount extends ThreadCountSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }

    @Override
    int[] threadCounts() {
      return BackendConformance.this.threadCounts();
    }
  }

  @Nested
  @DisplayName("whole fits")
  class Fits extends FitSuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("recovery of planted features")
  class Recovery extends RecoverySuite {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }

  @Nested
  @DisplayName("parity with the authors' iterates")
  class Parity extends GoldenParity {
    @Override
    Backend open(int threads) {
      return BackendConformance.this.open(threads);
    }
  }
}
