package org.snmf4j.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void medians() {
    assertEquals(2, Samples.median(new double[] {9, 1, 2}));
    assertEquals(1.5, Samples.median(List.of(9.0, 1.0, 2.0, 0.0)));
  }

  @Test
  void exponentOfAPowerLaw() {
    double[] x = {5, 10, 20, 80};
    double[] y = Arrays.stream(x).map(value -> 3 * Math.pow(value, 1.25)).toArray();
    assertEquals(1.25, Samples.exponent(x, y), 1e-12);
  }

  /** Forks whose level varies by 3 %, and their iterations by 1 % around that. */
  private static List<double[]> forks(int count, double level, SplittableRandom random) {
    List<double[]> forks = new ArrayList<>();
    for (int f = 0; f < count; f++) {
      double own = level * (1 + 0.03 * random.nextGaussian());
      double[] fork = new double[5];
      Arrays.setAll(fork, i -> own * (1 + 0.01 * random.nextGaussian()));
      forks.add(fork);
    }
    return forks;
  }

  @Test
  void equalSidesSeldomDifferAndUnequalOnesMostlyDo() {
    SplittableRandom random = new SplittableRandom(3);
    int falseAlarms = 0;
    int found = 0;
    for (int round = 0; round < 100; round++) {
      List<double[]> before = forks(5, 10, random);
      if (Bootstrap.ratio(before, forks(5, 10, random), 0.99).excludesOne()) {
        falseAlarms++;
      }
      if (Bootstrap.ratio(before, forks(5, 12, random), 0.99).excludesOne()) {
        found++;
      }
    }
    // Five forks make the bootstrap's tails too light: more than the nominal 1 %, but few.
    assertTrue(falseAlarms <= 8, falseAlarms + " of 100 equal pairs differ");
    assertTrue(found >= 95, "only " + found + " of 100 differences of 20 % are seen");
  }

  @Test
  void oneForkThatDiffersIsNoise() {
    List<double[]> before = List.of(new double[] {10, 10}, new double[] {10, 10});
    List<double[]> after = List.of(new double[] {10, 10}, new double[] {13, 13});
    Bootstrap.Ratio ratio = Bootstrap.ratio(before, after, 0.99);
    assertEquals(1.15, ratio.value(), 1e-12);
    assertFalse(ratio.excludesOne(), () -> "interval " + ratio);
    assertEquals(1, ratio.low(), 1e-12);
    assertEquals(1.3, ratio.high(), 1e-12);
  }

  @Test
  void theFloorIsTheLargerOfBothTimes() {
    Peaks.Measured peaks = new Peaks.Measured(10, 100);
    assertEquals(3, new Work(200, 30).floor(peaks));
    assertEquals(5, new Work(500, 30).floor(peaks));
    assertTrue(new Work(200, 30).isMemoryBound(peaks));
    assertFalse(new Work(500, 30).isMemoryBound(peaks));
  }
}
