package org.snmf4j.causal.steering;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LogProbabilitiesTest {
  @Test
  void divergenceOfKnownDistributions() {
    double[] base = LogProbabilities.of(logs(0.5, 0.25, 0.25));
    double[] other = LogProbabilities.of(logs(0.25, 0.25, 0.5));
    // 0.5 ln 2 + 0.25 ln 1 + 0.25 ln 0.5; single-precision logits.
    assertEquals(0.25 * Math.log(2), LogProbabilities.divergence(base, other), 1e-7);
    assertEquals(0, LogProbabilities.divergence(base, base));
  }

  @Test
  void shiftsAndExtremesDoNotMatter() {
    float[] large = {1000, 1001, 999};
    float[] small = {-1000, -999, -1001};
    assertEquals(
        0,
        LogProbabilities.divergence(LogProbabilities.of(large), LogProbabilities.of(small)),
        1e-12);
    double[] certain = LogProbabilities.of(new float[] {0, Float.NEGATIVE_INFINITY});
    double[] even = LogProbabilities.of(new float[] {0, 0});
    assertEquals(Math.log(2), LogProbabilities.divergence(certain, even), 1e-12);
    assertEquals(Double.POSITIVE_INFINITY, LogProbabilities.divergence(even, certain));
    double[] broken = LogProbabilities.of(new float[] {0, Float.NaN});
    assertTrue(Double.isNaN(LogProbabilities.divergence(even, broken)));
    assertTrue(Double.isNaN(LogProbabilities.divergence(broken, even)));
  }

  private static float[] logs(double... probabilities) {
    float[] logs = new float[probabilities.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = (float) Math.log(probabilities[i]) + 3;
    }
    return logs;
  }
}
