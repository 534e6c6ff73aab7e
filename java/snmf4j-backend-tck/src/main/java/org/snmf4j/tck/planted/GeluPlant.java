package org.snmf4j.tck.planted;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.snmf4j.matrix.Matrix;

/** A = GELU(scale · (W·S + 0.5·N) + bias), a neuron at a time. */
final class GeluPlant {
  private static final double NOISE = 0.5;
  private static final double SCALE_DEVIATION = 0.4;
  private static final double BIAS_MEAN = -0.9;
  private static final double BIAS_DEVIATION = 0.3;

  private static final double DENSE_WEIGHT = 0.22;
  private static final int DENSE_FREEDOM = 3;

  private static final double SPARSE_WEIGHT = 0.08;
  private static final int SPARSE_FREEDOM = 4;
  private static final double OUTLIER_SHARE = 0.02;
  private static final int OUTLIER_FREEDOM = 3;
  private static final double OUTLIER_LIMIT = 8;

  private GeluPlant() {}

  /**
   * Fills A {@code [d, n]} and W {@code [d, K]}. Neurons are drawn in parallel, each from its own
   * stretch of the seed's one sequence, so that the values do not depend on the threads.
   */
  static void fill(PlantedData.Variant variant, long seed, Matrix activations, Matrix features) {
    int tokens = Math.toIntExact(activations.columns());
    int planted = Math.toIntExact(features.columns());
    Firings firings = Firings.draw(planted, tokens, new SplittableRandom(seed));
    long perNeuron = (long) planted * weightDraws(variant) + (2L + tokens) * Draws.GAUSSIAN;
    IntStream.range(0, Math.toIntExact(activations.rows()))
        .parallel()
        .forEach(
            i -> {
              SplittableRandom random = Draws.after(seed, firings.draws() + i * perNeuron);
              float[] weights = new float[planted];
              for (int j = 0; j < planted; j++) {
                weights[j] = (float) weight(variant, random);
              }
              features.writeRow(i, 0, weights, 0, planted);
              activations.writeRow(i, 0, neuron(firings, weights, random), 0, tokens);
            });
  }

  private static float[] neuron(Firings firings, float[] weights, SplittableRandom random) {
    double scale = Math.exp(SCALE_DEVIATION * Draws.gaussian(random));
    double bias = BIAS_MEAN + BIAS_DEVIATION * Draws.gaussian(random);
    float[] row = new float[firings.tokens()];
    for (int t = 0; t < row.length; t++) {
      double sum = firings.add(NOISE * Draws.gaussian(random), weights, t);
      row[t] = (float) Draws.gelu(scale * sum + bias);
    }
    return row;
  }

  private static double weight(PlantedData.Variant variant, SplittableRandom random) {
    return switch (variant) {
      case DENSE -> DENSE_WEIGHT * Draws.student(random, DENSE_FREEDOM);
      case SPARSE -> {
        double weight = SPARSE_WEIGHT * Draws.student(random, SPARSE_FREEDOM);
        yield random.nextDouble() < OUTLIER_SHARE
            ? weight + Math.min(Math.abs(Draws.student(random, OUTLIER_FREEDOM)), OUTLIER_LIMIT)
            : weight;
      }
    };
  }

  /** Most uniform draws of one weight. */
  private static int weightDraws(PlantedData.Variant variant) {
    return switch (variant) {
      case DENSE -> (DENSE_FREEDOM + 1) * Draws.GAUSSIAN;
      case SPARSE -> (SPARSE_FREEDOM + 1 + OUTLIER_FREEDOM + 1) * Draws.GAUSSIAN + 1;
    };
  }
}
