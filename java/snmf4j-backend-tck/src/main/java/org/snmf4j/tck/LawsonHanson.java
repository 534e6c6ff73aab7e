package org.snmf4j.tck;

import java.util.Arrays;

/**
 * Non-negative least squares by active sets (Lawson and Hanson, Solving Least Squares Problems,
 * chapter 23) on the normal equations, in float64: exact where coordinate descent only converges.
 */
final class LawsonHanson {
  private final double[][] q;
  private final double[] p;
  private final int k;
  private final double[] x;
  private final boolean[] passive;

  private LawsonHanson(double[][] q, double[] p) {
    this.q = q;
    this.p = p;
    k = p.length;
    x = new double[k];
    passive = new boolean[k];
  }

  /**
   * min ½ xᵀQx − pᵀx over x ≥ 0, for every column p of P.
   *
   * @param q ZᵀZ
   * @param p ZᵀA {@code [k, n]}
   */
  static double[][] solve(double[][] q, double[][] p) {
    double[][] columns = Plain.transpose(p);
    double[][] solutions = new double[columns.length][];
    for (int t = 0; t < columns.length; t++) {
      LawsonHanson problem = new LawsonHanson(q, columns[t]);
      problem.run();
      solutions[t] = problem.x;
    }
    return Plain.transpose(solutions);
  }

  private void run() {
    double scale = Arrays.stream(p).map(Math::abs).max().orElse(0);
    for (int step = 0; step < 10 * k + 10; step++) {
      int entering = steepest(1e-12 * scale);
      if (entering < 0) {
        return;
      }
      passive[entering] = true;
      double[] candidate = unconstrained();
      while (candidate != null && !feasible(candidate)) {
        stepTowards(candidate);
        candidate = unconstrained();
      }
      if (candidate == null) {
        // The entering feature depends on those already in: it cannot lower the objective.
        passive[entering] = false;
        return;
      }
      System.arraycopy(candidate, 0, x, 0, k);
    }
    throw new AssertionError("the active-set method did not end");
  }

  /** The constrained variable along which the objective falls fastest, or -1. */
  private int steepest(double threshold) {
    int best = -1;
    double largest = threshold;
    for (int j = 0; j < k; j++) {
      if (!passive[j]) {
        double descent = p[j];
        for (int l = 0; l < k; l++) {
          descent -= q[j][l] * x[l];
        }
        if (descent > largest) {
          largest = descent;
          best = j;
        }
      }
    }
    return best;
  }

  private boolean feasible(double[] candidate) {
    for (int j = 0; j < k; j++) {
      if (passive[j] && candidate[j] <= 0) {
        return false;
      }
    }
    return true;
  }

  /** Goes as far towards the candidate as x ≥ 0 allows, and fixes what reaches zero. */
  private void stepTowards(double[] candidate) {
    double fraction = 1;
    int blocking = -1;
    for (int j = 0; j < k; j++) {
      if (passive[j] && candidate[j] <= 0) {
        double reach = x[j] / (x[j] - candidate[j]);
        if (blocking < 0 || reach < fraction) {
          fraction = reach;
          blocking = j;
        }
      }
    }
    for (int j = 0; j < k; j++) {
      if (passive[j]) {
        x[j] += fraction * (candidate[j] - x[j]);
        if (j == blocking || x[j] <= 0) {
          x[j] = 0;
          passive[j] = false;
        }
      }
    }
  }

  /** Solves Q x = p on the passive variables by elimination; null if they are dependent. */
  private double[] unconstrained() {
    int[] index = java.util.stream.IntStream.range(0, k).filter(j -> passive[j]).toArray();
    int m = index.length;
    double[][] system = new double[m][m + 1];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < m; j++) {
        system[i][j] = q[index[i]][index[j]];
      }
      system[i][m] = p[index[i]];
    }
    double[] solution = Elimination.solve(system);
    if (solution == null) {
      return null;
    }
    double[] full = new double[k];
    for (int i = 0; i < m; i++) {
      full[index[i]] = solution[i];
    }
    return full;
  }
}
