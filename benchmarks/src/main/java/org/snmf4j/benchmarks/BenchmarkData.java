package org.snmf4j.benchmarks;

import java.util.SplittableRandom;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * Activations with planted features: A = GELU(scale · (W·S + 0.5·N) + bias) with 3k features that
 * fire by a power law. The same for the same shape and seed.
 */
public final class BenchmarkData {
  private BenchmarkData() {}

  /**
   * Dense variant: W ~ 0.22·t(3).
   *
   * @return A {@code [d, n]}, float32, row-major
   */
  public static Matrix planted(int d, int n, int k, long seed) {
    int planted = 3 * k;
    SplittableRandom random = new SplittableRandom(seed);
    int[][] active = new int[n][];
    float[][] strength = new float[n][];
    for (int t = 0; t < n; t++) {
      int[] found = new int[planted];
      float[] values = new float[planted];
      int count = 0;
      for (int j = 0; j < planted; j++) {
        double p = Math.min(0.5, Math.max(0.004, 0.5 * Math.pow(j + 1, -0.7)));
        if (random.nextDouble() < p) {
          found[count] = j;
          values[count++] = (float) Math.exp(0.5 * gaussian(random));
        }
      }
      active[t] = java.util.Arrays.copyOf(found, count);
      strength[t] = java.util.Arrays.copyOf(values, count);
    }
    Matrix a = Matrix.allocate(ElementType.FLOAT32, d, n);
    float[] weights = new float[planted];
    float[] row = new float[n];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < planted; j++) {
        weights[j] = (float) (0.22 * student3(random));
      }
      double scale = Math.exp(0.4 * gaussian(random));
      double bias = -0.9 + 0.3 * gaussian(random);
      for (int t = 0; t < n; t++) {
        double sum = 0.5 * gaussian(random);
        for (int e = 0; e < active[t].length; e++) {
          sum += weights[active[t][e]] * strength[t][e];
        }
        row[t] = (float) gelu(scale * sum + bias);
      }
      a.writeRow(i, 0, row, 0, n);
    }
    return a;
  }

  private static double gelu(double x) {
    return 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  }

  private static double student3(SplittableRandom random) {
    double chi = 0;
    for (int i = 0; i < 3; i++) {
      double x = gaussian(random);
      chi += x * x;
    }
    return gaussian(random) / Math.sqrt(chi / 3);
  }

  private static double gaussian(SplittableRandom random) {
    double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
    return radius * Math.cos(2 * Math.PI * random.nextDouble());
  }
}
