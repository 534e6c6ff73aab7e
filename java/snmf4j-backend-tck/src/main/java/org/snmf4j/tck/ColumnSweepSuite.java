package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;

/** The sweep that sets every column of Z to its best with a given number of nonzeros. */
abstract class ColumnSweepSuite extends Suite {
  static Stream<Arguments> tiny() {
    Stream.Builder<Arguments> cases = Stream.builder();
    for (int d : new int[] {1, 2, 5, 7}) {
      for (int keep = 1; keep <= Math.min(d, 3); keep++) {
        for (double fraction : new double[] {0, 0.03, 0.3}) {
          cases.add(Arguments.of(d, keep, fraction));
        }
      }
    }
    return cases.build();
  }

  /**
   * Column j was set when the columns before it were new and those behind it old; all are known
   * after the sweep.
   */
  @ParameterizedTest
  @MethodSource("tiny")
  void everyColumnIsTheBestOfAllSupports(int d, int keep, double fraction) {
    for (int n : new int[] {3, 70}) {
      for (int k : new int[] {1, 4}) {
        Instance instance = new Instance(d, n, k, (double) keep / d);
        double penalty = instance.penalty(fraction);
        double[][] mixed = sweep(instance, keep, penalty);
        double[][] after = copy(mixed);
        double scale = Plain.objectiveScale(instance.a, after, instance.y, penalty);
        for (int j = k - 1; j >= 0; j--) {
          // Now columns 0 … j are new and the others old.
          double reached = Plain.objective(instance.a, mixed, instance.y, penalty);
          double[][] trial = copy(mixed);
          double best = best(instance, trial, j, keep, penalty);
          double limit = best + tolerance * scale;
          String where = "n=%d k=%d column %d: objective %s, best %s";
          assertTrue(reached <= limit, where.formatted(n, k, j, reached, best));
          requireNoBetterNearby(instance, copy(mixed), j, penalty, reached - tolerance * scale);
          setColumn(mixed, j, column(instance.z, j));
        }
      }
    }
  }

  /** The least objective over all supports of {@code keep} entries for column {@code j}. */
  private static double best(Instance instance, double[][] z, int j, int keep, double penalty) {
    double[] y = instance.y[j];
    double curvature = Plain.squaredNorm(y);
    double price = penalty * Plain.sum(y);
    setColumn(z, j, new double[z.length]);
    double best = Plain.objective(instance.a, z, instance.y, penalty);
    double[] aim = new double[z.length];
    for (int i = 0; i < z.length; i++) {
      for (int t = 0; t < y.length; t++) {
        double residual = instance.a[i][t];
        for (int l = 0; l < instance.rank; l++) {
          residual -= z[i][l] * instance.y[l][t];
        }
        aim[i] += residual * y[t];
      }
    }
    for (int support = 0; support < 1 << z.length; support++) {
      if (Integer.bitCount(support) == keep && curvature > 0) {
        double[] column = new double[z.length];
        for (int i = 0; i < z.length; i++) {
          column[i] = (support >> i & 1) == 1 ? aim[i] : 0;
        }
        // Whatever its length, the best direction is that of b; the length minimizes a parabola.
        double norm = Math.sqrt(Plain.squaredNorm(column));
        double length = Math.max(0, norm - price) / curvature;
        for (int i = 0; i < z.length; i++) {
          column[i] = norm > 0 ? column[i] / norm * length : 0;
        }
        setColumn(z, j, column);
        best = Math.min(best, Plain.objective(instance.a, z, instance.y, penalty));
      }
    }
    return best;
  }

  /** Small steps on the support, in random directions, and growth or shrinkage gain nothing. */
  private static void requireNoBetterNearby(
      Instance instance, double[][] z, int j, double penalty, double limit) {
    SplittableRandom random = new SplittableRandom(5);
    double[] column = column(z, j);
    double size = Math.sqrt(Plain.squaredNorm(column));
    for (int trial = 0; trial < 20; trial++) {
      double step = size * Math.pow(10, -1 - trial % 4);
      double[] moved = column.clone();
      for (int i = 0; i < moved.length; i++) {
        if (moved[i] != 0) {
          moved[i] += step * random.nextGaussian();
        }
      }
      setColumn(z, j, moved);
      double objective = Plain.objective(instance.a, z, instance.y, penalty);
      assertTrue(objective >= limit, () -> "a step lowers the objective to " + objective);
    }
  }

  static Stream<Arguments> cases() {
    return Stream.concat(Instance.shapes(), Instance.densities())
        .flatMap(
            instance -> Stream.of(0.0, 0.03).map(fraction -> Arguments.of(instance, fraction)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void columnsFollowTheFormula(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double[][] transposed = Plain.transpose(instance.y);
    double[][] cross = Plain.times(instance.a, transposed);
    double[][] crossScale = Plain.times(Plain.abs(instance.a), transposed);
    double[][] gram = Plain.times(instance.y, transposed);
    double[][] after = sweep(instance, instance.keep, penalty);
    double[][] mixed = copy(after);
    for (int j = instance.rank - 1; j >= 0; j--) {
      double[] expected = new double[instance.neurons];
      double[] scale = new double[instance.neurons];
      for (int i = 0; i < expected.length && gram[j][j] > 0; i++) {
        expected[i] = cross[i][j];
        scale[i] = crossScale[i][j];
        for (int l = 0; l < instance.rank; l++) {
          if (l != j) {
            expected[i] -= mixed[i][l] * gram[l][j];
            scale[i] += Math.abs(mixed[i][l]) * gram[l][j];
          }
        }
      }
      double price = penalty * Plain.sum(instance.y[j]);
      requireColumn(expected, scale, instance.keep, price, gram[j][j], column(after, j), j);
      setColumn(mixed, j, column(instance.z, j));
    }
  }

  private void requireColumn(
      double[] aim,
      double[] scale,
      int keep,
      double price,
      double curvature,
      double[] actual,
      int j) {
    int nonzeros = (int) Arrays.stream(actual).filter(value -> value != 0).count();
    assertTrue(nonzeros <= keep, () -> "column " + j + " has " + nonzeros + " nonzeros");
    if (curvature == 0) {
      assertArrayEquals(new double[actual.length], actual, 0.0, "dead column " + j);
      return;
    }
    double[] sorted = Arrays.stream(Plain.abs(aim)).sorted().toArray();
    double last = sorted[sorted.length - keep];
    double next = keep < sorted.length ? sorted[sorted.length - keep - 1] : -1;
    double worst = Arrays.stream(scale).max().orElseThrow();
    if (next >= 0 && last - next <= 4 * tolerance * worst) {
      // Rounding decides which of two stays; the test of all supports looks at such columns.
      return;
    }
    double[] kept = Arrays.stream(aim).map(b -> Math.abs(b) >= last ? b : 0).toArray();
    double norm = Math.sqrt(Plain.squaredNorm(kept));
    double error = price;
    for (int i = 0; i < kept.length; i++) {
      error = kept[i] == 0 ? error : Math.hypot(error, scale[i]);
    }
    for (int i = 0; i < kept.length; i++) {
      double expected = norm > 0 ? kept[i] / norm * Math.max(0, norm - price) / curvature : 0;
      // An error of ‖b_S‖ or of the price moves all entries; the curvature's is relative.
      double allowed = kept[i] == 0 ? 0 : (scale[i] + error) / curvature + Math.abs(expected);
      Tolerance.requireNear("z[" + i + ", " + j + "]", expected, actual[i], allowed, tolerance);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sweepsNeverRaiseTheObjective(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double before = Plain.objective(instance.a, instance.z, instance.y, penalty);
    double scale = Plain.objectiveScale(instance.a, instance.z, instance.y, penalty);
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Features z = features(instance.z);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      for (int sweep = 1; sweep <= 3; sweep++) {
        backend.sweepColumns(s, z, instance.keep, penalty);
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

  /** Z after a sweep, which must also project as what it is. */
  private double[][] sweep(Instance instance, int keep, double penalty) {
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Features z = features(instance.z);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.denseStatistics(a, y, s);
      double[][] cross = take(s.cross());
      double[][] gram = s.gram();
      backend.sweepColumns(s, z, keep, penalty);
      assertTrue(Arrays.deepEquals(cross, take(s.cross())), "the sweep changed C");
      assertTrue(Arrays.deepEquals(gram, s.gram()), "the sweep changed G");
      double[][] swept = take(z.download());
      FeatureSuite.requireProjection(backend, instance.a, swept, z, tolerance);
      return swept;
    }
  }

  @Test
  void ofEqualEntriesTheFirstStay() {
    double[][] a = {{1}, {-2}, {0}, {2}, {2}, {-2}, {3}};
    double[][] z = new double[7][1];
    double[] expected = {0, -2, 0, 2, 0, 0, 3};
    assertArrayEquals(expected, sweepOne(a, z, 3, 0), 1e-6);
    assertArrayEquals(new double[7], sweepOne(new double[7][1], z, 3, 0), 0.0);
  }

  @Test
  void aPenaltyShrinksAColumnAndThenKillsIt() {
    // b = (3, 4, 0), ‖b‖ = 5, ‖y‖₁ = G = 1.
    double[][] a = {{3}, {4}, {1}};
    double[][] z = {{9}, {0}, {9}};
    assertArrayEquals(new double[] {2.4, 3.2, 0}, sweepOne(a, z, 2, 1), 1e-5);
    assertArrayEquals(new double[] {0.06, 0.08, 0}, sweepOne(a, z, 2, 4.9), 1e-5);
    assertArrayEquals(new double[3], sweepOne(a, z, 2, 5.01), 0.0);
    assertArrayEquals(new double[3], sweepOne(a, z, 2, 1e30), 0.0);
  }

  /** The only column of Z after a sweep with Y = 1. */
  private double[] sweepOne(double[][] a, double[][] z, int keep, double penalty) {
    try (Activations packed = pack(a);
        Coefficients y = coefficients(new double[][] {{1}});
        Features features = features(z);
        Statistics s = backend.newStatistics(a.length, 1)) {
      backend.denseStatistics(packed, y, s);
      backend.sweepColumns(s, features, keep, penalty);
      return column(take(features.download()), 0);
    }
  }

  @Test
  void columnsWithoutCoefficientsDie() {
    Instance instance = new Instance(17, 65, 7, 0.3);
    double[][] z = copy(instance.z);
    for (double[] row : z) {
      // Row 5 of Y is zero; a dead column must not act on the others before it is zeroed.
      row[5] = 1e6;
    }
    try (Activations a = pack(instance.a);
        Coefficients y = coefficients(instance.y);
        Features features = features(z);
        Statistics s = backend.newStatistics(17, 7)) {
      backend.denseStatistics(a, y, s);
      backend.sweepColumns(s, features, instance.keep, 0);
      double[][] swept = take(features.download());
      double[][] expected = sweep(instance, instance.keep, 0);
      assertArrayEquals(new double[17], column(swept, 5), 0.0);
      assertEquals(0, Tolerance.relativeError(expected, swept), tolerance);
    }
  }

  @Test
  void denseColumnsAreCutToSize() {
    Instance instance = new Instance(128, 130, 16, 1);
    for (double[] row : sweep(instance, 3, 0)) {
      assertEquals(16, row.length);
    }
    double[][] z = Plain.transpose(sweep(instance, 3, instance.penalty(0.01)));
    for (int j = 0; j < 16; j++) {
      long nonzeros = Arrays.stream(z[j]).filter(value -> value != 0).count();
      assertEquals(Plain.squaredNorm(instance.y[j]) > 0 ? 3 : 0, nonzeros, "column " + j);
    }
  }

  private static double[] column(double[][] z, int j) {
    return Arrays.stream(z).mapToDouble(row -> row[j]).toArray();
  }

  private static void setColumn(double[][] z, int j, double[] values) {
    for (int i = 0; i < z.length; i++) {
      z[i][j] = values[i];
    }
  }

  private static double[][] copy(double[][] values) {
    return Arrays.stream(values).map(double[]::clone).toArray(double[][]::new);
  }
}
