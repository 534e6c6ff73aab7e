package org.snmf4j;

import java.util.Arrays;
import org.snmf4j.matrix.Matrix;

/** The nonzeros of Z, column by column. */
final class FeatureColumns {
  private final int neurons;
  private final int[][] index;
  private final double[][] value;

  /** Reads Z {@code [d, k]} once, along its rows. */
  FeatureColumns(Matrix features) {
    int k = (int) features.columns();
    neurons = (int) features.rows();
    index = new int[k][16];
    value = new double[k][16];
    int[] count = new int[k];
    double[] row = new double[k];
    for (int i = 0; i < neurons; i++) {
      features.readRow(i, 0, row, 0, k);
      for (int j = 0; j < k; j++) {
        if (row[j] != 0) {
          if (count[j] == index[j].length) {
            index[j] = Arrays.copyOf(index[j], 2 * count[j]);
            value[j] = Arrays.copyOf(value[j], 2 * count[j]);
          }
          index[j][count[j]] = i;
          value[j][count[j]++] = row[j];
        }
      }
    }
    for (int j = 0; j < k; j++) {
      index[j] = Arrays.copyOf(index[j], count[j]);
    }
  }

  /** Number of nonzeros of a column. */
  int size(int column) {
    return index[column].length;
  }

  /** See {@link ModelStatistics#meanLargestCorrelation}. */
  double meanLargestCorrelation() {
    int k = index.length;
    double[] norm = new double[k];
    double[] largest = new double[k];
    double[] dense = new double[neurons];
    int nonzero = 0;
    for (int j = 0; j < k; j++) {
      for (int e = 0; e < index[j].length; e++) {
        dense[index[j][e]] = value[j][e];
        norm[j] += value[j][e] * value[j][e];
      }
      norm[j] = Math.sqrt(norm[j]);
      if (norm[j] > 0) {
        nonzero++;
        for (int l = 0; l < j; l++) {
          if (norm[l] > 0) {
            double cosine = Math.abs(dot(l, dense)) / (norm[j] * norm[l]);
            largest[j] = Math.max(largest[j], cosine);
            largest[l] = Math.max(largest[l], cosine);
          }
        }
      }
      for (int i : index[j]) {
        dense[i] = 0;
      }
    }
    // Rounding may take the cosine of equal features beyond 1.
    return nonzero < 2 ? 0 : Math.min(1, Arrays.stream(largest).sum() / nonzero);
  }

  private double dot(int column, double[] dense) {
    double sum = 0;
    for (int e = 0; e < index[column].length; e++) {
      sum += value[column][e] * dense[index[column][e]];
    }
    return sum;
  }
}
