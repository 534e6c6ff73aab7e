package org.snmf4j.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Interval of a ratio of medians by the percentile bootstrap. Forks differ more than the iterations
 * of one, so forks are drawn first, then iterations within each (a bootstrap in two stages).
 */
final class Bootstrap {
  private static final int RESAMPLES = 10_000;

  private Bootstrap() {}

  /**
   * A ratio and its interval.
   *
   * @param value median after / median before
   */
  record Ratio(double value, double low, double high) {
    boolean excludesOne() {
      return low > 1 || high < 1;
    }
  }

  /**
   * Compares two sides; the same numbers give the same interval.
   *
   * @param before scores by fork, at least one
   * @param after scores by fork, at least one
   * @param confidence of the interval, in (0, 1)
   */
  static Ratio ratio(List<double[]> before, List<double[]> after, double confidence) {
    SplittableRandom random = new SplittableRandom(1);
    double[] ratios = new double[RESAMPLES];
    for (int i = 0; i < RESAMPLES; i++) {
      ratios[i] =
          Samples.median(resample(after, random)) / Samples.median(resample(before, random));
    }
    Arrays.sort(ratios);
    int cut = (int) Math.floor((1 - confidence) / 2 * RESAMPLES);
    return new Ratio(median(after) / median(before), ratios[cut], ratios[RESAMPLES - 1 - cut]);
  }

  /** Of all iterations of all forks. */
  static double median(List<double[]> forks) {
    return Samples.median(forks.stream().flatMapToDouble(Arrays::stream).toArray());
  }

  private static double[] resample(List<double[]> forks, SplittableRandom random) {
    double[][] drawn = new double[forks.size()][];
    for (int f = 0; f < drawn.length; f++) {
      double[] fork = forks.get(random.nextInt(forks.size()));
      drawn[f] = new double[fork.length];
      Arrays.setAll(drawn[f], i -> fork[random.nextInt(fork.length)]);
    }
    return Arrays.stream(drawn).flatMapToDouble(Arrays::stream).toArray();
  }
}
