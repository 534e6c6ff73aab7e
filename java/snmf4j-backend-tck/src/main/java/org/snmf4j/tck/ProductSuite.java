package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;

/** C = AYᵀ, G = YYᵀ, P = ZᵀA and ‖A − ZY‖². */
abstract class ProductSuite extends Suite {
  /** So many that a float32 sum of integers loses its last digits. */
  private static final int MANY_TOKENS = 200_000;

  /** More tokens than of any other test: workspaces that grow with them, and stay, grow now. */
  @BeforeAll
  final void growWorkspaces() {
    try (Activations a = pack(new double[1][MANY_TOKENS]);
        Coefficients y = backend.newCoefficients(2, MANY_TOKENS);
        Statistics s = backend.newStatistics(1, 2)) {
      backend.denseStatistics(a, y, s);
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void denseStatistics(Instance instance) {
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      requireStatistics(instance.a, instance.y, s, tolerance);
      assertSymmetric(s.gram());
      // A second call starts from nothing instead of adding up.
      backend.denseStatistics(a, y, s);
      requireStatistics(instance.a, instance.y, s, tolerance);
    }
  }

  static void requireStatistics(double[][] a, double[][] y, Statistics s, double tolerance) {
    double[][] transposed = Plain.transpose(y);
    double[][] magnitudes = Plain.abs(transposed);
    Tolerance.requireNear(
        "C",
        Plain.times(a, transposed),
        take(s.cross()),
        Plain.times(Plain.abs(a), magnitudes),
        tolerance);
    requireGram(y, s, tolerance);
  }

  /** G and the row sums. */
  static void requireGram(double[][] y, Statistics s, double tolerance) {
    double[][] transposed = Plain.transpose(y);
    Tolerance.requireNear(
        "G",
        Plain.times(y, transposed),
        s.gram(),
        Plain.times(Plain.abs(y), Plain.abs(transposed)),
        tolerance);
    double[] sums = s.rowSums();
    assertEquals(y.length, sums.length, "row sums");
    for (int j = 0; j < y.length; j++) {
      double scale = Arrays.stream(y[j]).map(Math::abs).sum();
      Tolerance.requireNear("row sum " + j, Arrays.stream(y[j]).sum(), sums[j], scale, tolerance);
    }
  }

  /** C where Z is not zero; its other entries may be anything. */
  static void requireCrossOnSupport(
      double[][] a, double[][] y, double[][] z, Statistics s, double tolerance) {
    double[][] transposed = Plain.transpose(y);
    double[][] expected = Plain.times(a, transposed);
    double[][] actual = take(s.cross());
    for (int i = 0; i < z.length; i++) {
      for (int j = 0; j < y.length; j++) {
        if (z[i][j] == 0) {
          actual[i][j] = expected[i][j];
        }
      }
    }
    double[][] scale = Plain.times(Plain.abs(a), Plain.abs(transposed));
    Tolerance.requireNear("C on the support", expected, actual, scale, tolerance);
  }

  private static void assertSymmetric(double[][] gram) {
    for (int j = 0; j < gram.length; j++) {
      for (int l = 0; l < j; l++) {
        assertEquals(gram[j][l], gram[l][j], 0.0, "G is not symmetric");
      }
    }
  }

  @Test
  void rowSumsKeepTheirSigns() {
    double[][] y = {{1, -2, 3, -5}, {-1, -1, -1, -1}, {0, 0, 0, 0}};
    try (Activations a = pack(new double[2][4]);
        Coefficients uploaded = coefficients(y);
        Statistics s = backend.newStatistics(2, 3)) {
      backend.denseStatistics(a, uploaded, s);
      assertArrayEquals(new double[] {-3, -4, 0}, s.rowSums());
      s.rowSums()[0] = 9;
      assertArrayEquals(new double[] {-3, -4, 0}, s.rowSums(), "not a copy");
    }
  }

  @Test
  void gramIsSummedInFloat64() {
    int n = MANY_TOKENS;
    double[][] y = new double[2][n];
    for (int t = 0; t < n; t++) {
      y[0][t] = 1 + t % 97;
      y[1][t] = 1 + t % 89;
    }
    try (Activations a = pack(new double[1][n]);
        Coefficients uploaded = coefficients(y);
        Statistics s = backend.newStatistics(1, 2)) {
      backend.denseStatistics(a, uploaded, s);
      double[][] expected = Plain.times(y, Plain.transpose(y));
      for (int j = 0; j < 2; j++) {
        assertArrayEquals(expected[j], s.gram()[j], 5e-7 * expected[0][0]);
        double sum = Arrays.stream(y[j]).sum();
        assertEquals(sum, s.rowSums()[j], 5e-7 * sum);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void projection(Instance instance) {
    requireProjection(instance);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void projectionAtEveryDensity(Instance instance) {
    requireProjection(instance);
  }

  private void requireProjection(Instance instance) {
    double[][] transposed = Plain.transpose(instance.z);
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients p = backend.newCoefficients(instance.rank, instance.tokens)) {
      backend.project(a, z, p);
      Tolerance.requireNear(
          "P",
          Plain.times(transposed, instance.a),
          take(p.download()),
          Plain.times(Plain.abs(transposed), Plain.abs(instance.a)),
          tolerance);
      assertTrue(Arrays.deepEquals(instance.z, take(z.download())), "projecting changed Z");
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void residual(Instance instance) {
    double expected = Plain.loss(instance.a, instance.z, instance.y);
    double scale =
        Plain.squaredNorm(instance.a) + Plain.squaredNorm(Plain.times(instance.z, instance.y));
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y)) {
      Tolerance.requireNear("residual", expected, backend.residual(a, z, y), scale, tolerance);
    }
  }

  @Test
  void residualOfAnExactDecompositionDoesNotCancel() {
    // The terms of the Gram form are of size 1e7 here, the residual is 0.25.
    double[][] z = new double[40][5];
    double[][] y = new double[5][130];
    for (int i = 0; i < 40; i++) {
      z[i][i % 5] = 1 + i % 7;
    }
    for (int j = 0; j < 5; j++) {
      for (int t = 0; t < 130; t++) {
        y[j][t] = (j * 31 + t * 17) % 64;
      }
    }
    double[][] a = Plain.times(z, y);
    a[39][129] += 0.5;
    try (Activations packed = pack(a);
        Features features = features(z);
        Coefficients coefficients = coefficients(y)) {
      assertEquals(0.25, backend.residual(packed, features, coefficients), 1e-9);
    }
  }

  @Test
  void zeroFactorsLeaveEverythingUnexplained() {
    Instance instance = new Instance(17, 65, 7, 1);
    double norm = Plain.squaredNorm(instance.a);
    try (Activations a = pack(instance.a);
        Features z = backend.newFeatures(17, 7);
        Coefficients y = coefficients(instance.y)) {
      Tolerance.requireNear("residual", norm, backend.residual(a, z, y), norm, tolerance);
    }
  }
}
