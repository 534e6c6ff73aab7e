package org.snmf4j;

import org.snmf4j.backend.Precision;
import org.snmf4j.solver.StopReason;

/**
 * How a fit went.
 *
 * @param iterations iterations done
 * @param bestIteration 1-based iteration that the model's factors belong to
 * @param losses ‖A − ZY‖² after every iteration; a copy is returned
 * @param squaredNorm ‖A‖² as it was stored
 * @param stopReason why it ended
 * @param seconds wall time, packing and initialization included
 * @param solver the algorithm
 * @param featureDensity the feature density asked for
 * @param coefficientPenalty the coefficient penalty, as a fraction of the root mean square token
 *     norm
 * @param precision how A was stored while it was fitted
 * @param initialization name of the start
 * @param backend name of the backend that ran
 * @param backendDescription what it ran on
 * @param threads host threads used
 * @param seed the seed
 * @param peakBytes most memory that the backend held at once
 */
public record FitReport(
    int iterations,
    int bestIteration,
    double[] losses,
    double squaredNorm,
    StopReason stopReason,
    double seconds,
    Solver solver,
    double featureDensity,
    double coefficientPenalty,
    Precision precision,
    String initialization,
    String backend,
    String backendDescription,
    int threads,
    long seed,
    long peakBytes) {
  /** The losses are copied. */
  public FitReport {
    losses = losses.clone();
  }

  /**
   * ‖A − ZY‖² of the model's factors: the lowest of the fit or, with a coefficient penalty, that of
   * the lowest objective.
   */
  public double loss() {
    return losses[bestIteration - 1];
  }

  /** {@link #loss()} / ‖A‖². */
  public double relativeLoss() {
    return loss() / squaredNorm;
  }

  /** ‖A − ZY‖² after every iteration; a copy. */
  @Override
  public double[] losses() {
    return losses.clone();
  }
}
