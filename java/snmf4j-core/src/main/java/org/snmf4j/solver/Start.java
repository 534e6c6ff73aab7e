package org.snmf4j.solver;

import org.snmf4j.backend.Coefficients;

/** How a fit's first coefficients come about. */
public interface Start {
  /**
   * Makes the first Y {@code [k, n]}, non-negative. The caller closes it.
   *
   * @param seed makes random choices reproducible
   */
  Coefficients create(Problem problem, long seed, Monitor monitor);

  /** Whether it can start any sample of the tokens, or only the whole problem. */
  default boolean isForAnyTokens() {
    return true;
  }
}
