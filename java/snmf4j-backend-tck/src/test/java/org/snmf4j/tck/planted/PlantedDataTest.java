package org.snmf4j.tck.planted;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.ForkJoinPool;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.tck.planted.PlantedData.Noise;
import org.snmf4j.tck.planted.PlantedData.Variant;

class PlantedDataTest {
  private static long checksum(Matrix matrix) {
    CRC32 sum = new CRC32();
    float[] row = new float[(int) matrix.columns()];
    ByteBuffer bytes = ByteBuffer.allocate(4 * row.length);
    for (long i = 0; i < matrix.rows(); i++) {
      matrix.readRow(i, 0, row, 0, row.length);
      bytes.clear();
      for (float value : row) {
        bytes.putFloat(value);
      }
      sum.update(bytes.array());
    }
    return sum.getValue();
  }

  /**
   * Published figures are of these very values. The checksums were taken from an implementation
   * that drew everything from one generator, one value after another.
   */
  @ParameterizedTest
  @CsvSource({"67, 130, 12, 7, 34634597", "40, 300, 27, 0, 1961709495"})
  void denseValuesAreFixed(int neurons, int tokens, int planted, long seed, long expected) {
    try (PlantedData data = PlantedData.gelu(Variant.DENSE, neurons, tokens, planted, seed)) {
      assertEquals(expected, checksum(data.activations()));
    }
  }

  @ParameterizedTest
  @EnumSource(Variant.class)
  void threadsDoNotChangeTheValues(Variant variant) throws Exception {
    ForkJoinPool lonely = new ForkJoinPool(1);
    try (PlantedData data = PlantedData.gelu(variant, 50, 70, 12, 3);
        PlantedData again = lonely.submit(() -> PlantedData.gelu(variant, 50, 70, 12, 3)).get();
        PlantedData other = PlantedData.gelu(variant, 50, 70, 12, 4)) {
      assertEquals(checksum(data.activations()), checksum(again.activations()));
      assertEquals(checksum(data.features()), checksum(again.features()));
      assertFalse(checksum(data.activations()) == checksum(other.activations()), "seed ignored");
    } finally {
      lonely.shutdown();
    }
  }

  @Test
  void weightsOfTheVariantsHaveTheirDistributions() {
    // The limits are four standard errors of 200 000 samples. P(|t(3)| < 0.7649) and
    // P(|t(4)| < 0.7407) are one half.
    double fourErrors = 4 * Math.sqrt(0.25 / 200_000);
    try (PlantedData dense = PlantedData.gelu(Variant.DENSE, 1000, 1, 200, 5);
        PlantedData sparse = PlantedData.gelu(Variant.SPARSE, 1000, 1, 200, 5)) {
      assertEquals(0.5, shareWithin(dense.features(), 0.22 * 0.764892), fourErrors);
      // Outliers are as good as never below the median, by at most 0.02 · P(|t(3)| < 0.2) = 0.003.
      assertEquals(0.49, shareWithin(sparse.features(), 0.08 * 0.740697), fourErrors + 0.003);
      // P(min(|t(3)|, 8) > 1) = 0.391 of 2 %, which of 0.08·t(4) hardly one in 10⁴ exceeds.
      assertEquals(1 - 0.02 * 0.391, shareWithin(sparse.features(), 1), 0.001);
      double largest =
          Arrays.stream(sparse.features().toArray())
              .flatMapToDouble(Arrays::stream)
              .max()
              .orElseThrow();
      assertTrue(largest > 4 && largest < 12, "largest outlier " + largest);
    }
  }

  private static double shareWithin(Matrix matrix, double limit) {
    return Arrays.stream(matrix.toArray())
        .flatMapToDouble(Arrays::stream)
        .map(value -> Math.abs(value) < limit ? 1 : 0)
        .average()
        .orElseThrow();
  }

  @Test
  void linearFeaturesAreSparseUnitColumns() {
    try (PlantedData data = PlantedData.linear(60, 200, 9, 7, 0.1, Noise.GAUSSIAN, 1)) {
      double[][] z = data.features().toArray();
      for (int j = 0; j < 9; j++) {
        int column = j;
        double[] entries =
            Arrays.stream(z).mapToDouble(row -> row[column]).filter(x -> x != 0).toArray();
        assertEquals(7, entries.length, "nonzeros of feature " + j);
        // Seven squares of float32 numbers.
        assertEquals(1, Arrays.stream(entries).map(x -> x * x).sum(), 1e-6);
      }
    }
  }

  @Test
  void withoutNoiseTheFeaturesExplainTheDataByNonNegativeCoefficients() {
    try (PlantedData data = PlantedData.linear(60, 300, 9, 7, 0, Noise.GAUSSIAN, 1)) {
      double[][] a = data.activations().toArray();
      double[][] y = coefficients(data.features().toArray(), a);
      double squares = 0;
      double error = 0;
      for (int i = 0; i < 60; i++) {
        for (int t = 0; t < 300; t++) {
          double rest = a[i][t];
          for (int j = 0; j < 9; j++) {
            rest -= data.features().get(i, j) * y[j][t];
          }
          error += rest * rest;
          squares += a[i][t] * a[i][t];
        }
      }
      // float32 rounding of A.
      assertTrue(error <= 1e-12 * squares, "relative error " + error / squares);
      double[] expected = Draws.firing(9);
      for (int j = 0; j < 9; j++) {
        double fired = Arrays.stream(y[j]).filter(value -> value > 1e-3).count() / 300.0;
        double deviation = Math.sqrt(expected[j] * (1 - expected[j]) / 300);
        assertEquals(expected[j], fired, 4 * deviation, "firing of feature " + j);
      }
    }
  }

  /** Unconstrained least squares, which must come out non-negative by itself. */
  private static double[][] coefficients(double[][] z, double[][] a) {
    int k = z[0].length;
    double[][] y = new double[k][a[0].length];
    // Gauss-Seidel on the normal equations; features of such small overlap converge quickly.
    for (int sweep = 0; sweep < 500; sweep++) {
      for (int j = 0; j < k; j++) {
        for (int t = 0; t < a[0].length; t++) {
          double gradient = 0;
          double curvature = 0;
          for (int i = 0; i < z.length; i++) {
            if (z[i][j] != 0) {
              double rest = a[i][t];
              for (int l = 0; l < k; l++) {
                rest -= z[i][l] * y[l][t];
              }
              gradient += z[i][j] * rest;
              curvature += z[i][j] * z[i][j];
            }
          }
          y[j][t] += gradient / curvature;
        }
      }
    }
    for (double[] row : y) {
      for (double value : row) {
        assertTrue(value >= -1e-5, "a coefficient of the truth is negative: " + value);
      }
    }
    return y;
  }

  @ParameterizedTest
  @EnumSource(Noise.class)
  void noiseHasTheLevelAskedFor(Noise noise) {
    try (PlantedData clean = PlantedData.linear(100, 400, 5, 10, 0, noise, 2);
        PlantedData noisy = PlantedData.linear(100, 400, 5, 10, 0.25, noise, 2)) {
      assertArrayEquals(clean.features().toArray(), noisy.features().toArray());
      double signal = 0;
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < 100; i++) {
        for (int t = 0; t < 400; t++) {
          double rest = noisy.activations().get(i, t) - clean.activations().get(i, t);
          signal += clean.activations().get(i, t) * clean.activations().get(i, t);
          sum += rest;
          squares += rest * rest;
        }
      }
      // Four standard errors of the variance of 40 000 samples are 3 % for a normal distribution,
      // and three times that for the GELU noise, whose kurtosis is 21.
      assertEquals(0.25, Math.sqrt(squares / signal), 0.25 * 0.045);
      assertEquals(0, sum / Math.sqrt(squares * 40_000), 4 / Math.sqrt(40_000) * 1.01);
    }
  }

  @Test
  void badArgumentsAreRefused() {
    InvalidArgumentException support =
        assertThrows(
            InvalidArgumentException.class,
            () -> PlantedData.linear(10, 10, 2, 11, 0, Noise.GAUSSIAN, 0));
    assertEquals("support is 11 but must be between 1 and 10", support.getMessage());
    assertThrows(
        InvalidArgumentException.class,
        () -> PlantedData.linear(10, 10, 2, 1, -0.1, Noise.GAUSSIAN, 0));
    long live = Matrix.liveBytes();
    assertThrows(
        InvalidArgumentException.class, () -> PlantedData.gelu(Variant.DENSE, 10, 0, 3, 0));
    assertEquals(live, Matrix.liveBytes(), "bytes left behind");
  }
}
