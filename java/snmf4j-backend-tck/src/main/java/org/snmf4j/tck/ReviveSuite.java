package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.ReviveResult;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;

/** New starts for features that are zero or whose coefficients are. */
abstract class ReviveSuite extends Suite {
  /** Of a row whose squares sum to less than a normal float32, for up to 10⁴ tokens. */
  private static final double SILENT = (float) 1e-21;

  /** What a call leaves behind. */
  private record Result(
      ReviveResult counts,
      double[][] z,
      double[][] y,
      double[][] gram,
      double[] sums,
      double[][] cross) {}

  private static Result revive(
      Backend backend, double[][] a, Precision precision, double[][] z, double[][] y, int keep) {
    try (Matrix matrix = Matrix.of(a);
        Activations packed = backend.pack(matrix, precision);
        Features features = features(backend, z);
        Coefficients rows = coefficients(backend, y);
        Statistics s = backend.newStatistics(a.length, y.length)) {
      backend.denseStatistics(packed, rows, s);
      ReviveResult counts = backend.revive(packed, s, features, rows, keep);
      return new Result(
          counts,
          take(features.download()),
          take(rows.download()),
          s.gram(),
          s.rowSums(),
          take(s.cross()));
    }
  }

  private Result revive(double[][] a, double[][] z, double[][] y, int keep) {
    return revive(backend, a, Precision.FP32, z, y, keep);
  }

  static Stream<Instance> instances() {
    return Arrays.stream(Precision.values())
        .flatMap(
            precision ->
                Stream.of(
                        new Instance(17, 65, 7, 0.3),
                        new Instance(128, 63, 33, 0.05),
                        new Instance(128, 1000, 16, 1),
                        new Instance(300, 130, 16, 0.01),
                        new Instance(300, 192, 100, 0.02))
                    .map(instance -> instance.in(precision)));
  }

  /** Y with row 1 as good as zero, so that it, column 3 of Z and row 5 are dead. */
  private static double[][] silenced(Instance instance) {
    double[][] y = Arrays.stream(instance.y).map(double[]::clone).toArray(double[][]::new);
    Arrays.fill(y[1], SILENT);
    return y;
  }

  @ParameterizedTest
  @MethodSource("instances")
  void deadFeaturesStartAtTheWorstTokens(Instance instance) {
    List<Integer> dead = List.of(1, 3, 5);
    double[][] y = silenced(instance);
    Seeds seeds = new Seeds(instance.a, instance.z, y, dead, instance.keep);
    // No decision is so close that rounding could turn it.
    assertTrue(seeds.margin > 2 * tolerance, () -> "ambiguous: " + seeds.margin);
    Result result = revive(backend, instance.a, instance.precision, instance.z, y, instance.keep);
    assertEquals(new ReviveResult(3, 3), result.counts);
    double[][] before = Plain.transpose(instance.z);
    double[][] after = Plain.transpose(result.z);
    for (int j = 0; j < instance.rank; j++) {
      int m = dead.indexOf(j);
      if (m < 0) {
        assertArrayEquals(before[j], after[j], 0.0, "column " + j);
        assertArrayEquals(y[j], result.y[j], 0.0, "row " + j);
        continue;
      }
      String what = "feature " + j + " of token " + seeds.tokens.get(m);
      assertArrayEquals(seeds.columns.get(m), after[j], tolerance, what);
      assertEquals(1, Plain.squaredNorm(after[j]), tolerance, what);
      long nonzeros = Arrays.stream(after[j]).filter(value -> value != 0).count();
      assertEquals(instance.keep, nonzeros, what);
      assertArrayEquals(new double[instance.tokens], result.y[j], 0.0, "row " + j);
    }
    for (double fraction : new double[] {0, 0.1}) {
      double penalty = instance.penalty(fraction);
      double old = Plain.objective(instance.a, instance.z, y, penalty);
      double scale = Plain.objectiveScale(instance.a, instance.z, y, penalty);
      double now = Plain.objective(instance.a, result.z, result.y, penalty);
      assertTrue(now <= old + 1e-12 * scale, "raised from %s to %s".formatted(old, now));
    }
  }

  @ParameterizedTest
  @MethodSource("instances")
  void theStatisticsStayThoseOfY(Instance instance) {
    double[][] start = silenced(instance);
    Result result =
        revive(backend, instance.a, instance.precision, instance.z, start, instance.keep);
    try (Activations a = pack(instance);
        Coefficients y = coefficients(result.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      // To the bit: a row of zeros adds nothing to the others' sums.
      backend.denseStatistics(a, y, s);
      assertTrue(Arrays.deepEquals(s.gram(), result.gram), "G");
      assertArrayEquals(s.rowSums(), result.sums, 0.0, "row sums");
      assertTrue(Arrays.deepEquals(take(s.cross()), result.cross), "C");
    }
  }

  @Test
  void whereNothingIsDeadNothingChanges() {
    for (int n : new int[] {1, 64, 130}) {
      Instance instance = new Instance(17, n, 2, 0.3);
      double[][] y = Arrays.stream(instance.y).map(double[]::clone).toArray(double[][]::new);
      // Small, but far from what float32 loses; and rows that would be zero by chance are not.
      Arrays.fill(y[0], (float) 1e-15);
      y[1][0] = 1;
      Result result = revive(instance.a, instance.z, y, 3);
      assertEquals(new ReviveResult(0, 0), result.counts);
      assertTrue(Arrays.deepEquals(instance.z, result.z), "Z");
      assertTrue(Arrays.deepEquals(y, result.y), "Y");
    }
  }

  @Test
  void allMayBeDead() {
    Instance instance = new Instance(128, 130, 16, 0.05);
    List<Integer> all = IntStream.range(0, 16).boxed().toList();
    Seeds seeds = new Seeds(instance.a, instance.z, instance.y, all, instance.keep);
    assertTrue(seeds.margin > 2 * tolerance, () -> "ambiguous: " + seeds.margin);
    for (double[][] z : List.of(instance.z, new double[128][16])) {
      double[][] y = z == instance.z ? new double[16][130] : instance.y;
      Result result = revive(instance.a, z, y, instance.keep);
      assertEquals(new ReviveResult(16, 16), result.counts);
      assertEquals(16, seeds.columns.size());
      for (int j = 0; j < 16; j++) {
        int column = j;
        double[] actual = Arrays.stream(result.z).mapToDouble(row -> row[column]).toArray();
        assertArrayEquals(seeds.columns.get(j), actual, tolerance, "feature " + j);
      }
      assertTrue(Arrays.deepEquals(new double[16][130], result.y), "Y");
    }
  }

  @Test
  void featuresThatNoTokenIsLeftForStayZero() {
    double[][] a = {{3, 0}, {0, 4}, {0, 0}};
    double[][] z = {{0, 9, 9, 0, 9}, {0, 9, 9, 0, 9}, {0, 0, 0, 0, 0}};
    Result result = revive(a, z, new double[5][2], 2);
    assertEquals(new ReviveResult(5, 2), result.counts);
    // The longer one first; a column that nothing replaces is zero, whatever it was.
    assertTrue(
        Arrays.deepEquals(
            new double[][] {{0, 1, 0, 0, 0}, {1, 0, 0, 0, 0}, {0, 0, 0, 0, 0}}, result.z));
  }

  @Test
  void nothingIsMadeOfNothing() {
    // A = ZY without rounding, and a token of zeros.
    double[][] z = {{1, 0, 0}, {0, 2, 0}, {4, 8, 0}};
    double[][] y = {{1, 0, 2, 0}, {0.5, 0, 3, 1}, {7, 7, 7, 7}};
    double[][] exact = Plain.times(z, y);
    Result result = revive(exact, z, y, 2);
    assertEquals(new ReviveResult(1, 0), result.counts);
    assertTrue(Arrays.deepEquals(z, result.z), "Z");
    assertArrayEquals(new double[4], result.y[2], 0.0);
    // And with the rounding of float32, which is no feature either.
    Instance instance = new Instance(128, 130, 16, 0.3);
    double[][] product = Plain.times(instance.z, instance.y);
    for (double[] row : product) {
      Arrays.setAll(row, t -> (float) row[t]);
    }
    assertEquals(new ReviveResult(2, 0), revive(product, instance.z, instance.y, 5).counts);
    assertEquals(new ReviveResult(3, 0), revive(new double[3][4], new double[3][3], y, 1).counts);
  }

  @Test
  void tokensThatRepeatOneThatWasTakenArePassedOver() {
    // Tokens 1 and 2 point where token 0 does, token 3 the other way; token 4 is apart by half.
    double[][] a = {{8, 7, 6, -5, 2}, {0, 0, 1, 0, 2}, {0, 0, 0, 0, 0}};
    double[][] none = new double[3][3];
    Result result = revive(a, none, new double[3][5], 3);
    assertEquals(new ReviveResult(3, 3), result.counts);
    double half = Math.sqrt(0.5);
    double[][] expected = {{1, -1, half}, {0, 0, half}, {0, 0, 0}};
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(expected[i], result.z[i], 1e-6);
    }
    // All are alike, so that one of two is revived.
    double[][] alike = {{9, 8, 7, 6, 5, 4, 3, 2, 1}};
    assertEquals(
        new ReviveResult(2, 1), revive(alike, new double[1][2], new double[2][9], 1).counts);
  }

  @Test
  void ofEqualTokensAndEntriesTheFirstAreTaken() {
    double[][] a = {{1, 2, 0, 2}, {0, -2, 2, 2}, {0, 2, 0, -2}, {0, 0, 2, 0}, {0, 0, 2, 0}};
    Result result = revive(a, new double[5][2], new double[2][4], 2);
    assertEquals(new ReviveResult(2, 2), result.counts);
    double half = Math.sqrt(0.5);
    double[][] expected = {{half, 0}, {-half, half}, {0, 0}, {0, half}, {0, 0}};
    for (int i = 0; i < 5; i++) {
      assertArrayEquals(expected[i], result.z[i], 1e-6, "neuron " + i);
    }
  }

  @Test
  void theNumberOfThreadsDoesNotMatter() {
    Instance instance = new Instance(128, 1000, 16, 0.05);
    double[][] y = silenced(instance);
    Result first = null;
    for (int threads : new int[] {1, 2, 3, 7, 17}) {
      try (Backend other = open(threads)) {
        Result result = revive(other, instance.a, Precision.BF16, instance.z, y, instance.keep);
        first = first == null ? result : first;
        assertEquals(first.counts, result.counts);
        assertTrue(Arrays.deepEquals(first.z, result.z), "Z with " + threads + " threads");
        assertTrue(Arrays.deepEquals(first.y, result.y), "Y with " + threads + " threads");
      }
    }
  }

  /** The objective after every step of a small fit in which half of the features start dead. */
  private double[] descend(Instance instance, double penalty, boolean reviving, int[] dead) {
    double[][] start = Arrays.stream(instance.y).map(double[]::clone).toArray(double[][]::new);
    for (int j = 8; j < 16; j++) {
      Arrays.fill(start[j], 0);
    }
    UpdateRule rule = new UpdateRule.Hals(2, 0, penalty);
    List<Double> objectives = new ArrayList<>();
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(start);
        Features z = features(new double[instance.neurons][16]);
        Statistics s = backend.newStatistics(instance.neurons, 16)) {
      Runnable observe =
          () ->
              objectives.add(
                  Plain.objective(instance.a, take(z.download()), take(y.download()), penalty));
      backend.denseStatistics(a, y, s);
      for (int round = 0; round < 12; round++) {
        backend.sweepColumns(s, z, instance.keep, penalty);
        observe.run();
        if (reviving) {
          backend.revive(a, s, z, y, instance.keep);
          observe.run();
        }
        backend.pass(a, z, rule, y, null, null, y, Refresh.DENSE, s);
        observe.run();
        backend.refit(s, z, penalty);
        observe.run();
        backend.pass(a, z, rule, y, null, null, y, Refresh.DENSE, s);
        observe.run();
      }
      double[][] gram = s.gram();
      dead[0] = (int) IntStream.range(0, 16).filter(j -> gram[j][j] == 0).count();
    }
    return objectives.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.03})
  void fitsDescendFurtherWithAllTheirFeatures(double fraction) {
    Instance instance = new Instance(128, 320, 16, 0.05);
    double penalty = instance.penalty(fraction);
    int[] dead = new int[1];
    double[] without = descend(instance, penalty, false, dead);
    assertTrue(dead[0] >= 8, "least squares alone revived a feature");
    double[] objectives = descend(instance, penalty, true, dead);
    assertEquals(0, dead[0]);
    for (int i = 1; i < objectives.length; i++) {
      double limit = objectives[i - 1] + tolerance * Plain.squaredNorm(instance.a);
      assertTrue(objectives[i] <= limit, "step " + i + ": " + Arrays.toString(objectives));
    }
    double last = objectives[objectives.length - 1];
    // Random activations: even twice the features explain little more of them.
    assertTrue(
        last < 0.95 * without[without.length - 1],
        last + " with revival, without " + without[without.length - 1]);
  }
}
