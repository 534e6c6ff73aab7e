package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;

/** Sweeps over the columns of Z that choose among candidates, and passes that leave C there. */
abstract class CandidateSuite extends Suite {
  private static final UpdateRule RULE = new UpdateRule.Hals(2, 0);

  static Stream<Arguments> cases() {
    return Stream.concat(Instance.shapes(), Instance.densities())
        .flatMap(
            instance -> Stream.of(0.0, 0.03).map(fraction -> Arguments.of(instance, fraction)));
  }

  /** A fifth of all places, and by chance none in some columns. */
  private static double[][] candidates(Instance instance) {
    SplittableRandom random = new SplittableRandom(instance.neurons * 7L + instance.rank);
    double[][] result = new double[instance.neurons][instance.rank];
    for (double[] row : result) {
      for (int j = 0; j < row.length; j++) {
        row[j] = random.nextInt(5) == 0 ? (float) (random.nextDouble() - 0.5) : 0;
      }
    }
    return result;
  }

  private static boolean allowed(Instance instance, double[][] candidates, int i, int j) {
    return instance.z[i][j] != 0 || candidates[i][j] != 0;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aPassLeavesTheCrossProductsThere(Instance instance, double fraction) {
    double[][] places = candidates(instance);
    UpdateRule rule = new UpdateRule.Hals(2, 0, instance.penalty(fraction));
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Features support = features(places);
        Coefficients y = coefficients(instance.y);
        Coefficients result = backend.newCoefficients(instance.rank, instance.tokens);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank);
        Statistics plain = backend.newStatistics(instance.neurons, instance.rank)) {
      PassResult expected = backend.pass(a, z, rule, y, null, null, result, Refresh.SUPPORT, plain);
      double[][] updated = take(result.download());
      PassResult sums =
          backend.pass(a, z, rule, y, null, null, result, Refresh.SUPPORT, s, support);
      assertEquals(expected, sums);
      assertArrayEquals(updated, take(result.download()));
      double[][] transposed = Plain.transpose(updated);
      double[][] cross = Plain.times(instance.a, transposed);
      double[][] scale = Plain.times(Plain.abs(instance.a), transposed);
      double[][] actual = take(s.cross());
      for (int i = 0; i < instance.neurons; i++) {
        for (int j = 0; j < instance.rank; j++) {
          if (allowed(instance, places, i, j)) {
            String where = "c[" + i + ", " + j + "]";
            Tolerance.requireNear(where, cross[i][j], actual[i][j], scale[i][j], tolerance);
          }
        }
      }
      assertArrayEquals(places, take(support.download()), "the pass changed the candidates");
    }
  }

  /** As with all of C, for elsewhere it is not read. */
  @ParameterizedTest
  @MethodSource("cases")
  void elsewhereCrossProductsAreNotRead(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double[][] places = candidates(instance);
    try (Activations a = pack(instance.a);
        Features support = features(places);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank);
        Statistics some = backend.newStatistics(instance.neurons, instance.rank);
        Features z = features(instance.z);
        Features same = features(instance.z)) {
      // With statistics of these coefficients, whatever the pass makes of the first ones.
      backend.pass(a, z, RULE, y, null, null, y, Refresh.SUPPORT, some, support);
      backend.denseStatistics(a, y, s);
      backend.sweepColumns(s, z, instance.keep, penalty, support);
      backend.sweepColumns(some, same, instance.keep, penalty, support);
      double[][] swept = take(z.download());
      double[][] alike = take(same.download());
      for (int j = 0; j < instance.rank; j++) {
        for (int i = 0; i < instance.neurons; i++) {
          if (swept[i][j] != 0 || alike[i][j] != 0) {
            int neuron = i;
            int feature = j;
            assertTrue(
                allowed(instance, places, i, j),
                () -> "z[" + neuron + ", " + feature + "] is no candidate");
          }
        }
      }
      double[][] coefficients = take(y.download());
      double first = Plain.objective(instance.a, swept, coefficients, penalty);
      double second = Plain.objective(instance.a, alike, coefficients, penalty);
      double scale = Plain.objectiveScale(instance.a, swept, coefficients, penalty);
      assertEquals(first, second, 20 * tolerance * scale);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void allPlacesAsCandidatesAreTheSweepItself(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double[][] everywhere = new double[instance.neurons][instance.rank];
    for (double[] row : everywhere) {
      Arrays.fill(row, 1);
    }
    try (Activations a = pack(instance.a);
        Features all = features(everywhere);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank);
        Features z = features(instance.z);
        Features same = features(instance.z)) {
      backend.denseStatistics(a, y, s);
      backend.sweepColumns(s, z, instance.keep, penalty);
      backend.sweepColumns(s, same, instance.keep, penalty, all);
      assertArrayEquals(take(z.download()), take(same.download()));
    }
  }

  /** With one column and Y = 1: b is A itself, so that the best choice is known. */
  @Test
  void theLargestOfTheCandidatesAreChosen() {
    double[][] a = {{9}, {-2}, {3}, {2}, {8}, {-2}, {1}};
    double[][] z = {{0}, {0}, {0}, {0}, {0}, {0}, {5}};
    double[][] places = {{0}, {1}, {-1}, {1}, {0}, {1}, {0}};
    // Of the equal ones the first; what the column has may stay, and is too small.
    assertArrayEquals(new double[] {0, -2, 3, 0, 0, 0, 0}, sweepOne(a, z, places, 2), 1e-6);
    assertArrayEquals(new double[] {0, -2, 3, 2, 0, -2, 1}, sweepOne(a, z, places, 7), 1e-6);
    assertArrayEquals(new double[7], sweepOne(a, new double[7][1], new double[7][1], 2), 0.0);
    assertArrayEquals(
        new double[] {0, 0, 0, 0, 0, 0, 1}, sweepOne(a, z, new double[7][1], 2), 1e-6);
  }

  private double[] sweepOne(double[][] a, double[][] z, double[][] places, int keep) {
    try (Activations packed = pack(a);
        Coefficients y = coefficients(new double[][] {{1}});
        Features features = features(z);
        Features candidates = features(places);
        Statistics s = backend.newStatistics(a.length, 1)) {
      backend.denseStatistics(packed, y, s);
      backend.sweepColumns(s, features, keep, 0, candidates);
      return Plain.transpose(take(features.download()))[0];
    }
  }

  /** From any Z, as often as one likes, for whatever a column has remains a candidate. */
  @ParameterizedTest
  @MethodSource("cases")
  void sweepsNeverRaiseTheObjective(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double before = Plain.objective(instance.a, instance.z, instance.y, penalty);
    double scale = Plain.objectiveScale(instance.a, instance.z, instance.y, penalty);
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Features z = features(instance.z);
        Features support = features(candidates(instance));
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      for (int sweep = 1; sweep <= 3; sweep++) {
        backend.sweepColumns(s, z, instance.keep, penalty, support);
        double[][] swept = take(z.download());
        double after = Plain.objective(instance.a, swept, instance.y, penalty);
        scale = Math.max(scale, Plain.objectiveScale(instance.a, swept, instance.y, penalty));
        assertTrue(
            after <= before + tolerance * scale,
            "sweep %d raised the objective from %s to %s".formatted(sweep, before, after));
        before = after;
      }
    }
  }

  @Test
  void candidatesThatCannotBeAreRefused() {
    Features wide = backend.newFeatures(3, 3);
    try (OneOfEach data = OneOfEach.on(backend)) {
      Statistics s = data.s();
      Features z = data.z();
      Coefficients y = data.y();
      requireRefused("candidates is of shape", () -> backend.sweepColumns(s, z, 1, 0, wide));
      requireRefused("candidates is the features", () -> backend.sweepColumns(s, z, 1, 0, z));
      Executable pass =
          () -> backend.pass(data.a(), z, RULE, y, null, null, y, Refresh.SUPPORT, s, wide);
      requireRefused("support is of shape", pass);
      wide.close();
      assertThrowsExactly(ClosedException.class, pass);
      assertThrowsExactly(ClosedException.class, () -> backend.sweepColumns(s, z, 1, 0, wide));
    }
  }

  private static void requireRefused(String message, Executable call) {
    String thrown = assertThrowsExactly(InvalidArgumentException.class, call).getMessage();
    assertTrue(thrown.startsWith(message), () -> thrown + " should start: " + message);
  }
}
