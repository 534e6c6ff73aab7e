package org.snmf4j.solver;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/**
 * Given coefficients. There is no start for the features: the algorithms compute them from the
 * coefficients first.
 */
public final class GivenStart implements Start {
  private final Matrix coefficients;

  /**
   * @param coefficients {@code [k, n]}, finite and non-negative; read when the fit begins
   */
  public GivenStart(Matrix coefficients) {
    this.coefficients = coefficients;
  }

  @Override
  public Coefficients create(Problem problem, long seed, Monitor monitor) {
    if (coefficients.rows() != problem.rank() || coefficients.columns() != problem.tokens()) {
      throw new InvalidArgumentException(
          "initial coefficients",
          "of shape [" + coefficients.rows() + ", " + coefficients.columns() + "]",
          "of shape [rank, tokens] = [" + problem.rank() + ", " + problem.tokens() + "]");
    }
    coefficients.requireFinite("initial coefficients");
    requireNonNegative();
    Coefficients result = problem.backend().newCoefficients(problem.rank(), problem.tokens());
    try {
      result.upload(coefficients);
      return result;
    } catch (RuntimeException | Error e) {
      result.close();
      throw e;
    }
  }

  @Override
  public boolean isForAnyTokens() {
    return false;
  }

  private void requireNonNegative() {
    double[] stretch = new double[(int) Math.min(coefficients.columns(), 1 << 14)];
    for (long j = 0; j < coefficients.rows(); j++) {
      for (long from = 0; from < coefficients.columns(); from += stretch.length) {
        int length = (int) Math.min(stretch.length, coefficients.columns() - from);
        coefficients.readRow(j, from, stretch, 0, length);
        for (int t = 0; t < length; t++) {
          if (stretch[t] < 0) {
            throw new InvalidArgumentException(
                "initial coefficients",
                stretch[t] + " at row " + j + ", column " + (from + t),
                "non-negative everywhere");
          }
        }
      }
    }
  }
}
