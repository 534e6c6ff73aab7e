package org.snmf4j.backend;

import org.snmf4j.error.InvalidArgumentException;

/**
 * Extrapolation of coefficients.
 *
 * @param before the coefficients of the step before
 * @param beta how far to go on, in [0, 1]
 */
public record Momentum(Coefficients before, double beta) {
  public Momentum {
    if (!(beta >= 0 && beta <= 1)) {
      throw new InvalidArgumentException("beta", beta, "between 0 and 1");
    }
  }
}
