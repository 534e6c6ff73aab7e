package org.snmf4j.backend;

/**
 * Sums that a pass leaves behind, in float64.
 *
 * @param cross ⟨P, Y⟩ with the updated Y
 * @param quadratic ⟨Q, G⟩ with the updated Y; NaN if the pass did not compute G
 * @param spread Σ_j ‖z_j‖ Σ_t y_jt with the updated Y; NaN if the pass did not compute G
 */
public record PassResult(double cross, double quadratic, double spread) {
  /** ‖A − ZY‖² = ‖A‖² − 2⟨P,Y⟩ + ⟨Q,G⟩. */
  public double loss(double squaredNorm) {
    return squaredNorm - 2 * cross + quadratic;
  }

  /** ½‖A − ZY‖² + λ Σ_j ‖z_j‖‖y_j‖₁, for Y that is not negative. */
  public double objective(double squaredNorm, double penalty) {
    return loss(squaredNorm) / 2 + (penalty == 0 ? 0 : penalty * spread);
  }
}
