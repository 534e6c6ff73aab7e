package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.matrix.Matrix;

class ModelStatisticsTest {
  private static SnmfModel model(double[][] z, double[][] y) {
    return new SnmfModel(Matrix.of(z), Matrix.of(y), new double[y.length], null, Map.of());
  }

  private static double[][] random(int rows, int columns, double density, SplittableRandom random) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      for (int i = 0; i < columns; i++) {
        row[i] = random.nextDouble() < density ? random.nextDouble() - 0.3 : 0;
      }
    }
    return values;
  }

  private static double cosine(double[][] z, int j, int l) {
    double product = 0;
    double first = 0;
    double second = 0;
    for (double[] row : z) {
      product += row[j] * row[l];
      first += row[j] * row[j];
      second += row[l] * row[l];
    }
    return Math.abs(product) / Math.sqrt(first * second);
  }

  @ParameterizedTest
  @CsvSource({"30, 7, 50, 0.3", "64, 20, 40, 0.05", "5, 2, 3, 1", "200, 40, 20000, 0.2"})
  void equalsWhatTheDefinitionsSay(int d, int k, int n, double density) {
    SplittableRandom random = new SplittableRandom(d);
    double[][] z = random(d, k, density, random);
    double[][] y = random(k, n, 0.4, random);
    for (double[] row : y) {
      for (int t = 0; t < n; t++) {
        // Some far below, some just above the threshold of 1e-6.
        row[t] = t % 5 == 0 ? 1e-7 : t % 7 == 0 ? 2e-6 : Math.max(0, row[t]);
      }
    }
    Arrays.fill(y[1], 0);
    double firing = 0;
    int dead = 0;
    double support = 0;
    double largest = 0;
    int alive = 0;
    for (int j = 0; j < k; j++) {
      double limit = 1e-6 * Arrays.stream(y[j]).max().orElseThrow();
      firing += Arrays.stream(y[j]).filter(value -> value > limit).count();
      int feature = j;
      long size = Arrays.stream(z).filter(row -> row[feature] != 0).count();
      support += size;
      dead += size == 0 || limit == 0 ? 1 : 0;
      if (size > 0) {
        alive++;
        largest +=
            IntStream.range(0, k)
                .filter(l -> l != feature)
                .mapToDouble(l -> cosine(z, feature, l))
                .filter(Double::isFinite)
                .max()
                .orElse(0);
      }
    }
    assertTrue(dead >= 1);
    try (SnmfModel model = model(z, y)) {
      ModelStatistics statistics = model.statistics();
      assertEquals(firing / n, statistics.coefficientsPerToken(), 1e-9);
      assertEquals(largest / alive, statistics.meanLargestCorrelation(), 1e-12);
      assertEquals(dead, statistics.deadFeatures());
      assertEquals(support / k, statistics.meanSupportSize(), 1e-12);
    }
  }

  @Test
  void aLoneFeatureOverlapsWithNothing() {
    try (SnmfModel model = model(new double[][] {{0.6}, {0}, {-0.8}}, new double[][] {{1, 0}})) {
      assertEquals(new ModelStatistics(0.5, 0, 0, 2), model.statistics());
    }
  }

  @Test
  void zeroFeaturesAreDeadAndHaveNoCorrelation() {
    double[][] z = {{1, 0, -1}, {0, 0, 0}, {0, 0, 0}};
    try (SnmfModel model = model(z, new double[][] {{1, 1}, {3, 0}, {0, 0}})) {
      assertEquals(new ModelStatistics(1.5, 1, 2, 2 / 3.0), model.statistics());
    }
    try (SnmfModel model = model(new double[4][3], new double[3][5])) {
      assertEquals(new ModelStatistics(0, 0, 3, 0), model.statistics());
    }
  }

  @Test
  void severalThreadsGetTheSame() throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (SnmfModel model = model(random(50, 10, 0.2, random), random(10, 500, 0.3, random))) {
      Future<ModelStatistics> first = pool.submit(() -> model.statistics());
      Future<FeatureStatistics> other = pool.submit(() -> model.statistics(3));
      Future<ModelStatistics> second = pool.submit(() -> model.statistics());
      assertSame(first.get(), second.get());
      assertSame(other.get(), model.statistics(3));
    } finally {
      pool.shutdown();
    }
  }
}
