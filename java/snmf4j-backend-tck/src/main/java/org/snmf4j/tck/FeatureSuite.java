package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;

/** The steps that make features. */
abstract class FeatureSuite extends Suite {
  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void ridgeSolveSolves(Instance instance) {
    // The ridge keeps G + ρI definite although a row of Y is zero.
    double ridge = 1e-3;
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank);
        Features z = backend.newFeatures(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      backend.ridgeSolve(s, ridge, z);
      double[][] system = s.gram();
      for (int j = 0; j < system.length; j++) {
        system[j][j] += ridge;
      }
      double[][] cross = take(s.cross());
      double[][] solved = take(z.download());
      // The backward error, which does not depend on how well-conditioned G is.
      double[][] scale = Plain.times(Plain.abs(solved), Plain.abs(system));
      for (int i = 0; i < scale.length; i++) {
        for (int j = 0; j < scale[i].length; j++) {
          scale[i][j] += Math.abs(cross[i][j]);
        }
      }
      Tolerance.requireNear("Z(G + ρI)", cross, Plain.times(solved, system), scale, tolerance);
    }
  }

  @Test
  void ridgeSolveUsesTheRidgeGiven() {
    double[][] a = {{6, 0}, {0, 10}};
    double[][] y = {{1, 0}, {0, 2}};
    try (Activations packed = pack(a);
        Coefficients coefficients = coefficients(y);
        Statistics s = backend.newStatistics(2, 2);
        Features z = backend.newFeatures(2, 2)) {
      backend.denseStatistics(packed, coefficients, s);
      backend.ridgeSolve(s, 1, z);
      double[][] solved = take(z.download());
      assertArrayEquals(new double[] {3, 0}, solved[0], 1e-6);
      assertArrayEquals(new double[] {0, 4}, solved[1], 1e-6);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-300, 1e-12, 1e-6})
  void ridgeSolveSurvivesSingularStatistics(double ridge) {
    // Rows 1 and 2 of Y are equal, row 3 is their sum, row 5 is zero.
    Instance instance = new Instance(128, 65, 7, 1);
    double[][] y = instance.y;
    y[2] = y[1].clone();
    for (int t = 0; t < y[3].length; t++) {
      y[3][t] = y[1][t] + y[2][t];
    }
    try (Activations a = pack(instance.a);
        Coefficients coefficients = coefficients(y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank);
        Features z = backend.newFeatures(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, coefficients, s);
      backend.ridgeSolve(s, ridge, z);
      double[][] solved = take(z.download());
      for (double[] row : solved) {
        for (double value : row) {
          assertTrue(Double.isFinite(value), "a feature's entry is " + value);
        }
      }
      // However Z spreads over the dependent rows, ZY is the projection of A on Y's rows.
      double[][] independent = {y[0], y[1], y[4], y[6]};
      double best = Plain.loss(instance.a, leastSquares(instance.a, independent), independent);
      double reached = Plain.loss(instance.a, solved, y);
      assertTrue(
          reached <= best * (1 + 1e-3), () -> "loss " + reached + ", the projection's is " + best);
    }
  }

  static double[][] leastSquares(double[][] a, double[][] y) {
    double[][] transposed = Plain.transpose(y);
    double[][] gram = Plain.times(y, transposed);
    double[][] cross = Plain.times(a, transposed);
    double[][] z = new double[a.length][];
    for (int i = 0; i < a.length; i++) {
      double[][] system = new double[gram.length][];
      for (int j = 0; j < gram.length; j++) {
        system[j] = Arrays.copyOf(gram[j], gram.length + 1);
        system[j][gram.length] = cross[i][j];
      }
      z[i] = Elimination.solve(system);
    }
    return z;
  }

  @Test
  void ridgeSolveOfZeroStatisticsIsZero() {
    try (Statistics s = backend.newStatistics(5, 3);
        Features z =
            features(new double[][] {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}})) {
      backend.ridgeSolve(s, 1e-6, z);
      assertTrue(Arrays.deepEquals(new double[5][3], take(z.download())));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 17, 128, 300})
  void winnerTakeAllKeepsExactlyTheLargest(int neurons) {
    SplittableRandom random = new SplittableRandom(neurons);
    int rank = 9;
    for (int keep : new int[] {1, 2, 3, 16, 17, neurons / 2, neurons - 1, neurons}) {
      if (keep < 1 || keep > neurons) {
        continue;
      }
      double[][] values = new double[neurons][rank];
      for (int i = 0; i < neurons; i++) {
        values[i][0] = Instance.heavyTailed(random);
        values[i][1] = i % 2 == 0 ? 1 : -1;
        values[i][2] = i - neurons / 2.0;
        values[i][3] = 0;
        values[i][4] = random.nextInt(5) - 2;
        values[i][5] = i == neurons / 2 ? -3 : 0;
        values[i][6] = (float) (random.nextGaussian() * 1e-30);
        values[i][7] = (float) (random.nextGaussian() * 1e30);
        values[i][8] = i % 3 == 0 ? 0 : (float) random.nextGaussian();
      }
      double[][] expected = Plain.winnerTakeAll(values, keep);
      try (Features z = features(values)) {
        backend.winnerTakeAll(z, keep);
        double[][] kept = take(z.download());
        for (int i = 0; i < neurons; i++) {
          assertArrayEquals(expected[i], kept[i], 0.0, "keep " + keep + ", row " + i);
        }
        backend.winnerTakeAll(z, keep);
        assertTrue(Arrays.deepEquals(kept, take(z.download())), "not idempotent, keep " + keep);
      }
    }
  }

  @Test
  void winnerTakeAllKeepsAllTies() {
    double[][] values = {{3, 2}, {-2, 2}, {2, -2}, {1, 2}, {-2, 2}, {0.5, 0}};
    double[][] expected = {{3, 2}, {-2, 2}, {2, -2}, {0, 2}, {-2, 2}, {0, 0}};
    try (Features z = features(values)) {
      backend.winnerTakeAll(z, 2);
      double[][] kept = take(z.download());
      for (int i = 0; i < values.length; i++) {
        assertArrayEquals(expected[i], kept[i], 0.0, "row " + i);
      }
    }
  }

  /** The support that the backend keeps is that of the features it holds. */
  static void requireProjection(
      Backend backend, double[][] a, double[][] values, Features z, double tolerance) {
    double[][] transposed = Plain.transpose(values);
    try (Matrix matrix = Matrix.of(a);
        Activations packed = backend.pack(matrix);
        Coefficients p = backend.newCoefficients(z.rank(), packed.tokens())) {
      backend.project(packed, z, p);
      double[][] scale = Plain.times(Plain.abs(transposed), Plain.abs(a));
      Tolerance.requireNear("P", Plain.times(transposed, a), take(p.download()), scale, tolerance);
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void selectedFeaturesProjectAsWhatTheyAre(Instance instance) {
    double[][] dense = new double[instance.neurons][instance.rank];
    SplittableRandom random = new SplittableRandom(3);
    for (double[] row : dense) {
      for (int j = 0; j < row.length; j++) {
        row[j] = Instance.heavyTailed(random);
      }
    }
    try (Features z = features(dense)) {
      backend.winnerTakeAll(z, instance.keep);
      double[][] selected = Plain.winnerTakeAll(dense, instance.keep);
      requireProjection(backend, instance.a, selected, z, tolerance);
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void columnsAreScaled(Instance instance) {
    double[] factors = new double[instance.rank];
    for (int j = 0; j < instance.rank; j++) {
      // From 1e-6 to 1e6, of both signs.
      factors[j] = Math.pow(10, j % 13 - 6) * (j % 2 == 0 ? 1 : -1);
    }
    double[][] expected = new double[instance.neurons][instance.rank];
    for (int i = 0; i < instance.neurons; i++) {
      for (int j = 0; j < instance.rank; j++) {
        expected[i][j] = instance.z[i][j] * factors[j];
      }
    }
    double[] given = factors.clone();
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients p = backend.newCoefficients(instance.rank, instance.tokens)) {
      backend.scaleColumns(z, factors);
      assertArrayEquals(given, factors, 0.0, "the factors were changed");
      Tolerance.requireNear("Z", expected, take(z.download()), Plain.abs(expected), tolerance);
      backend.project(a, z, p);
      double[][] transposed = Plain.transpose(expected);
      Tolerance.requireNear(
          "P",
          Plain.times(transposed, instance.a),
          take(p.download()),
          Plain.times(Plain.abs(transposed), Plain.abs(instance.a)),
          2 * tolerance);
    }
  }

  @Test
  void columnsScaledByZeroAreDead() {
    double[][] z = {{1, 7}, {2, 8}, {3, 9}};
    try (Activations a = pack(new double[][] {{1, 1}, {1, 1}, {1, 1}});
        Features features = features(z);
        Coefficients y = coefficients(new double[][] {{1, 1}, {2, 3}})) {
      backend.scaleColumns(features, new double[] {2, 0});
      assertEquals("[[2.0, 0.0], [4.0, 0.0], [6.0, 0.0]]", text(features));
      backend.pass(a, features, new UpdateRule.Hals(1, 0), y, null, null, y, Refresh.NONE, null);
      double[][] updated = take(y.download());
      assertArrayEquals(new double[] {2, 3}, updated[1], "a dead feature's coefficients");
    }
  }

  private static String text(Features z) {
    return Arrays.deepToString(take(z.download())).replace("-0.0", "0.0");
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void rowNormsAreThoseOfTheCoefficients(Instance instance) {
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      double[] norms = s.rowNorms();
      for (int j = 0; j < instance.rank; j++) {
        double norm = Math.sqrt(Plain.squaredNorm(new double[][] {instance.y[j]}));
        double expected = norm > 0 ? norm : 1;
        assertEquals(expected, norms[j], tolerance * expected, "row " + j);
      }
    }
  }
}
