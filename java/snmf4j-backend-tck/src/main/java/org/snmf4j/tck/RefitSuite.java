package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/** Least squares of Z on its support. */
abstract class RefitSuite extends Suite {
  /** What a refit started from and came to. */
  private record Refit(double[][] old, double[][] y, double[][] z) {}

  static Stream<Arguments> cases() {
    return Stream.concat(Instance.shapes(), Instance.densities())
        .flatMap(
            instance -> Stream.of(0.0, 0.03).map(fraction -> Arguments.of(instance, fraction)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void normalEquationsHoldOnTheSupport(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    requireNormalEquations(instance, refit(instance, instance.y, penalty), penalty);
  }

  /** C is only known where Z is not zero, as in the iterations that use this. */
  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void statisticsOfTheSupportSuffice(Instance instance) {
    double penalty = instance.penalty(0.03);
    UpdateRule rule = new UpdateRule.Hals(1, 0, penalty);
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Features z = features(instance.z);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.pass(a, z, rule, y, null, null, y, Refresh.SUPPORT, s);
      backend.refit(s, z, penalty);
      Refit refit = new Refit(instance.z, take(y.download()), take(z.download()));
      requireNormalEquations(instance, refit, penalty);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.03})
  void dependentCoefficientsAreSolvable(double fraction) {
    // Rows 1 and 2 are equal, row 3 is their sum, row 5 is zero, row 6 nearly is row 4.
    Instance instance = new Instance(128, 65, 7, 1);
    double[][] y = instance.y;
    y[2] = y[1].clone();
    for (int t = 0; t < 65; t++) {
      y[3][t] = y[1][t] + y[2][t];
      y[6][t] = (float) (y[4][t] * (1 + 1e-5 * (t % 3)));
    }
    for (double[] row : instance.z) {
      row[3] = 1;
    }
    double penalty = instance.penalty(fraction);
    Refit refit = refit(instance, y, penalty);
    for (double[] row : refit.z) {
      for (double value : row) {
        assertTrue(Double.isFinite(value), "a feature's entry is " + value);
      }
    }
    requireNormalEquations(instance, refit, penalty);
    if (penalty == 0) {
      double[][] independent = {y[0], y[1], y[4]};
      double[][] best = FeatureSuite.leastSquares(instance.a, independent);
      double limit = Plain.loss(instance.a, best, independent) * (1 + 1e-3);
      double reached = Plain.loss(instance.a, refit.z, y);
      assertTrue(reached <= limit, () -> "loss " + reached + ", limit " + limit);
    }
  }

  /** The backward error, which does not depend on how well-conditioned G is. */
  private void requireNormalEquations(Instance instance, Refit refit, double penalty) {
    double[][] transposed = Plain.transpose(refit.y);
    double[][] gram = Plain.times(refit.y, transposed);
    double[][] cross = Plain.times(instance.a, transposed);
    double[][] crossScale = Plain.times(Plain.abs(instance.a), transposed);
    double[] weights = weights(refit, penalty);
    double[][] solved = new double[instance.neurons][instance.rank];
    double[][] expected = new double[instance.neurons][instance.rank];
    double[][] scale = new double[instance.neurons][instance.rank];
    for (int i = 0; i < instance.neurons; i++) {
      double largest = 0;
      for (int j = 0; j < instance.rank; j++) {
        largest = refit.old[i][j] != 0 ? Math.max(largest, gram[j][j]) : largest;
      }
      for (int j = 0; j < instance.rank; j++) {
        double value = refit.z[i][j];
        if (refit.old[i][j] == 0) {
          assertEquals(0, value, 0.0, "the support grew");
          continue;
        }
        expected[i][j] = cross[i][j];
        solved[i][j] = weights[j] * value;
        // The last term is the ridge's.
        scale[i][j] = crossScale[i][j] + weights[j] * Math.abs(value) + largest * Math.abs(value);
        for (int l = 0; l < instance.rank; l++) {
          solved[i][j] += gram[j][l] * refit.z[i][l];
          scale[i][j] += gram[j][l] * Math.abs(refit.z[i][l]);
        }
      }
    }
    Tolerance.requireNear("z(G + D)", expected, solved, scale, 2 * tolerance);
  }

  /** λ‖y_j‖₁ / ‖z_j‖ of the old Z. */
  private static double[] weights(Refit refit, double penalty) {
    double[][] columns = Plain.transpose(refit.old);
    double[] weights = new double[columns.length];
    for (int j = 0; j < weights.length; j++) {
      double norm = Math.sqrt(Plain.squaredNorm(columns[j]));
      weights[j] = norm > 0 ? penalty * Plain.sum(refit.y[j]) / norm : 0;
    }
    return weights;
  }

  static Stream<Arguments> wellConditioned() {
    return Stream.of(
            new Instance(128, 1000, 16, 1),
            new Instance(128, 1000, 33, 0.3),
            new Instance(300, 1000, 100, 0.05),
            new Instance(17, 65, 7, 0.3))
        .flatMap(
            instance -> Stream.of(0.0, 0.03).map(fraction -> Arguments.of(instance, fraction)));
  }

  @ParameterizedTest
  @MethodSource("wellConditioned")
  void wellConditionedRowsAreThoseOfElimination(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    Refit refit = refit(instance, instance.y, penalty);
    double[][] transposed = Plain.transpose(instance.y);
    double[][] gram = Plain.times(instance.y, transposed);
    double[][] cross = Plain.times(instance.a, transposed);
    double[] weights = weights(refit, penalty);
    double[][] expected = new double[instance.neurons][instance.rank];
    for (int i = 0; i < instance.neurons; i++) {
      double[] old = instance.z[i];
      int[] support =
          IntStream.range(0, old.length).filter(j -> old[j] != 0 && gram[j][j] > 0).toArray();
      double[][] system = new double[support.length][support.length + 1];
      for (int m = 0; m < support.length; m++) {
        for (int l = 0; l < support.length; l++) {
          system[m][l] = gram[support[m]][support[l]];
        }
        system[m][m] += weights[support[m]];
        system[m][support.length] = cross[i][support[m]];
      }
      double[] row = Elimination.solve(system);
      for (int m = 0; m < support.length; m++) {
        expected[i][support[m]] = row[m];
      }
    }
    assertEquals(0, Tolerance.relativeError(expected, refit.z), 100 * tolerance);
  }

  @ParameterizedTest
  @MethodSource("wellConditioned")
  void anOverRelaxedRefitMovesFartherTheSameWay(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double[][] least = refit(instance, instance.y, penalty).z;
    double[][] expected = new double[instance.neurons][instance.rank];
    for (int i = 0; i < instance.neurons; i++) {
      for (int j = 0; j < instance.rank; j++) {
        double old = instance.z[i][j];
        expected[i][j] = old + 1.6 * (least[i][j] - old);
      }
    }
    double[][] relaxed = refit(instance, instance.y, penalty, 1.6).z;
    assertEquals(0, Tolerance.relativeError(expected, relaxed), 100 * tolerance);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void refitsNeverRaiseTheObjective(Instance instance, double fraction) {
    requireDescent(instance, fraction, 1);
    requireDescent(instance, fraction, 1.6);
    requireDescent(instance, fraction, 1.99);
  }

  private void requireDescent(Instance instance, double fraction, double relaxation) {
    double penalty = instance.penalty(fraction);
    double before = Plain.objective(instance.a, instance.z, instance.y, penalty);
    double scale = Plain.objectiveScale(instance.a, instance.z, instance.y, penalty);
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Features z = features(instance.z);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      for (int step = 1; step <= 3; step++) {
        backend.refit(s, z, penalty, relaxation);
        double[][] solved = take(z.download());
        double after = Plain.objective(instance.a, solved, instance.y, penalty);
        scale = Math.max(scale, Plain.objectiveScale(instance.a, solved, instance.y, penalty));
        assertTrue(
            after <= before + tolerance * scale,
            "refit %d raised the objective from %s to %s".formatted(step, before, after));
        before = after;
      }
    }
  }

  /** Z after a refit, which must also project as what it is. */
  private Refit refit(Instance instance, double[][] coefficients, double penalty) {
    return refit(instance, coefficients, penalty, 1);
  }

  private Refit refit(
      Instance instance, double[][] coefficients, double penalty, double relaxation) {
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(coefficients);
        Features z = features(instance.z);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      double[][] cross = take(s.cross());
      double[][] gram = s.gram();
      backend.refit(s, z, penalty, relaxation);
      assertTrue(Arrays.deepEquals(cross, take(s.cross())), "the refit changed C");
      assertTrue(Arrays.deepEquals(gram, s.gram()), "the refit changed G");
      double[][] solved = take(z.download());
      FeatureSuite.requireProjection(backend, instance.a, solved, z, tolerance);
      return new Refit(instance.z, coefficients, solved);
    }
  }

  @Test
  void rowsAndColumnsWithoutSupportStayZero() {
    double[][] z = {{0, 0, 0}, {5, 0, 0}, {7, 0, 1}};
    double[][] a = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
    double[][] y = {{1, 0, 0}, {0, 1, 0}, {0, 0, 2}};
    try (Activations packed = pack(a);
        Coefficients coefficients = coefficients(y);
        Features features = features(z);
        Statistics s = backend.newStatistics(3, 3)) {
      backend.denseStatistics(packed, coefficients, s);
      backend.refit(s, features, 0);
      double[][] solved = take(features.download());
      assertArrayEquals(new double[3], solved[0], 0.0);
      assertArrayEquals(new double[] {4, 0, 0}, solved[1], 1e-5);
      assertArrayEquals(new double[] {7, 0, 4.5}, solved[2], 1e-5);
    }
  }

  @Test
  void aPenaltyPullsByTheOldNorm() {
    // ‖z‖ = 5, G = 2, ‖y‖₁ = 2, so with λ = 10 the diagonal becomes 2 + 10·2/5 = 6.
    try (Activations packed = pack(new double[][] {{3, 3}, {6, 6}, {1, 1}});
        Coefficients y = coefficients(new double[][] {{1, 1}});
        Features z = features(new double[][] {{3}, {4}, {0}});
        Statistics s = backend.newStatistics(3, 1)) {
      backend.denseStatistics(packed, y, s);
      backend.refit(s, z, 10);
      double[][] solved = take(z.download());
      assertEquals(1, solved[0][0], 1e-6);
      assertEquals(2, solved[1][0], 1e-6);
      assertEquals(0, solved[2][0], 0.0);
    }
  }

  @Test
  void columnsWithoutCoefficientsLeaveTheSupport() {
    Instance instance = new Instance(17, 65, 7, 1);
    assertEquals(0, Plain.squaredNorm(instance.y[5]), 0.0);
    for (double penalty : new double[] {0, instance.penalty(0.1)}) {
      for (double[] row : refit(instance, instance.y, penalty).z) {
        assertEquals(0, row[5], 0.0);
      }
    }
    try (Features z = features(instance.z);
        Statistics zero = backend.newStatistics(17, 7)) {
      backend.refit(zero, z, 1);
      assertEquals(0, Plain.squaredNorm(take(z.download())), 0.0);
    }
  }
}
