package org.snmf4j.solver;

import java.time.Duration;

/**
 * Where a fit may stop although it still improves.
 *
 * @param targetLoss ‖A − ZY‖² / ‖A‖² that is good enough; NaN for none
 * @param timeLimit how long the fit may take; null for none
 * @param begin {@link System#nanoTime} at which it began
 */
public record Limits(double targetLoss, Duration timeLimit, long begin) {
  /** No limits. */
  public static final Limits NONE = new Limits(Double.NaN, null, 0);

  boolean isReachedBy(double relativeLoss) {
    return relativeLoss <= targetLoss;
  }

  boolean timeIsUp() {
    return timeLimit != null
        && Duration.ofNanos(System.nanoTime() - begin).compareTo(timeLimit) >= 0;
  }
}
