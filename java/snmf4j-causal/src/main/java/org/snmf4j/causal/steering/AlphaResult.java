package org.snmf4j.causal.steering;

import org.snmf4j.error.InvalidArgumentException;

/**
 * What a search for α found.
 *
 * @param targetKl the KL that was asked for, in nats
 * @param reached whether an α gives it
 * @param alpha that α, with its sign; NaN if unreachable
 * @param kl its KL, within the search's tolerance of the target; NaN if unreachable
 * @param largestKl largest KL seen with this sign
 * @param reason why the target is unreachable; null if it is reached
 */
public record AlphaResult(
    double targetKl, boolean reached, double alpha, double kl, double largestKl, String reason) {

  static AlphaResult found(double targetKl, double alpha, double kl, double largestKl) {
    return new AlphaResult(targetKl, true, alpha, kl, largestKl, null);
  }

  static AlphaResult unreachable(double targetKl, double largestKl, String reason) {
    return new AlphaResult(targetKl, false, Double.NaN, Double.NaN, largestKl, reason);
  }

  /**
   * α, for callers who cannot go on without one.
   *
   * @throws InvalidArgumentException if the target is unreachable, with the reason
   */
  public double requireAlpha() {
    if (!reached) {
      throw new InvalidArgumentException("KL", targetKl, "reachable: " + reason);
    }
    return alpha;
  }
}
