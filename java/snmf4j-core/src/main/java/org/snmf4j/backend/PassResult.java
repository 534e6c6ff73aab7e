package org.snmf4j.backend;

/**
 * Sums that a pass leaves behind, in float64.
 *
 * @param cross ⟨P, Y⟩ with the updated Y
 * @param quadratic ⟨Q, G⟩ with the updated Y; NaN if the pass did not compute G
 */
public record PassResult(double cross, double quadratic) {
  /** ‖A − ZY‖² = ‖A‖² − 2⟨P,Y⟩ + ⟨Q,G⟩. */
  public double loss(double squaredNorm) {
    return squaredNorm - 2 * cross + quadratic;
  }
}
