package org.snmf4j;

/** The factorization algorithm. */
public enum Solver {
  /**
   * The algorithm of arXiv 2506.10920: least-squares features with hard winner-take-all,
   * multiplicative steps for the coefficients. See {@link org.snmf4j.solver.MultiplicativeSolver}.
   */
  MULTIPLICATIVE,
  /**
   * Alternating least squares, the default: reaches the loss of the multiplicative algorithm many
   * times sooner and ends lower. See {@link org.snmf4j.solver.AlsSolver}. Features of density 1
   * without a coefficient penalty take no iterations, where the truncated singular value
   * decomposition can be made non-negative: see {@link org.snmf4j.solver.ShiftedSvd}.
   */
  ALS
}
