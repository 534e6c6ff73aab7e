package org.snmf4j.linalg;

import java.util.Arrays;
import java.util.Comparator;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, the largest eigenvalue first: Householder
 * reduction to a tridiagonal matrix, then implicit QL steps with Wilkinson's shift (Golub and Van
 * Loan, Matrix Computations, sections 8.3.1 and 8.3.5). Immutable.
 */
public final class SymmetricEigen {
  /** Steps for one eigenvalue; two or three are usual. */
  private static final int MAX_STEPS = 200;

  /**
   * Against a largest entry of about one, what is smaller counts as zero: rotations by numbers that
   * have lost digits to underflow would not be orthogonal.
   */
  private static final double NOTHING = 0x1p-960;

  private final double[] values;
  private final double[][] vectors;

  private SymmetricEigen(double[] values, double[][] vectors) {
    this.values = values;
    this.vectors = vectors;
  }

  /**
   * Decomposes a matrix.
   *
   * @param matrix square and symmetric; not modified
   * @throws ArithmeticException if it holds NaN or infinities
   */
  public static SymmetricEigen of(double[][] matrix) {
    int n = matrix.length;
    // Scaled by a power of two, which is exact, so that squares neither overflow nor underflow.
    int exponent = exponent(matrix);
    double[][] a = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        a[i][j] = Math.scalb(matrix[i][j], -exponent);
      }
    }
    double[] diagonal = new double[n];
    double[] beside = new double[n];
    double[][] vectors = tridiagonalize(a, diagonal, beside);
    diagonalize(diagonal, beside, vectors);
    Integer[] order = new Integer[n];
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    // Stable. Not by a stream: the first one of a process takes longer than all else here.
    Arrays.sort(order, Comparator.comparingDouble(i -> -diagonal[i]));
    double[] values = new double[n];
    double[][] sorted = new double[n][];
    for (int i = 0; i < n; i++) {
      values[i] = Math.scalb(diagonal[order[i]], exponent);
      sorted[i] = vectors[order[i]];
    }
    return new SymmetricEigen(values, sorted);
  }

  /** The {@code i}-th largest eigenvalue. */
  public double value(int i) {
    return values[i];
  }

  /** Unit eigenvector of the {@code i}-th largest eigenvalue. */
  public double[] vector(int i) {
    return vectors[i].clone();
  }

  /** That of the largest magnitude; 0 if there are only zeros. */
  private static int exponent(double[][] matrix) {
    double largest = 0;
    for (double[] row : matrix) {
      for (double value : row) {
        // Math.max keeps NaN.
        largest = Math.max(largest, Math.abs(value));
      }
    }
    if (!Double.isFinite(largest)) {
      throw new ArithmeticException("the matrix holds NaN or infinities");
    }
    return largest == 0 ? 0 : Math.getExponent(largest);
  }

  /**
   * A = V T Vᵀ, T tridiagonal with {@code beside[i]} between i and i + 1; {@code a} is destroyed.
   *
   * @return Vᵀ
   */
  private static double[][] tridiagonalize(double[][] a, double[] diagonal, double[] beside) {
    int n = a.length;
    double[][] reflectors = new double[n][];
    for (int c = 0; c + 2 < n; c++) {
      // Reflects what is below the subdiagonal of column c onto it: H = I − 2uuᵀ, u of unit length.
      double[] u = new double[n];
      double largest = 0;
      for (int i = c + 1; i < n; i++) {
        u[i] = a[c][i];
        largest = Math.max(largest, Math.abs(u[i]));
      }
      if (largest < NOTHING) {
        continue;
      }
      // What is to vanish is summed by itself: of a difference of squares, entries below 1e-8 of
      // the one that stays would be lost.
      double rest = 0;
      for (int i = c + 2; i < n; i++) {
        u[i] /= largest;
        rest += u[i] * u[i];
      }
      u[c + 1] /= largest;
      if (rest == 0) {
        continue;
      }
      double norm = Math.sqrt(rest + u[c + 1] * u[c + 1]);
      double target = u[c + 1] > 0 ? -norm : norm;
      u[c + 1] -= target;
      double length = Math.sqrt(rest + u[c + 1] * u[c + 1]);
      for (int i = c + 1; i < n; i++) {
        u[i] /= length;
      }
      reflect(a, u, c + 1);
      a[c][c + 1] = target * largest;
      reflectors[c] = u;
    }
    for (int i = 0; i < n; i++) {
      diagonal[i] = a[i][i];
      beside[i] = i + 1 < n ? a[i][i + 1] : 0;
    }
    double[][] vectors = new double[n][n];
    for (int i = 0; i < n; i++) {
      vectors[i][i] = 1;
    }
    // Vᵀ = H_last … H_first, multiplied from the right end so that the leading part stays sparse.
    for (int c = n - 3; c >= 0; c--) {
      if (reflectors[c] != null) {
        for (int i = c + 1; i < n; i++) {
          double share = 2 * dot(vectors[i], reflectors[c], c + 1);
          add(-share, reflectors[c], vectors[i], c + 1);
        }
      }
    }
    return vectors;
  }

  /** A ← H A H on the rows and columns from {@code from} on. */
  private static void reflect(double[][] a, double[] u, int from) {
    int n = a.length;
    double[] w = new double[n];
    for (int i = from; i < n; i++) {
      w[i] = dot(a[i], u, from);
    }
    double share = dot(w, u, from);
    add(-share, u, w, from);
    for (int i = from; i < n; i++) {
      double[] row = a[i];
      double ui = 2 * u[i];
      double wi = 2 * w[i];
      for (int j = from; j < n; j++) {
        row[j] -= ui * w[j] + wi * u[j];
      }
    }
  }

  /** Rotates the tridiagonal matrix to a diagonal one, and the rows of {@code vectors} with it. */
  private static void diagonalize(double[] d, double[] e, double[][] vectors) {
    int n = d.length;
    for (int l = 0; l < n; l++) {
      for (int step = 0; ; step++) {
        int m = l;
        while (m + 1 < n && Math.abs(e[m]) > negligible(d[m], d[m + 1])) {
          m++;
        }
        if (m == l) {
          break;
        }
        if (step == MAX_STEPS) {
          throw new ArithmeticException("the eigenvalues of the matrix do not converge");
        }
        step(d, e, vectors, l, m);
      }
    }
  }

  /** What an entry beside two diagonal ones may be to count as zero. */
  private static double negligible(double left, double right) {
    return Math.max(NOTHING, Math.ulp(Math.abs(left) + Math.abs(right)));
  }

  /** One implicit QL step on rows {@code l} to {@code m}. */
  private static void step(double[] d, double[] e, double[][] vectors, int l, int m) {
    double half = (d[l + 1] - d[l]) / (2 * e[l]);
    double shift = d[l] - e[l] / (half + Math.copySign(Math.hypot(half, 1), half));
    double g = d[m] - shift;
    double s = 1;
    double c = 1;
    double p = 0;
    for (int i = m - 1; i >= l; i--) {
      double f = s * e[i];
      double b = c * e[i];
      double r = Math.hypot(f, g);
      e[i + 1] = r;
      if (r == 0) {
        // The matrix has fallen apart here; the next step goes on with a part of it.
        d[i + 1] -= p;
        e[m] = 0;
        return;
      }
      s = f / r;
      c = g / r;
      g = d[i + 1] - p;
      r = (d[i] - g) * s + 2 * c * b;
      p = s * r;
      d[i + 1] = g + p;
      g = c * r - b;
      rotate(vectors[i], vectors[i + 1], c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
  }

  private static void rotate(double[] low, double[] high, double c, double s) {
    for (int t = 0; t < low.length; t++) {
      double f = high[t];
      high[t] = s * low[t] + c * f;
      low[t] = c * low[t] - s * f;
    }
  }

  private static double dot(double[] x, double[] y, int from) {
    double sum = 0;
    for (int i = from; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  private static void add(double factor, double[] source, double[] target, int from) {
    for (int i = from; i < source.length; i++) {
      target[i] += factor * source[i];
    }
  }
}
