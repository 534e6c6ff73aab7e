package org.snmf4j.causal.steering;

/** Distributions of the next token, from a model's logits; in double precision. */
final class LogProbabilities {
  private LogProbabilities() {}

  /** Natural logarithms of softmax(logits); NaN everywhere if a logit is no finite number. */
  static double[] of(float[] logits) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    double normalizer = largest + Math.log(sum);
    double[] logs = new double[logits.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = logits[i] - normalizer;
    }
    return logs;
  }

  /**
   * KL(base‖other) = Σ p_base (ln p_base − ln p_other), in nats. Tokens that the base never says
   * count nothing.
   */
  static double divergence(double[] base, double[] other) {
    double sum = 0;
    for (int i = 0; i < base.length; i++) {
      double probability = Math.exp(base[i]);
      if (probability > 0 || Double.isNaN(probability)) {
        sum += probability * (base[i] - other[i]);
      }
    }
    // Rounding can leave equal distributions a little below 0.
    return Math.max(0, sum);
  }
}
