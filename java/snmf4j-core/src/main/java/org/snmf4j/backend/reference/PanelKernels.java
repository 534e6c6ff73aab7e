package org.snmf4j.backend.reference;

import java.util.Arrays;
import org.snmf4j.backend.UpdateRule;

/** The inner mathematics on one panel of {@value Panels#WIDTH} tokens. */
final class PanelKernels {
  private static final int W = Panels.WIDTH;

  private PanelKernels() {}

  /** P = ZᵀA from Z's nonzeros. */
  static void project(double[] a, JavaFeatures z, double[] p) {
    Arrays.fill(p, 0);
    for (int j = 0; j < z.rank(); j++) {
      int[] support = z.support[j];
      double[] values = z.columns[j];
      for (int i : support) {
        axpy(values[i], a, i * W, p, j * W, W);
      }
    }
  }

  /** Rows of Y times their factors; {@code scale} may be null for ones. */
  static void scaleRows(double[] y, double[] scale, double[] result) {
    System.arraycopy(y, 0, result, 0, y.length);
    for (int i = 0; scale != null && i < result.length; i++) {
      result[i] *= scale[i / W];
    }
  }

  /** max(0, Y + β(Y − before)). */
  static void extrapolate(double[] y, double[] before, double beta, double[] result) {
    for (int i = 0; i < result.length; i++) {
      result[i] = Math.max(0, y[i] + beta * (y[i] - before[i]));
    }
  }

  /** Y′ = rule(Y, P, Q), written to {@code result}, which may be {@code y}. */
  static void update(UpdateRule rule, double[][] q, double[] p, double[] y, double[] result) {
    if (rule instanceof UpdateRule.Multiplicative step) {
      multiply(step.epsilon(), q, p, y, result);
    } else if (rule instanceof UpdateRule.Hals hals) {
      if (y != result) {
        System.arraycopy(y, 0, result, 0, y.length);
      }
      descend(hals, q, penalized(p, q, hals.penalty()), result);
    } else if (rule instanceof UpdateRule.LeastSquares squares) {
      Arrays.fill(result, 0);
      descend(
          new UpdateRule.Hals(squares.sweeps(), squares.tolerance(), squares.penalty()),
          q,
          penalized(p, q, squares.penalty()),
          result);
    } else {
      throw new IllegalArgumentException("unknown rule " + rule);
    }
  }

  private static void multiply(double epsilon, double[][] q, double[] p, double[] y, double[] out) {
    int k = q.length;
    // Every row needs all of the old Y, so the new one is built aside.
    double[] next = new double[y.length];
    double[] above = new double[W];
    double[] below = new double[W];
    for (int j = 0; j < k; j++) {
      Arrays.fill(above, 0);
      Arrays.fill(below, 0);
      for (int l = 0; l < k; l++) {
        if (q[j][l] > 0) {
          axpy(q[j][l], y, l * W, below, 0, W);
        } else if (q[j][l] < 0) {
          axpy(-q[j][l], y, l * W, above, 0, W);
        }
      }
      for (int t = 0; t < W; t++) {
        double value = p[j * W + t];
        double up = above[t] + Math.max(value, 0);
        double down = below[t] + Math.max(-value, 0) + epsilon;
        next[j * W + t] = y[j * W + t] * Math.sqrt(up / down);
      }
    }
    System.arraycopy(next, 0, out, 0, next.length);
  }

  /** P_j − λ‖z_j‖; {@code p} itself if λ is 0. */
  private static double[] penalized(double[] p, double[][] q, double penalty) {
    if (penalty == 0) {
      return p;
    }
    double[] lowered = new double[p.length];
    for (int i = 0; i < p.length; i++) {
      lowered[i] = p[i] - penalty * Math.sqrt(q[i / W][i / W]);
    }
    return lowered;
  }

  private static void descend(UpdateRule.Hals rule, double[][] q, double[] p, double[] y) {
    int k = q.length;
    double[] gradient = new double[W];
    for (int sweep = 0; sweep < rule.sweeps(); sweep++) {
      double gain = 0;
      for (int j = 0; j < k; j++) {
        if (!(q[j][j] > 0)) {
          continue;
        }
        System.arraycopy(p, j * W, gradient, 0, W);
        for (int l = 0; l < k; l++) {
          if (q[j][l] != 0) {
            axpy(-q[j][l], y, l * W, gradient, 0, W);
          }
        }
        for (int t = 0; t < W; t++) {
          double old = y[j * W + t];
          double moved = Math.max(0, old + rule.relaxation() * gradient[t] / q[j][j]);
          double step = moved - old;
          // The objective falls by step·(gradient − ½·Q_jj·step); ½ cancels in the ratio below.
          gain += step * (2 * gradient[t] - q[j][j] * step);
          y[j * W + t] = moved;
        }
      }
      if (rule.tolerance() > 0 && gain <= rule.tolerance() * Math.abs(explained(q, p, y))) {
        return;
      }
    }
  }

  /** 2⟨P,Y⟩ − ⟨QY,Y⟩, the squared norm that Y explains. */
  private static double explained(double[][] q, double[] p, double[] y) {
    int k = q.length;
    double[] row = new double[W];
    double sum = 0;
    for (int j = 0; j < k; j++) {
      Arrays.fill(row, 0);
      for (int l = 0; l < k; l++) {
        axpy(q[j][l], y, l * W, row, 0, W);
      }
      for (int t = 0; t < W; t++) {
        sum += y[j * W + t] * (2 * p[j * W + t] - row[t]);
      }
    }
    return sum;
  }

  /** G += YYᵀ. */
  static void gram(double[] y, double[][] g) {
    int k = g.length;
    for (int j = 0; j < k; j++) {
      for (int l = 0; l <= j; l++) {
        g[j][l] += dot(y, j * W, y, l * W);
      }
    }
  }

  /** Row sums += Σ_t Y_jt. */
  static void rowSums(double[] y, double[] sums) {
    for (int j = 0; j < sums.length; j++) {
      double sum = 0;
      for (int t = 0; t < W; t++) {
        sum += y[j * W + t];
      }
      sums[j] += sum;
    }
  }

  /** C += AYᵀ where Z is not zero, C row-major {@code [d, k]}. */
  static void crossOnSupport(double[] a, double[] y, int[][] support, double[] c) {
    int k = support.length;
    for (int j = 0; j < k; j++) {
      for (int i : support[j]) {
        c[i * k + j] += dot(a, i * W, y, j * W);
      }
    }
  }

  /** C += AYᵀ, C row-major {@code [d, k]}. */
  static void cross(double[] a, double[] y, double[] c, int d, int k) {
    double[] transposed = new double[W * k];
    for (int j = 0; j < k; j++) {
      for (int t = 0; t < W; t++) {
        transposed[t * k + j] = y[j * W + t];
      }
    }
    for (int i = 0; i < d; i++) {
      for (int t = 0; t < W; t++) {
        double value = a[i * W + t];
        if (value != 0) {
          axpy(value, transposed, t * k, c, i * k, k);
        }
      }
    }
  }

  /** ‖A − ZY‖²; {@code scratch} has A's size. */
  static double residual(double[] a, JavaFeatures z, double[] y, double[] scratch) {
    unexplained(a, z, y, scratch);
    return dot(scratch, scratch);
  }

  /** A − ZY. */
  static void unexplained(double[] a, JavaFeatures z, double[] y, double[] result) {
    System.arraycopy(a, 0, result, 0, a.length);
    for (int j = 0; j < z.rank(); j++) {
      for (int i : z.support[j]) {
        axpy(-z.columns[j][i], y, j * W, result, i * W, W);
      }
    }
  }

  /** Squares of the length of every token. */
  static double[] tokenSquares(double[] a) {
    double[] squares = new double[W];
    for (int i = 0; i < a.length; i++) {
      squares[i % W] += a[i] * a[i];
    }
    return squares;
  }

  static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  private static double dot(double[] x, int xAt, double[] y, int yAt) {
    double sum = 0;
    for (int t = 0; t < W; t++) {
      sum += x[xAt + t] * y[yAt + t];
    }
    return sum;
  }

  private static void axpy(double s, double[] x, int xAt, double[] y, int yAt, int length) {
    for (int t = 0; t < length; t++) {
      y[yAt + t] += s * x[xAt + t];
    }
  }
}
