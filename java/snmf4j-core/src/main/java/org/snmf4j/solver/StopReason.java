package org.snmf4j.solver;

/** Why a fit ended. */
public enum StopReason {
  /** The iteration limit was reached. */
  MAX_ITERATIONS,
  /** The loss did not improve by the tolerance for {@code patience} iterations. */
  CONVERGED
}
