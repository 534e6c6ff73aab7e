package org.snmf4j.tck;

import java.util.Arrays;

/** The formulas on heap arrays in float64, as plain as they come; shares no code with a backend. */
final class Plain {
  private Plain() {}

  /** XY. */
  static double[][] times(double[][] x, double[][] y) {
    double[][] product = new double[x.length][y[0].length];
    for (int i = 0; i < x.length; i++) {
      for (int l = 0; l < y.length; l++) {
        double value = x[i][l];
        if (value != 0) {
          for (int j = 0; j < y[l].length; j++) {
            product[i][j] += value * y[l][j];
          }
        }
      }
    }
    return product;
  }

  static double[][] transpose(double[][] x) {
    double[][] transposed = new double[x[0].length][x.length];
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < x[i].length; j++) {
        transposed[j][i] = x[i][j];
      }
    }
    return transposed;
  }

  /** |X|, entry by entry. */
  static double[][] abs(double[][] x) {
    double[][] magnitudes = new double[x.length][x[0].length];
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < x[i].length; j++) {
        magnitudes[i][j] = Math.abs(x[i][j]);
      }
    }
    return magnitudes;
  }

  /** ⟨X, Y⟩. */
  static double inner(double[][] x, double[][] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < x[i].length; j++) {
        sum += x[i][j] * y[i][j];
      }
    }
    return sum;
  }

  static double squaredNorm(double[][] x) {
    return inner(x, x);
  }

  /** ‖A − ZY‖². */
  static double loss(double[][] a, double[][] z, double[][] y) {
    double[][] product = times(z, y);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      for (int t = 0; t < a[i].length; t++) {
        double difference = a[i][t] - product[i][t];
        sum += difference * difference;
      }
    }
    return sum;
  }

  /** ½‖A − ZY‖² + λ Σ_j ‖z_j‖‖y_j‖₁. */
  static double objective(double[][] a, double[][] z, double[][] y, double penalty) {
    double sum = loss(a, z, y) / 2;
    double[][] columns = transpose(z);
    for (int j = 0; j < y.length; j++) {
      sum += penalty * Math.sqrt(squaredNorm(columns[j])) * sum(abs(y[j]));
    }
    return sum;
  }

  /**
   * The sizes of what {@link #objective} adds up; what its rounding errors are measured against.
   */
  static double objectiveScale(double[][] a, double[][] z, double[][] y, double penalty) {
    double product = squaredNorm(times(abs(z), abs(y)));
    return squaredNorm(a) + product + objective(a, z, y, penalty);
  }

  static double squaredNorm(double[] x) {
    return squaredNorm(new double[][] {x});
  }

  static double[] abs(double[] x) {
    return Arrays.stream(x).map(Math::abs).toArray();
  }

  static double sum(double[] x) {
    return Arrays.stream(x).sum();
  }

  /** P_j − λ‖z_j‖, with ‖z_j‖² = Q_jj. */
  static double[][] penalized(double[][] p, double[][] q, double penalty) {
    double[][] result = new double[p.length][];
    for (int j = 0; j < p.length; j++) {
      double lowered = penalty * Math.sqrt(q[j][j]);
      result[j] = Arrays.stream(p[j]).map(value -> value - lowered).toArray();
    }
    return result;
  }

  /** Sweeps of y_j ← max(0, y_j + ω(P_j − (QY)_j) / Q_jj), skipping features with Q_jj = 0. */
  static double[][] hals(double[][] q, double[][] p, double[][] y, int sweeps, double relaxation) {
    double[][] result = new double[y.length][];
    for (int j = 0; j < y.length; j++) {
      result[j] = y[j].clone();
    }
    for (int sweep = 0; sweep < sweeps; sweep++) {
      for (int j = 0; j < y.length; j++) {
        if (q[j][j] > 0) {
          for (int t = 0; t < y[j].length; t++) {
            double gradient = p[j][t];
            for (int l = 0; l < y.length; l++) {
              gradient -= q[j][l] * result[l][t];
            }
            result[j][t] = Math.max(0, result[j][t] + relaxation * gradient / q[j][j]);
          }
        }
      }
    }
    return result;
  }

  /** Zeroes in every column what is smaller than the {@code keep}-th largest magnitude. */
  static double[][] winnerTakeAll(double[][] z, int keep) {
    double[][] result = new double[z.length][z[0].length];
    double[] magnitudes = new double[z.length];
    for (int j = 0; j < z[0].length; j++) {
      for (int i = 0; i < z.length; i++) {
        magnitudes[i] = Math.abs(z[i][j]);
      }
      double[] sorted = magnitudes.clone();
      Arrays.sort(sorted);
      double threshold = sorted[sorted.length - keep];
      for (int i = 0; i < z.length; i++) {
        result[i][j] = magnitudes[i] >= threshold ? z[i][j] : 0;
      }
    }
    return result;
  }
}
