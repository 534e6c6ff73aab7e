package org.snmf4j.linalg;

/** Lower Cholesky factor L of a symmetric positive definite matrix, M = LLᵀ. Immutable. */
public final class Cholesky {
  private final double[][] lower;

  private Cholesky(double[][] lower) {
    this.lower = lower;
  }

  /**
   * Factors M + ridge·I.
   *
   * @param matrix M, square; its lower triangle is read
   * @return the factor, or null if M + ridge·I is not numerically positive definite
   */
  public static Cholesky of(double[][] matrix, double ridge) {
    int n = matrix.length;
    double[][] lower = new double[n][];
    for (int i = 0; i < n; i++) {
      lower[i] = new double[i + 1];
      for (int j = 0; j <= i; j++) {
        double sum = matrix[i][j];
        if (i == j) {
          sum += ridge;
        }
        for (int p = 0; p < j; p++) {
          sum -= lower[i][p] * lower[j][p];
        }
        if (i == j) {
          if (!(sum > 0) || Double.isInfinite(sum)) {
            return null;
          }
          lower[i][i] = Math.sqrt(sum);
        } else {
          lower[i][j] = sum / lower[j][j];
        }
      }
    }
    return new Cholesky(lower);
  }

  /**
   * Factors M + ridge·I, the ridge grown tenfold as often as it takes; the first growth starts at
   * the rounding error of M's largest diagonal entry.
   *
   * @throws ArithmeticException if M holds NaN or infinities
   */
  public static Cholesky ofRegularized(double[][] matrix, double ridge) {
    double largest = 0;
    for (int i = 0; i < matrix.length; i++) {
      largest = Math.max(largest, Math.abs(matrix[i][i]));
    }
    double limit = 1e3 * Math.max(largest, ridge);
    // An infinite or zero limit would never be passed.
    for (double used = ridge;
        used <= limit && Double.isFinite(limit) && limit > 0;
        used = Math.max(Math.max(10 * used, largest * 1e-15), Double.MIN_NORMAL)) {
      Cholesky factor = of(matrix, used);
      if (factor != null) {
        return factor;
      }
    }
    throw new ArithmeticException("no ridge makes the matrix positive definite");
  }

  /** Solves M x = b in place. */
  public void solve(double[] b) {
    forward(b);
    backward(b);
  }

  /** Solves L x = b in place. */
  void forward(double[] b) {
    for (int i = 0; i < lower.length; i++) {
      double sum = b[i];
      for (int p = 0; p < i; p++) {
        sum -= lower[i][p] * b[p];
      }
      b[i] = sum / lower[i][i];
    }
  }

  /**
   * Solves L X = B in place. B has as many rows as L and any number of columns, each of which comes
   * out, to the last bit, as if it were solved alone.
   */
  public void forwardRows(double[][] b) {
    for (int i = 0; i < lower.length; i++) {
      for (int p = 0; p < i; p++) {
        subtract(lower[i][p], b[p], b[i]);
      }
      divide(b[i], lower[i][i]);
    }
  }

  /** Solves Lᵀ x = b in place. */
  void backward(double[] b) {
    for (int i = lower.length - 1; i >= 0; i--) {
      double sum = b[i];
      for (int p = i + 1; p < lower.length; p++) {
        sum -= lower[p][i] * b[p];
      }
      b[i] = sum / lower[i][i];
    }
  }

  /** Solves Lᵀ X = B in place, as {@link #forwardRows} does L X = B. */
  public void backwardRows(double[][] b) {
    for (int i = lower.length - 1; i >= 0; i--) {
      for (int p = i + 1; p < lower.length; p++) {
        subtract(lower[p][i], b[p], b[i]);
      }
      divide(b[i], lower[i][i]);
    }
  }

  // Loops that compilers vectorize, which those over a single right-hand side are not.

  private static void subtract(double factor, double[] source, double[] target) {
    for (int t = 0; t < target.length; t++) {
      target[t] -= factor * source[t];
    }
  }

  private static void divide(double[] target, double divisor) {
    for (int t = 0; t < target.length; t++) {
      target[t] /= divisor;
    }
  }
}
