package org.snmf4j.solver;

/**
 * Stops after {@code patience} iterations without a relative improvement of {@code tolerance}.
 *
 * <p>The tolerance is relative because squared losses reach 1e6 and beyond, where an absolute one
 * is below the resolution of float32.
 */
final class StoppingRule {
  private final int patience;
  private final double tolerance;
  private double reference = Double.POSITIVE_INFINITY;
  private int waited;

  StoppingRule(int patience, double tolerance) {
    this.patience = patience;
    this.tolerance = tolerance;
  }

  /**
   * Why to stop after the iteration that the trace noted last; null to go on. Of several reasons
   * the one that says most about the result.
   *
   * @param objective what the solver lowers
   */
  StopReason after(LossTrace trace, double objective) {
    boolean converged = stopsAt(objective);
    if (trace.reachedTarget()) {
      return StopReason.TARGET_LOSS;
    }
    if (converged) {
      return StopReason.CONVERGED;
    }
    if (trace.isFull()) {
      return StopReason.MAX_ITERATIONS;
    }
    return trace.timeIsUp() ? StopReason.TIME_LIMIT : null;
  }

  /** Whether to stop, now that the next loss is known. */
  boolean stopsAt(double loss) {
    if (loss < reference - tolerance * Math.abs(loss)) {
      reference = loss;
      waited = 0;
      return false;
    }
    waited++;
    return waited >= patience;
  }
}
