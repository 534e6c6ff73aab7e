package org.snmf4j.tck.planted;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.snmf4j.matrix.Matrix;

/** A = Z·S + noise with exactly s-sparse unit columns Z; meant for small problems. */
final class LinearPlant {
  /** No entry of a feature is so small that its support is a matter of noise. */
  private static final double LEAST_ENTRY = 0.5;

  private static final double MOST_ENTRY = 8;
  private static final int FREEDOM = 3;

  private LinearPlant() {}

  /**
   * Fills A {@code [d, n]} and Z {@code [d, K]}.
   *
   * @param level root mean square of the noise over that of Z·S
   */
  static void fill(
      int support,
      double level,
      PlantedData.Noise noise,
      long seed,
      Matrix activations,
      Matrix features) {
    int neurons = Math.toIntExact(activations.rows());
    int tokens = Math.toIntExact(activations.columns());
    int planted = Math.toIntExact(features.columns());
    SplittableRandom random = new SplittableRandom(seed);
    float[][] z = features(neurons, planted, support, random);
    Firings firings = Firings.draw(planted, tokens, random);
    double[] signal = new double[tokens];
    double squares = 0;
    for (float[] weights : z) {
      for (int t = 0; t < tokens; t++) {
        double value = firings.add(0, weights, t);
        squares += value * value;
      }
    }
    double scale = level * Math.sqrt(squares / ((double) neurons * tokens));
    for (int i = 0; i < neurons; i++) {
      features.writeRow(i, 0, z[i], 0, planted);
      for (int t = 0; t < tokens; t++) {
        signal[t] = firings.add(scale * noise.draw(random), z[i], t);
      }
      activations.writeRow(i, 0, signal, 0, tokens);
    }
  }

  private static float[][] features(
      int neurons, int planted, int support, SplittableRandom random) {
    float[][] z = new float[neurons][planted];
    int[] order = new int[neurons];
    Arrays.setAll(order, i -> i);
    double[] column = new double[support];
    for (int j = 0; j < planted; j++) {
      double squares = 0;
      for (int e = 0; e < support; e++) {
        // The first steps of a shuffle choose without repetition.
        int other = random.nextInt(e, neurons);
        int chosen = order[other];
        order[other] = order[e];
        order[e] = chosen;
        double tail = Draws.student(random, FREEDOM);
        double magnitude = Math.min(LEAST_ENTRY + Math.abs(tail), MOST_ENTRY);
        column[e] = Math.copySign(magnitude, tail);
        squares += magnitude * magnitude;
      }
      for (int e = 0; e < support; e++) {
        z[order[e]][j] = (float) (column[e] / Math.sqrt(squares));
      }
    }
    return z;
  }
}
