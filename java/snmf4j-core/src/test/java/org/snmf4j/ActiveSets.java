package org.snmf4j;

import org.snmf4j.linalg.Cholesky;

/** Non-negative least squares by trying every set of active features; exact, for small ranks. */
final class ActiveSets {
  private ActiveSets() {}

  /** min ‖a − Zy‖² over y ≥ 0. */
  static double smallestObjective(double[][] z, double[] a) {
    int k = z[0].length;
    double best = objective(z, a, new double[k]);
    for (int set = 1; set < 1 << k; set++) {
      double[] y = leastSquares(z, a, set);
      boolean feasible = y != null;
      for (int j = 0; feasible && j < k; j++) {
        feasible = y[j] >= 0;
      }
      if (feasible) {
        best = Math.min(best, objective(z, a, y));
      }
    }
    return best;
  }

  static double objective(double[][] z, double[] a, double[] y) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = a[i];
      for (int j = 0; j < y.length; j++) {
        difference -= z[i][j] * y[j];
      }
      sum += difference * difference;
    }
    return sum;
  }

  /** Least squares on the features in the set; null if they depend on each other. */
  private static double[] leastSquares(double[][] z, double[] a, int set) {
    int k = z[0].length;
    double[][] q = new double[k][k];
    double[] p = new double[k];
    for (int j = 0; j < k; j++) {
      if ((set >> j & 1) == 0) {
        q[j][j] = 1;
        continue;
      }
      for (int i = 0; i < a.length; i++) {
        p[j] += z[i][j] * a[i];
        for (int l = 0; l < k; l++) {
          q[j][l] += (set >> l & 1) == 0 ? 0 : z[i][j] * z[i][l];
        }
      }
    }
    Cholesky factor = Cholesky.of(q, 0);
    if (factor == null) {
      return null;
    }
    factor.solve(p);
    return p;
  }
}
