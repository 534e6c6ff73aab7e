package org.snmf4j;

import org.snmf4j.matrix.Matrix;

/** Moves the scale of the factors into the coefficients. */
final class Normalization {
  private Normalization() {}

  /** Makes the columns of Z unit vectors and scales the rows of Y to match. */
  static void unitFeatures(Matrix features, Matrix coefficients) {
    int k = (int) features.columns();
    double[] norms = columnNorms(features, k);
    double[] row = new double[k];
    for (long i = 0; i < features.rows(); i++) {
      features.readRow(i, 0, row, 0, k);
      for (int j = 0; j < k; j++) {
        row[j] = norms[j] > 0 ? row[j] / norms[j] : 0;
      }
      features.writeRow(i, 0, row, 0, k);
    }
    double[] stretch = new double[(int) Math.min(coefficients.columns(), 1 << 14)];
    for (int j = 0; j < k; j++) {
      for (long from = 0; from < coefficients.columns(); from += stretch.length) {
        int length = (int) Math.min(stretch.length, coefficients.columns() - from);
        coefficients.readRow(j, from, stretch, 0, length);
        for (int t = 0; t < length; t++) {
          stretch[t] *= norms[j];
        }
        coefficients.writeRow(j, from, stretch, 0, length);
      }
    }
  }

  private static double[] columnNorms(Matrix features, int k) {
    double[] squares = new double[k];
    double[] row = new double[k];
    for (long i = 0; i < features.rows(); i++) {
      features.readRow(i, 0, row, 0, k);
      for (int j = 0; j < k; j++) {
        squares[j] += row[j] * row[j];
      }
    }
    for (int j = 0; j < k; j++) {
      squares[j] = Math.sqrt(squares[j]);
    }
    return squares;
  }
}
