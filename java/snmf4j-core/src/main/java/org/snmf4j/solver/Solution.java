package org.snmf4j.solver;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;

/**
 * The best iterate of a fit. The caller closes it.
 *
 * @param features Z {@code [d, k]}
 * @param coefficients Y {@code [k, n]}
 * @param statistics those of Y, C at least where Z is not zero; null if the solver has none
 * @param losses ‖A − ZY‖² after every iteration
 * @param bestIteration 1-based iteration that the factors belong to
 * @param stopReason why the fit ended
 */
public record Solution(
    Features features,
    Coefficients coefficients,
    Statistics statistics,
    double[] losses,
    int bestIteration,
    StopReason stopReason)
    implements AutoCloseable {
  @Override
  public void close() {
    features.close();
    coefficients.close();
    if (statistics != null) {
      statistics.close();
    }
  }
}
