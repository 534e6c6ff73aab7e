package org.snmf4j.causal.steering;

/**
 * How steering changes a token's chance to come next. Logarithms are natural; over several prompts
 * they are means.
 *
 * @param id the token
 * @param base log-probability without steering
 * @param steered log-probability with it
 */
public record TokenChange(int id, double base, double steered) {

  /** By how much steering raises the log-probability; negative if it lowers it. */
  public double change() {
    return steered - base;
  }
}
