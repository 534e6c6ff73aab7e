package org.snmf4j.solver;

/**
 * State of a running fit.
 *
 * @param iteration iterations done
 * @param maxIterations most iterations that will be done
 * @param relativeLoss ‖A − ZY‖² / ‖A‖² after this iteration
 * @param seconds wall time since the first iteration began
 */
public record FitProgress(int iteration, int maxIterations, double relativeLoss, double seconds) {
  /** Seconds until the iteration limit at the pace so far. */
  public double remainingSeconds() {
    return seconds / iteration * (maxIterations - iteration);
  }
}
