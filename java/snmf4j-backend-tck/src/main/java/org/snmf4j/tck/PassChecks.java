package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/** What holds of one pass over A: the update, and what it leaves behind. */
abstract class PassChecks extends Suite {
  private static final double EPSILON = 1e-6;
  static final UpdateRule MULTIPLICATIVE = new UpdateRule.Multiplicative(EPSILON);
  static final UpdateRule TWO_SWEEPS = new UpdateRule.Hals(2, 0);

  /**
   * How a pass reads Y.
   *
   * @param rowScale null for ones
   * @param before null without momentum
   */
  record Reading(double[] rowScale, double[][] before, double beta) {
    static final Reading PLAIN = new Reading(null, null, 0);

    static Reading scaled(double[] rowScale) {
      return new Reading(rowScale, null, 0);
    }

    double[][] of(double[][] y) {
      double[][] result = new double[y.length][y[0].length];
      for (int j = 0; j < y.length; j++) {
        for (int t = 0; t < y[j].length; t++) {
          double value = y[j][t];
          if (before != null) {
            value = Math.max(0, value + beta * (value - before[j][t]));
          }
          result[j][t] = rowScale == null ? value : value * rowScale[j];
        }
      }
      return result;
    }
  }

  final void requireMultiplicativeStep(Instance instance, Reading reading) {
    double[][] updated = requirePass(instance, MULTIPLICATIVE, reading);
    double[][] read = reading.of(instance.y);
    StepBounds bounds = new StepBounds(instance.a, instance.z, read, EPSILON, tolerance);
    for (int j = 0; j < instance.rank; j++) {
      for (int t = 0; t < instance.tokens; t++) {
        double value = updated[j][t];
        // The smallest float32 may stand for zero.
        if (!(value >= bounds.lower[j][t] - 1e-37 && value <= bounds.upper[j][t] + 1e-37)) {
          fail(
              "Y′ [%d, %d] is %s but should lie in [%s, %s]"
                  .formatted(j, t, value, bounds.lower[j][t], bounds.upper[j][t]));
        }
      }
    }
  }

  final void requireHalsSweeps(Instance instance, Reading reading, double penalty) {
    requireHalsSweeps(instance, reading, penalty, 1);
  }

  final void requireHalsSweeps(
      Instance instance, Reading reading, double penalty, double relaxation) {
    UpdateRule rule = new UpdateRule.Hals(2, 0, penalty, relaxation);
    double[][] updated = requirePass(instance, rule, reading);
    double[][] read = reading.of(instance.y);
    double[][] transposed = Plain.transpose(instance.z);
    double[][] q = Plain.times(transposed, instance.z);
    double[][] p = Plain.times(transposed, instance.a);
    double[][] expected = Plain.hals(q, Plain.penalized(p, q, penalty), read, 2, relaxation);
    // Errors of one coefficient pass on to the others of its token, so that the token's largest
    // number is their scale, not the coefficient's own.
    double[][] scale = new double[instance.rank][instance.tokens];
    for (int t = 0; t < instance.tokens; t++) {
      double largest = 0;
      for (int j = 0; j < instance.rank; j++) {
        largest = Math.max(largest, Math.max(expected[j][t], read[j][t]));
        if (q[j][j] > 0) {
          largest =
              Math.max(
                  largest,
                  (magnitude(instance, transposed[j], t) + penalty * Math.sqrt(q[j][j])) / q[j][j]);
        }
      }
      for (int j = 0; j < instance.rank; j++) {
        scale[j][t] = largest;
      }
    }
    Tolerance.requireNear("Y′", expected, updated, scale, 20 * tolerance);
  }

  private static double magnitude(Instance instance, double[] feature, int token) {
    double sum = 0;
    for (int i = 0; i < feature.length; i++) {
      sum += Math.abs(feature[i] * instance.a[i][token]);
    }
    return sum;
  }

  /** Everything about a pass but the rule itself; returns Y′. */
  private double[][] requirePass(Instance instance, UpdateRule rule, Reading reading) {
    double[] rowScale = reading.rowScale();
    try (Activations a = pack(instance);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y);
        Coefficients before =
            coefficients(reading.before() == null ? instance.y : reading.before());
        Coefficients result = backend.newCoefficients(instance.rank, instance.tokens);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      Momentum momentum = reading.before() == null ? null : new Momentum(before, reading.beta());
      PassResult sums = backend.pass(a, z, rule, y, rowScale, momentum, result, Refresh.DENSE, s);
      double[][] updated = take(result.download());
      assertTrue(Arrays.deepEquals(instance.y, take(y.download())), "the pass changed Y");
      assertTrue(Arrays.deepEquals(instance.z, take(z.download())), "the pass changed Z");
      if (momentum != null) {
        assertTrue(
            Arrays.deepEquals(reading.before(), take(before.download())),
            "the pass changed the coefficients before");
      }
      for (double[] row : updated) {
        for (double value : row) {
          assertTrue(value >= 0 && Double.isFinite(value), () -> "a coefficient is " + value);
        }
      }
      requireSums(instance, updated, sums);
      ProductSuite.requireStatistics(instance.a, updated, s, tolerance);
      assertSymmetric(s.gram());

      for (Refresh refresh : new Refresh[] {Refresh.GRAM, Refresh.SUPPORT}) {
        try (Statistics fresh = backend.newStatistics(instance.neurons, instance.rank)) {
          PassResult again =
              backend.pass(a, z, rule, y, rowScale, momentum, result, refresh, fresh);
          assertTrue(
              Arrays.deepEquals(updated, take(result.download())), "Y′ depends on the refresh");
          requireSums(instance, updated, again);
          ProductSuite.requireGram(updated, fresh, tolerance);
          if (refresh == Refresh.SUPPORT) {
            ProductSuite.requireCrossOnSupport(instance.a, updated, instance.z, fresh, tolerance);
          }
        }
      }

      PassResult none = backend.pass(a, z, rule, y, rowScale, momentum, y, Refresh.NONE, null);
      assertTrue(
          Arrays.deepEquals(updated, take(y.download())), "in place, Y′ comes out different");
      assertTrue(Double.isNaN(none.quadratic()), () -> "⟨Q,G⟩ without G is " + none.quadratic());
      assertTrue(Double.isNaN(none.spread()), () -> "without row sums is " + none.spread());
      Tolerance.requireNear(
          "⟨P,Y⟩", sums.cross(), none.cross(), crossScale(instance, updated), tolerance);
      return updated;
    }
  }

  private static void assertSymmetric(double[][] gram) {
    for (int j = 0; j < gram.length; j++) {
      for (int l = 0; l < j; l++) {
        assertEquals(gram[j][l], gram[l][j], 0.0, "G is not symmetric");
      }
    }
  }

  private static double crossScale(Instance instance, double[][] y) {
    double[][] magnitudes = Plain.abs(Plain.transpose(instance.z));
    return Plain.inner(Plain.times(magnitudes, Plain.abs(instance.a)), y);
  }

  private void requireSums(Instance instance, double[][] y, PassResult sums) {
    double[][] transposed = Plain.transpose(instance.z);
    double spread = 0;
    for (int j = 0; j < y.length; j++) {
      spread += Math.sqrt(Plain.squaredNorm(transposed[j])) * Plain.sum(y[j]);
    }
    Tolerance.requireNear("Σ‖z_j‖‖y_j‖₁", spread, sums.spread(), spread, tolerance);
    Tolerance.requireNear(
        "⟨P,Y⟩",
        Plain.inner(Plain.times(transposed, instance.a), y),
        sums.cross(),
        crossScale(instance, y),
        tolerance);
    double[][] magnitudes = Plain.abs(transposed);
    Tolerance.requireNear(
        "⟨Q,G⟩",
        Plain.squaredNorm(Plain.times(instance.z, y)),
        sums.quadratic(),
        Plain.squaredNorm(Plain.times(Plain.transpose(magnitudes), y)),
        2 * tolerance);
  }
}
