package org.snmf4j.tck.planted;

import java.util.Arrays;
import java.util.SplittableRandom;

/** S {@code [K, n]}, token by token: which features fire, and how strongly. */
final class Firings {
  private final int[][] features;
  private final float[][] strengths;
  private final long draws;

  private Firings(int[][] features, float[][] strengths, long draws) {
    this.features = features;
    this.strengths = strengths;
    this.draws = draws;
  }

  static Firings draw(int planted, int tokens, SplittableRandom random) {
    double[] probabilities = Draws.firing(planted);
    int[][] features = new int[tokens][];
    float[][] strengths = new float[tokens][];
    int[] found = new int[planted];
    float[] values = new float[planted];
    long fired = 0;
    for (int t = 0; t < tokens; t++) {
      int count = 0;
      for (int j = 0; j < planted; j++) {
        if (random.nextDouble() < probabilities[j]) {
          found[count] = j;
          values[count++] = (float) Draws.magnitude(random);
        }
      }
      features[t] = Arrays.copyOf(found, count);
      strengths[t] = Arrays.copyOf(values, count);
      fired += count;
    }
    return new Firings(features, strengths, (long) planted * tokens + fired * Draws.GAUSSIAN);
  }

  int tokens() {
    return features.length;
  }

  /** Uniform draws that went into this. */
  long draws() {
    return draws;
  }

  /** {@code start} + Σ_j weights_j S_jt. */
  double add(double start, float[] weights, int token) {
    int[] active = features[token];
    float[] strength = strengths[token];
    double sum = start;
    for (int e = 0; e < active.length; e++) {
      sum += weights[active[e]] * strength[e];
    }
    return sum;
  }
}
