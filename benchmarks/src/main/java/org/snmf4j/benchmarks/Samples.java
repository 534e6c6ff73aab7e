package org.snmf4j.benchmarks;

import java.util.Arrays;
import java.util.Collection;

/** Figures of repeated measurements. */
final class Samples {
  private Samples() {}

  /** The middle one, or the mean of the two in the middle. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  static double median(Collection<Double> values) {
    return median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Slope of the least squares line through (ln x, ln y). */
  static double exponent(double[] x, double[] y) {
    double meanX = Arrays.stream(x).map(Math::log).average().orElseThrow();
    double meanY = Arrays.stream(y).map(Math::log).average().orElseThrow();
    double products = 0;
    double squares = 0;
    for (int i = 0; i < x.length; i++) {
      double distance = Math.log(x[i]) - meanX;
      products += distance * (Math.log(y[i]) - meanY);
      squares += distance * distance;
    }
    return products / squares;
  }
}
