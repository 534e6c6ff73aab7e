package org.snmf4j.benchmarks;

import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.matrix.Matrix;

/** Whole fits of one problem, packing and initialization included, without a penalty. */
record Fits(Backend backend, Matrix activations, int rank, double density) {
  /** A loss, and the time it took. */
  record Fit(double relativeLoss, double seconds) {}

  private SnmfOptions.Builder options(Solver solver, long seed) {
    return SnmfOptions.builder(rank)
        .solver(solver)
        .featureDensity(density)
        .seed(seed)
        .coefficientPenalty(0)
        .tolerance(0)
        .patience(Integer.MAX_VALUE);
  }

  /** All iterations, from the solver's own start: the multiplicative algorithm's is random. */
  Fit run(Solver solver, int iterations, long seed) {
    return fit(options(solver, seed).maxIterations(iterations).build());
  }

  /**
   * Alternating least squares until all tokens are fitted that well.
   *
   * @throws IllegalStateException if a thousand passes do not reach the target
   */
  Fit alsTo(double target, long seed) {
    Fit fit = fit(options(Solver.ALS, seed).maxIterations(1000).targetLoss(target).build());
    if (fit.relativeLoss() > target) {
      throw new IllegalStateException("als ended at " + fit.relativeLoss() + ", above " + target);
    }
    return fit;
  }

  /** Timed as the report says: until the last iteration is done. */
  private Fit fit(SnmfOptions options) {
    try (SnmfModel model = Snmf.fit(activations, options, backend)) {
      return new Fit(model.report().relativeLoss(), model.report().seconds());
    }
  }
}
