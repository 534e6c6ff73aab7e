package org.snmf4j.backend.reference;

import java.util.Arrays;
import org.snmf4j.error.BackendFailureException;
import org.snmf4j.linalg.Cholesky;

/** The steps that make features from statistics. */
final class FeatureSteps {
  /** Ridge of rounding size, relative to the largest diagonal entry. */
  private static final double ROUNDING = 1e-12;

  private FeatureSteps() {}

  /** Z ← C (G + ridge·I)⁻¹. */
  static void ridgeSolve(JavaStatistics s, double ridge, JavaFeatures z, Workers workers) {
    int k = s.rank();
    Cholesky factor = factor(s.gram, ridge, "ridge solve");
    workers.forRanges(
        s.neurons(),
        (worker, from, to) -> {
          double[] row = new double[k];
          for (int i = from; i < to; i++) {
            System.arraycopy(s.cross, i * k, row, 0, k);
            factor.solve(row);
            for (int j = 0; j < k; j++) {
              z.columns[j][i] = row[j];
            }
          }
        });
    findSupports(z, workers);
  }

  /**
   * One sweep over the columns, each set to its best with {@code keep} nonzeros.
   *
   * @param candidates where those may be, beside where they are; null for everywhere
   */
  static void sweepColumns(
      JavaStatistics s, JavaFeatures z, int keep, double penalty, JavaFeatures candidates) {
    for (int j = 0; j < z.rank(); j++) {
      double curvature = s.gram[j][j];
      double[] target = curvature > 0 ? unexplained(s, z, j) : new double[z.neurons()];
      if (candidates != null) {
        keepOnly(target, z.support[j], candidates.support[j]);
      }
      keepLargest(target, keep);
      double norm = Math.sqrt(PanelKernels.dot(target, target));
      double length = Math.max(0, norm - penalty * s.rowSums[j]) / curvature;
      double[] column = z.columns[j];
      for (int i = 0; i < column.length; i++) {
        column[i] = target[i] == 0 ? 0 : target[i] / norm * length;
      }
      z.findSupport(j);
    }
  }

  private static void keepOnly(double[] values, int[]... places) {
    double[] kept = new double[values.length];
    for (int[] place : places) {
      for (int i : place) {
        kept[i] = values[i];
      }
    }
    System.arraycopy(kept, 0, values, 0, values.length);
  }

  /** C_j − Z G_j + z_j G_jj. */
  private static double[] unexplained(JavaStatistics s, JavaFeatures z, int j) {
    int k = z.rank();
    double[] result = new double[z.neurons()];
    for (int i = 0; i < result.length; i++) {
      result[i] = s.cross[i * k + j];
    }
    for (int l = 0; l < k; l++) {
      if (l != j) {
        for (int i : z.support[l]) {
          result[i] -= z.columns[l][i] * s.gram[l][j];
        }
      }
    }
    return result;
  }

  /** Zeroes all but the {@code keep} entries of largest magnitude; of equal ones the first stay. */
  static void keepLargest(double[] values, int keep) {
    double[] magnitudes = Arrays.stream(values).map(Math::abs).sorted().toArray();
    double threshold = magnitudes[magnitudes.length - keep];
    long room = keep - Arrays.stream(values).filter(v -> Math.abs(v) > threshold).count();
    for (int i = 0; i < values.length; i++) {
      double magnitude = Math.abs(values[i]);
      if (magnitude < threshold || magnitude == threshold && room-- <= 0) {
        values[i] = 0;
      }
    }
  }

  /** Least squares of every row on its support, the penalty majorized at the old columns. */
  static void refit(
      JavaStatistics s, JavaFeatures z, double penalty, double relaxation, Workers workers) {
    double[] weights = new double[z.rank()];
    for (int j = 0; j < weights.length; j++) {
      double norm = Math.sqrt(PanelKernels.dot(z.columns[j], z.columns[j]));
      weights[j] = norm > 0 ? penalty * s.rowSums[j] / norm : 0;
    }
    workers.forRanges(
        z.neurons(),
        (worker, from, to) -> {
          int[] support = new int[z.rank()];
          for (int i = from; i < to; i++) {
            int size = 0;
            for (int j = 0; j < z.rank(); j++) {
              if (z.columns[j][i] != 0) {
                support[size++] = j;
              }
            }
            refitRow(s, z, i, Arrays.copyOf(support, size), weights, relaxation);
          }
        });
    findSupports(z, workers);
  }

  private static void refitRow(
      JavaStatistics s, JavaFeatures z, int i, int[] support, double[] weights, double relaxation) {
    int size = support.length;
    if (size == 0) {
      return;
    }
    double[][] system = new double[size][size];
    double[] row = new double[size];
    double largest = 0;
    for (int m = 0; m < size; m++) {
      int j = support[m];
      for (int l = 0; l < size; l++) {
        system[m][l] = s.gram[j][support[l]];
      }
      largest = Math.max(largest, system[m][m]);
      system[m][m] += weights[j];
      row[m] = s.cross[i * s.rank() + j];
    }
    factor(system, Math.max(ROUNDING * largest, Double.MIN_NORMAL), "refit").solve(row);
    for (int m = 0; m < size; m++) {
      double old = z.columns[support[m]][i];
      z.columns[support[m]][i] = old + relaxation * (row[m] - old);
    }
  }

  private static Cholesky factor(double[][] matrix, double ridge, String what) {
    try {
      return Cholesky.ofRegularized(matrix, ridge);
    } catch (ArithmeticException e) {
      throw new BackendFailureException("the " + what + " failed: " + e.getMessage(), e);
    }
  }

  private static void findSupports(JavaFeatures z, Workers workers) {
    workers.forRanges(
        z.rank(),
        (worker, from, to) -> {
          for (int j = from; j < to; j++) {
            z.findSupport(j);
          }
        });
  }
}
