package org.snmf4j.tck.planted;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.matrix.Matrix;

class FeatureMatchingTest {
  /** Rounding of float64 sums of a few products. */
  private static final double EXACT = 1e-12;

  private static FeatureMatching match(double[][] fitted, double[][] planted) {
    try (Matrix first = Matrix.of(fitted);
        Matrix second = Matrix.of(planted)) {
      return FeatureMatching.of(first, second);
    }
  }

  private static double[][] random(int rows, int columns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      for (int j = 0; j < columns; j++) {
        row[j] = random.nextInt(3) == 0 ? 0 : random.nextDouble(-1, 1);
      }
    }
    return values;
  }

  /** Columns in the given order, times the given factors. */
  private static double[][] columns(double[][] values, int[] order, double... factors) {
    double[][] result = new double[values.length][order.length];
    for (int i = 0; i < values.length; i++) {
      for (int j = 0; j < order.length; j++) {
        result[i][j] = values[i][order[j]] * factors[j];
      }
    }
    return result;
  }

  @Test
  void orderAndScaleDoNotMatter() {
    double[][] planted = random(30, 5, 1);
    FeatureMatching same =
        match(columns(planted, new int[] {3, 0, 4, 2, 1}, 2, 1e-9, 0.5, 1e9, 7), planted);
    assertArrayEquals(new int[] {3, 0, 4, 2, 1}, same.planted());
    assertEquals(1, same.meanCosine(), EXACT);
    double[][] fitted = random(30, 3, 2);
    FeatureMatching once = match(fitted, planted);
    FeatureMatching again =
        match(
            columns(fitted, new int[] {1, 2, 0}, 4, 1e-6, 3),
            columns(planted, new int[] {4, 3, 2, 1, 0}, 1, 2, 3, 4, 5));
    assertEquals(once.meanCosine(), again.meanCosine(), EXACT);
    assertEquals(once.cosines()[1], again.cosines()[0], EXACT);
    assertEquals(4 - once.planted()[1], again.planted()[0]);
  }

  @Test
  void knownAngles() {
    double[][] planted = {{1, 0, 1}, {0, 1, 1}};
    double[][] fitted = {{3, 1}, {4, 0}};
    FeatureMatching matching = match(fitted, planted);
    // (3, 4) lies nearest to (1, 1), (1, 0) is itself.
    assertArrayEquals(new int[] {2, 0}, matching.planted());
    assertEquals(7 / (5 * Math.sqrt(2)), matching.cosines()[0], EXACT);
    assertEquals(1, matching.cosines()[1], EXACT);
    assertEquals((1 + 7 / (5 * Math.sqrt(2))) / 2, matching.meanCosine(), EXACT);
  }

  @Test
  void twoFeaturesCannotClaimTheSameTruth() {
    double[][] planted = {{1, 0}, {0, 1}};
    double[][] fitted = {{1, 1}, {0.1, 0.2}};
    FeatureMatching matching = match(fitted, planted);
    assertArrayEquals(new int[] {0, 1}, matching.planted());
    double expected = (1 / Math.sqrt(1.01) + 0.2 / Math.sqrt(1.04)) / 2;
    assertEquals(expected, matching.meanCosine(), EXACT);
  }

  @Test
  void aFeatureTurnedRoundIsAnother() {
    double[][] planted = {{1, 0}, {0, 1}, {0, -1}};
    double[][] fitted = {{-1}, {0}, {0}};
    FeatureMatching matching = match(fitted, planted);
    assertArrayEquals(new int[] {1}, matching.planted());
    assertEquals(0, matching.meanCosine(), EXACT);
    assertEquals(-1, match(fitted, new double[][] {{2}, {0}, {0}}).meanCosine(), EXACT);
  }

  @Test
  void moreFittedFeaturesThanPlantedOnes() {
    double[][] planted = {{1}, {0}};
    double[][] fitted = {{0, 1, 1}, {1, 0.1, 1}};
    FeatureMatching matching = match(fitted, planted);
    assertArrayEquals(new int[] {-1, 0, -1}, matching.planted());
    assertTrue(Double.isNaN(matching.cosines()[0]), "cosine of a feature without a partner");
    assertEquals(1 / Math.sqrt(1.01), matching.meanCosine(), EXACT);
  }

  @Test
  void aDeadFeatureCountsAsNothing() {
    double[][] planted = {{1, 0}, {0, 1}};
    double[][] fitted = {{0, 1}, {0, 0}};
    FeatureMatching matching = match(fitted, planted);
    assertArrayEquals(new int[] {1, 0}, matching.planted());
    assertEquals(0.5, matching.meanCosine(), EXACT);
  }

  @Test
  void meanIsTheBestOfAllMatchings() {
    for (int seed = 0; seed < 200; seed++) {
      double[][] fitted = random(6, 3, seed);
      double[][] planted = random(6, 4, 1000 + seed);
      double best = Double.NEGATIVE_INFINITY;
      for (int a = 0; a < 4; a++) {
        for (int b = 0; b < 4; b++) {
          for (int c = 0; c < 4; c++) {
            if (a != b && b != c && a != c) {
              double sum =
                  cosine(fitted, 0, planted, a)
                      + cosine(fitted, 1, planted, b)
                      + cosine(fitted, 2, planted, c);
              best = Math.max(best, sum / 3);
            }
          }
        }
      }
      assertEquals(best, match(fitted, planted).meanCosine(), EXACT, "seed " + seed);
    }
  }

  private static double cosine(double[][] x, int j, double[][] y, int l) {
    double product = 0;
    double first = 0;
    double second = 0;
    for (int i = 0; i < x.length; i++) {
      product += x[i][j] * y[i][l];
      first += x[i][j] * x[i][j];
      second += y[i][l] * y[i][l];
    }
    return first * second == 0 ? 0 : product / Math.sqrt(first) / Math.sqrt(second);
  }

  @Test
  void badMatricesAreRefused() {
    double[][] planted = {{1, 0}, {0, 1}};
    InvalidArgumentException shape =
        assertThrows(
            InvalidArgumentException.class, () -> match(new double[][] {{1}, {0}, {0}}, planted));
    assertEquals("fitted features is of 3 neurons but must be of 2", shape.getMessage());
    assertThrows(
        NonFiniteValueException.class, () -> match(new double[][] {{1}, {Double.NaN}}, planted));
  }
}
