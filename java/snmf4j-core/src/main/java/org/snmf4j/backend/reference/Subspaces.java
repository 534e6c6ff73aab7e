package org.snmf4j.backend.reference;

import java.util.Arrays;

/** Bases of subspaces of the neurons, and products with them. */
final class Subspaces {
  /** Share of a column's squared length below which what is left of it is rounding. */
  private static final double DEPENDENT = 1e-10;

  private Subspaces() {}

  /** Gram and Schmidt's process, each column twice, so that rounding does not add up. */
  static void orthonormalize(JavaFeatures z) {
    for (int j = 0; j < z.rank(); j++) {
      double[] column = z.columns[j];
      double before = PanelKernels.dot(column, column);
      for (int round = 0; round < 2; round++) {
        for (int l = 0; l < j; l++) {
          double[] other = z.columns[l];
          double share = PanelKernels.dot(other, column);
          for (int i = 0; i < column.length; i++) {
            column[i] -= share * other[i];
          }
        }
      }
      double rest = PanelKernels.dot(column, column);
      if (rest > DEPENDENT * before) {
        double norm = Math.sqrt(rest);
        for (int i = 0; i < column.length; i++) {
          column[i] /= norm;
        }
      } else {
        Arrays.fill(column, 0);
      }
      z.findSupport(j);
    }
  }

  /** result ← left · right, column by column. */
  static void multiply(
      JavaFeatures left, JavaFeatures right, JavaFeatures result, Workers workers) {
    workers.forRanges(
        right.rank(),
        (worker, from, to) -> {
          for (int j = from; j < to; j++) {
            double[] target = result.columns[j];
            Arrays.fill(target, 0);
            for (int l : right.support[j]) {
              double value = right.columns[j][l];
              double[] column = left.columns[l];
              for (int i = 0; i < target.length; i++) {
                target[i] += value * column[i];
              }
            }
            result.findSupport(j);
          }
        });
  }

  /** C ← basis · C, row by row; G and the row sums are copied. */
  static void expand(
      JavaFeatures basis, JavaStatistics coordinates, JavaStatistics result, Workers workers) {
    int k = result.rank();
    workers.forRanges(
        basis.neurons(),
        (worker, from, to) -> {
          for (int i = from; i < to; i++) {
            Arrays.fill(result.cross, i * k, (i + 1) * k, 0);
            for (int l = 0; l < basis.rank(); l++) {
              double value = basis.columns[l][i];
              for (int j = 0; j < k; j++) {
                result.cross[i * k + j] += value * coordinates.cross[l * k + j];
              }
            }
          }
        });
    for (int j = 0; j < k; j++) {
      System.arraycopy(coordinates.gram[j], 0, result.gram[j], 0, k);
    }
    System.arraycopy(coordinates.rowSums, 0, result.rowSums, 0, k);
  }
}
