package org.snmf4j.backend;

import org.snmf4j.error.InvalidArgumentException;

/** How a pass updates the coefficients, features fixed. */
public sealed interface UpdateRule {
  /**
   * One multiplicative step, Y ← Y ⊙ √((P⁺ + Q⁻Y) / (P⁻ + Q⁺Y + ε)) with M⁺ = (|M|+M)/2 and M⁻ =
   * (|M|−M)/2 (Ding, Li and Jordan 2010, as used by arXiv 2506.10920).
   *
   * @param epsilon ε, keeps the quotient finite; positive
   */
  record Multiplicative(double epsilon) implements UpdateRule {
    public Multiplicative {
      if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
        throw new InvalidArgumentException("epsilon", epsilon, "positive and finite");
      }
    }
  }

  /**
   * Sweeps of coordinate minimization, y_j ← max(0, y_j + ω(P_j − (QY)_j) / Q_jj) for j = 1 … k,
   * token by token (hierarchical alternating least squares; Cichocki and Phan 2009), exact for ω =
   * 1, over-relaxed beyond (Cryer 1971).
   *
   * @param sweeps most sweeps over a token's coefficients; at least 1
   * @param tolerance a group of neighbouring tokens is done once a sweep lowers its squared error
   *     by no more than this fraction of the squared norm that its coefficients explain; 0 runs all
   *     sweeps
   * @param penalty λ of the objective ½‖A − ZY‖² + λ Σ_j ‖z_j‖‖y_j‖₁: P_j − λ‖z_j‖ takes the place
   *     of P_j; 0 for plain least squares
   * @param relaxation ω; at least 1 and below 2, which keeps every step from raising the objective
   */
  record Hals(int sweeps, double tolerance, double penalty, double relaxation)
      implements UpdateRule {
    /** Without a penalty, to the minimum. */
    public Hals(int sweeps, double tolerance) {
      this(sweeps, tolerance, 0);
    }

    /** To the minimum. */
    public Hals(int sweeps, double tolerance, double penalty) {
      this(sweeps, tolerance, penalty, 1);
    }

    public Hals {
      requireSweeps(sweeps, tolerance, penalty);
      Checks.relaxation(relaxation);
    }
  }

  /**
   * The minimum of the objective of {@link Hals}, by sweeps from where the backend finds it best:
   * Y, a row scale and a momentum are not read.
   *
   * @param sweeps most sweeps over a token's coefficients; at least 1
   * @param tolerance as of {@link Hals}
   * @param penalty as of {@link Hals}
   */
  record LeastSquares(int sweeps, double tolerance, double penalty) implements UpdateRule {
    public LeastSquares {
      requireSweeps(sweeps, tolerance, penalty);
    }
  }

  private static void requireSweeps(int sweeps, double tolerance, double penalty) {
    if (sweeps < 1) {
      throw new InvalidArgumentException("sweeps", sweeps, "at least 1");
    }
    if (!(tolerance >= 0 && tolerance < 1)) {
      throw new InvalidArgumentException("tolerance", tolerance, "at least 0 and below 1");
    }
    if (!(penalty >= 0) || Double.isInfinite(penalty)) {
      throw new InvalidArgumentException("penalty", penalty, "finite and not negative");
    }
  }
}
