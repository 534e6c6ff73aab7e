package org.snmf4j.benchmarks;

import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.error.CancelledException;
import org.snmf4j.matrix.Matrix;

/** Whole fits of one problem, packing and initialization included, without a penalty. */
record Fits(Backend backend, Matrix activations, int rank, double density) {
  /**
   * Passes of alternating least squares whose loss may be that of a sample of the tokens; they
   * cannot reach a target.
   */
  private static final int EXPLORE = 10;

  /** A loss, and the time it took. */
  record Fit(double relativeLoss, double seconds) {}

  private SnmfOptions.Builder options(Solver solver, long seed) {
    return SnmfOptions.builder(rank)
        .solver(solver)
        .featureDensity(density)
        .seed(seed)
        .tolerance(0)
        .patience(Integer.MAX_VALUE);
  }

  /** All iterations, from the solver's own start: the multiplicative algorithm's is random. */
  Fit run(Solver solver, int iterations, long seed) {
    long begin = System.nanoTime();
    SnmfOptions options = options(solver, seed).maxIterations(iterations).build();
    try (SnmfModel model = Snmf.fit(activations, options, backend)) {
      return new Fit(model.report().relativeLoss(), (System.nanoTime() - begin) * 1e-9);
    }
  }

  /**
   * Alternating least squares until all tokens are fitted that well.
   *
   * @throws IllegalStateException if a thousand passes do not reach the target
   */
  Fit alsTo(double target, long seed) {
    long begin = System.nanoTime();
    double[] reached = {Double.NaN};
    SnmfOptions options =
        options(Solver.ALS, seed)
            .maxIterations(1000)
            .progress(
                progress -> {
                  if (progress.iteration() > EXPLORE && progress.relativeLoss() <= target) {
                    reached[0] = progress.relativeLoss();
                  }
                })
            .cancellation(() -> !Double.isNaN(reached[0]))
            .build();
    try (SnmfModel model = Snmf.fit(activations, options, backend)) {
      throw new IllegalStateException(
          "als ended at " + model.report().relativeLoss() + ", above " + target);
    } catch (CancelledException e) {
      return new Fit(reached[0], (System.nanoTime() - begin) * 1e-9);
    }
  }
}
