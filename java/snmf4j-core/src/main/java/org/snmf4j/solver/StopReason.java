package org.snmf4j.solver;

/** Why a fit ended. */
public enum StopReason {
  /** The iteration limit was reached. */
  MAX_ITERATIONS,
  /** The loss did not improve by the tolerance for {@code patience} iterations. */
  CONVERGED,
  /** The loss came down to the target. */
  TARGET_LOSS,
  /** The time limit had passed. */
  TIME_LIMIT
}
