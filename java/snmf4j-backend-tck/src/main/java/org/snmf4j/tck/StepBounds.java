package org.snmf4j.tck;

/**
 * Where a multiplicative step may land if P and Q are known only up to rounding: √ near zero
 * magnifies errors beyond any fixed tolerance, so the step is computed in interval arithmetic. It
 * grows with P and falls with Q, entry by entry.
 */
final class StepBounds {
  final double[][] lower;
  final double[][] upper;

  /**
   * Bounds Y ⊙ √((P⁺ + Q⁻Y) / (P⁻ + Q⁺Y + ε)).
   *
   * @param tolerance of P relative to |Z|ᵀ|A|, of Q relative to |Z|ᵀ|Z|
   */
  StepBounds(double[][] a, double[][] z, double[][] y, double epsilon, double tolerance) {
    double[][] transposed = Plain.transpose(z);
    double[][] magnitudes = Plain.abs(transposed);
    double[][] p = Plain.times(transposed, a);
    double[][] pError = Plain.times(magnitudes, Plain.abs(a));
    double[][] q = Plain.times(transposed, z);
    double[][] qError = Plain.times(magnitudes, Plain.abs(z));
    lower = bound(p, pError, q, qError, y, epsilon, -tolerance);
    upper = bound(p, pError, q, qError, y, epsilon, tolerance);
  }

  private static double[][] bound(
      double[][] p,
      double[][] pError,
      double[][] q,
      double[][] qError,
      double[][] y,
      double epsilon,
      double shift) {
    int n = y[0].length;
    double[][] result = new double[y.length][n];
    for (int j = 0; j < y.length; j++) {
      double[] above = new double[n];
      double[] below = new double[n];
      for (int l = 0; l < y.length; l++) {
        double shifted = q[j][l] - shift * qError[j][l];
        double[] target = shifted > 0 ? below : above;
        for (int t = 0; t < n; t++) {
          target[t] += Math.abs(shifted) * y[l][t];
        }
      }
      for (int t = 0; t < n; t++) {
        double value = p[j][t] + shift * pError[j][t];
        double up = (above[t] + Math.max(value, 0)) * (1 + shift);
        double down = (below[t] + Math.max(-value, 0)) * (1 - shift) + epsilon;
        result[j][t] = y[j][t] * Math.sqrt(up / down) * (1 + shift);
      }
    }
    return result;
  }
}
