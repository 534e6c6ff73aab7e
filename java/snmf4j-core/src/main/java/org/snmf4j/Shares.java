package org.snmf4j;

import org.snmf4j.matrix.Matrix;

/** Shares out what a model explains among its features. */
final class Shares {
  private Shares() {}

  /**
   * (2⟨z_j, C_j⟩ − Σ_l Q_jl G_jl) / ‖A‖², which add up to 1 − ‖A − ZY‖² / ‖A‖². A feature that
   * works against the others may get a negative share.
   *
   * @param features Z {@code [d, k]}
   * @param cross C = AYᵀ {@code [d, k]}
   * @param gram G = YYᵀ
   */
  static double[] of(Matrix features, Matrix cross, double[][] gram, double squaredNorm) {
    int k = gram.length;
    double[] shares = new double[k];
    double[][] q = new double[k][k];
    double[] z = new double[k];
    double[] c = new double[k];
    int[] nonzero = new int[k];
    for (long i = 0; i < features.rows(); i++) {
      features.readRow(i, 0, z, 0, k);
      cross.readRow(i, 0, c, 0, k);
      int count = 0;
      for (int j = 0; j < k; j++) {
        if (z[j] != 0) {
          shares[j] += 2 * z[j] * c[j];
          nonzero[count++] = j;
        }
      }
      for (int a = 0; a < count; a++) {
        double value = z[nonzero[a]];
        double[] target = q[nonzero[a]];
        for (int b = 0; b < count; b++) {
          target[nonzero[b]] += value * z[nonzero[b]];
        }
      }
    }
    for (int j = 0; j < k; j++) {
      for (int l = 0; l < k; l++) {
        shares[j] -= q[j][l] * gram[j][l];
      }
      shares[j] /= squaredNorm;
    }
    return shares;
  }
}
