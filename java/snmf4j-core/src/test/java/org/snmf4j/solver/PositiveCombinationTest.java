package org.snmf4j.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.matrix.Matrix;

class PositiveCombinationTest {
  private static Optional<double[]> find(double[][] rows) {
    try (Matrix matrix = Matrix.of(rows)) {
      return PositiveCombination.find(matrix, Monitor.NONE);
    }
  }

  private static double at(double[] weights, double[][] rows, int column) {
    double sum = 0;
    for (int j = 0; j < weights.length; j++) {
      sum += weights[j] * rows[j][column];
    }
    return sum;
  }

  /** Columns within a half-space, far more of them near one end of it than near the other. */
  private static double[][] lopsided(int k, int n, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] rows = new double[k][n];
    for (int t = 0; t < n; t++) {
      for (int j = 1; j < k; j++) {
        rows[j][t] = random.nextGaussian();
      }
      rows[0][t] = 0.3;
      rows[1][t] += t % 50 == 0 ? -4 : 4;
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void findsWeightsThatTheMeanDirectionIsNot(long seed) {
    double[][] rows = lopsided(6, 3000, seed);
    double[] mean = new double[6];
    for (int t = 0; t < 3000; t++) {
      for (int j = 0; j < 6; j++) {
        mean[j] += rows[j][t];
      }
    }
    boolean meanIsPositive = true;
    for (int t = 0; t < 3000; t++) {
      meanIsPositive &= at(mean, rows, t) > 0;
    }
    assertTrue(!meanIsPositive, "the case is too easy");
    double[] weights = find(rows).orElseThrow();
    double square = 0;
    for (double weight : weights) {
      square += weight * weight;
    }
    assertEquals(1, square, 1e-12);
    for (int t = 0; t < 3000; t++) {
      assertTrue(at(weights, rows, t) > 0, "column " + t);
    }
  }

  @Test
  void findsNoneWhereColumnsOpposeEachOther() {
    assertTrue(find(new double[][] {{1, -1, 0.5}, {2, -2, 0.1}}).isEmpty());
    SplittableRandom random = new SplittableRandom(1);
    double[][] rows = new double[3][400];
    for (double[] row : rows) {
      for (int t = 0; t < row.length; t++) {
        row[t] = random.nextGaussian();
      }
    }
    assertTrue(find(rows).isEmpty());
  }

  @Test
  void doesWithoutColumnsThatAreNoise() {
    double[][] rows = {{1, 2, -1e-9, 0}, {0, 1, 1e-9, 0}};
    double[] weights = find(rows).orElseThrow();
    assertTrue(at(weights, rows, 0) > 0 && at(weights, rows, 1) > 0);
    assertTrue(find(new double[2][3]).isEmpty(), "nothing but zeros has no direction");
  }
}
