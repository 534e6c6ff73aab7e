package org.snmf4j.tck;

/** Linear systems by Gaussian elimination with partial pivoting, in float64. */
final class Elimination {
  private Elimination() {}

  /**
   * Solves a system.
   *
   * @param system the matrix and, as its last column, the right-hand side; overwritten
   * @return the solution, or null if the matrix is numerically singular
   */
  static double[] solve(double[][] system) {
    int m = system.length;
    double largest = 0;
    for (int i = 0; i < m; i++) {
      largest = Math.max(largest, Math.abs(system[i][i]));
    }
    for (int column = 0; column < m; column++) {
      int pivot = column;
      for (int i = column + 1; i < m; i++) {
        if (Math.abs(system[i][column]) > Math.abs(system[pivot][column])) {
          pivot = i;
        }
      }
      double[] row = system[pivot];
      if (Math.abs(row[column]) <= 1e-13 * largest) {
        return null;
      }
      system[pivot] = system[column];
      system[column] = row;
      for (int i = column + 1; i < m; i++) {
        double factor = system[i][column] / row[column];
        for (int j = column; j <= m; j++) {
          system[i][j] -= factor * row[j];
        }
      }
    }
    double[] x = new double[m];
    for (int i = m - 1; i >= 0; i--) {
      double sum = system[i][m];
      for (int j = i + 1; j < m; j++) {
        sum -= system[i][j] * x[j];
      }
      x[i] = sum / system[i][i];
    }
    return x;
  }
}
