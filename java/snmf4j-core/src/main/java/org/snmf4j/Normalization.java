package org.snmf4j;

import org.snmf4j.matrix.Matrix;

/** Moves the scale of the factors into the coefficients and shares out what they explain. */
final class Normalization {
  private Normalization() {}

  /** Makes the columns of Z unit vectors and scales the rows of Y, and YYᵀ, to match. */
  static void unitFeatures(Matrix features, Matrix coefficients, double[][] gram) {
    int k = gram.length;
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
      for (int l = 0; l < k; l++) {
        gram[j][l] *= norms[j];
        gram[l][j] *= norms[j];
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

  /** ⟨z_j y_j, ZY⟩ / ‖A‖² = Σ_l Q_jl G_jl / ‖A‖², which add up to ‖ZY‖² / ‖A‖². */
  static double[] energyShares(Matrix features, double[][] gram, double squaredNorm) {
    int k = gram.length;
    double[][] q = new double[k][k];
    double[] row = new double[k];
    int[] nonzero = new int[k];
    for (long i = 0; i < features.rows(); i++) {
      features.readRow(i, 0, row, 0, k);
      int count = 0;
      for (int j = 0; j < k; j++) {
        if (row[j] != 0) {
          nonzero[count++] = j;
        }
      }
      for (int a = 0; a < count; a++) {
        for (int b = 0; b < count; b++) {
          q[nonzero[a]][nonzero[b]] += row[nonzero[a]] * row[nonzero[b]];
        }
      }
    }
    double[] shares = new double[k];
    for (int j = 0; j < k; j++) {
      for (int l = 0; l < k; l++) {
        shares[j] += q[j][l] * gram[j][l];
      }
      shares[j] /= squaredNorm;
    }
    return shares;
  }
}
