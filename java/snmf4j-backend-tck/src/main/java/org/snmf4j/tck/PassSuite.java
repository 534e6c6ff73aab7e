package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/** One pass over A: the update, and what it leaves behind. */
abstract class PassSuite extends Suite {
  private static final double EPSILON = 1e-6;
  private static final UpdateRule MULTIPLICATIVE = new UpdateRule.Multiplicative(EPSILON);
  private static final UpdateRule TWO_SWEEPS = new UpdateRule.Hals(2, 0);

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void multiplicativeStep(Instance instance) {
    requireMultiplicativeStep(instance, null);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void multiplicativeStepAtEveryDensity(Instance instance) {
    requireMultiplicativeStep(instance, null);
  }

  private void requireMultiplicativeStep(Instance instance, double[] rowScale) {
    double[][] updated = requirePass(instance, MULTIPLICATIVE, rowScale);
    double[][] read = scaled(instance.y, rowScale);
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

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void halsSweeps(Instance instance) {
    requireHalsSweeps(instance, null);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void halsSweepsAtEveryDensity(Instance instance) {
    requireHalsSweeps(instance, null);
  }

  private void requireHalsSweeps(Instance instance, double[] rowScale) {
    double[][] updated = requirePass(instance, TWO_SWEEPS, rowScale);
    double[][] read = scaled(instance.y, rowScale);
    double[][] transposed = Plain.transpose(instance.z);
    double[][] q = Plain.times(transposed, instance.z);
    double[][] p = Plain.times(transposed, instance.a);
    double[][] expected = Plain.hals(q, p, read, 2);
    // Errors of one coefficient pass on to the others of its token, so that the token's largest
    // number is their scale, not the coefficient's own.
    double[][] scale = new double[instance.rank][instance.tokens];
    for (int t = 0; t < instance.tokens; t++) {
      double largest = 0;
      for (int j = 0; j < instance.rank; j++) {
        largest = Math.max(largest, Math.max(expected[j][t], read[j][t]));
        if (q[j][j] > 0) {
          largest = Math.max(largest, magnitude(instance, transposed[j], t) / q[j][j]);
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
  private double[][] requirePass(Instance instance, UpdateRule rule, double[] rowScale) {
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y);
        Coefficients result = backend.newCoefficients(instance.rank, instance.tokens);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      PassResult sums = backend.pass(a, z, rule, y, rowScale, null, result, Refresh.DENSE, s);
      double[][] updated = take(result.download());
      assertTrue(Arrays.deepEquals(instance.y, take(y.download())), "the pass changed Y");
      assertTrue(Arrays.deepEquals(instance.z, take(z.download())), "the pass changed Z");
      for (double[] row : updated) {
        for (double value : row) {
          assertTrue(value >= 0 && Double.isFinite(value), () -> "a coefficient is " + value);
        }
      }
      requireSums(instance, updated, sums);
      ProductSuite.requireStatistics(instance.a, updated, s, tolerance);

      PassResult again = backend.pass(a, z, rule, y, rowScale, null, result, Refresh.GRAM, s);
      assertTrue(Arrays.deepEquals(updated, take(result.download())), "Y′ depends on the refresh");
      requireSums(instance, updated, again);
      double[][] gram = Plain.times(updated, Plain.transpose(updated));
      Tolerance.requireNear("G", gram, s.gram(), gram, tolerance);

      PassResult none = backend.pass(a, z, rule, y, rowScale, null, y, Refresh.NONE, null);
      assertTrue(
          Arrays.deepEquals(updated, take(y.download())), "in place, Y′ comes out different");
      assertTrue(Double.isNaN(none.quadratic()), () -> "⟨Q,G⟩ without G is " + none.quadratic());
      Tolerance.requireNear(
          "⟨P,Y⟩", sums.cross(), none.cross(), crossScale(instance, updated), tolerance);
      return updated;
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void rowsAreScaledWhileTheyAreRead(Instance instance) {
    double[] rowScale = new double[instance.rank];
    for (int j = 0; j < instance.rank; j++) {
      rowScale[j] = 0.3 * (1 + j % 7);
    }
    double[] given = rowScale.clone();
    requireMultiplicativeStep(instance, rowScale);
    requireHalsSweeps(instance, rowScale);
    assertArrayEquals(given, rowScale, 0.0, "the scale was changed");
  }

  private static double[][] scaled(double[][] y, double[] rowScale) {
    double[][] result = new double[y.length][];
    for (int j = 0; j < y.length; j++) {
      double factor = rowScale == null ? 1 : rowScale[j];
      result[j] = Arrays.stream(y[j]).map(value -> value * factor).toArray();
    }
    return result;
  }

  private static double crossScale(Instance instance, double[][] y) {
    double[][] magnitudes = Plain.abs(Plain.transpose(instance.z));
    return Plain.inner(Plain.times(magnitudes, Plain.abs(instance.a)), y);
  }

  private void requireSums(Instance instance, double[][] y, PassResult sums) {
    double[][] transposed = Plain.transpose(instance.z);
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

  @Test
  void theGramLossIsTheResidual() {
    for (Instance instance :
        List.of(new Instance(128, 1000, 16, 0.05), new Instance(17, 65, 7, 1))) {
      try (Activations a = pack(instance.a);
          Features z = features(instance.z);
          Coefficients y = coefficients(instance.y);
          Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
        for (int step = 0; step < 5; step++) {
          PassResult sums = backend.pass(a, z, MULTIPLICATIVE, y, null, null, y, Refresh.GRAM, s);
          double residual = backend.residual(a, z, y);
          double scale = a.squaredNorm() + 2 * Math.abs(sums.cross()) + sums.quadratic();
          Tolerance.requireNear("loss", residual, sums.loss(a.squaredNorm()), scale, tolerance);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void multiplicativeStepsNeverRaiseTheLoss(Instance instance) {
    // ε distorts the step by about ε / (Q⁺Y), so it is made too small to matter.
    requireDescent(instance, new UpdateRule.Multiplicative(1e-20));
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void halsSweepsNeverRaiseTheLoss(Instance instance) {
    requireDescent(instance, new UpdateRule.Hals(1, 0));
  }

  private void requireDescent(Instance instance, UpdateRule rule) {
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y)) {
      double before = Plain.loss(instance.a, instance.z, instance.y);
      for (int step = 1; step <= 12; step++) {
        backend.pass(a, z, rule, y, null, null, y, Refresh.NONE, null);
        double after = Plain.loss(instance.a, instance.z, take(y.download()));
        double limit = before + tolerance * (before + a.squaredNorm());
        assertTrue(
            after <= limit, "step %d raised the loss from %s to %s".formatted(step, before, after));
        before = after;
      }
    }
  }

  @Test
  void zeroFeaturesKeepTheirCoefficientsUnderHals() {
    double[][] z = new double[5][3];
    z[0][0] = 2;
    double[][] y = {{1, 1}, {0.25, 0.5}, {0, 3}};
    try (Activations a = pack(new double[][] {{4, -4}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
        Features features = features(z);
        Coefficients coefficients = coefficients(y)) {
      backend.pass(
          a, features, TWO_SWEEPS, coefficients, null, null, coefficients, Refresh.NONE, null);
      double[][] updated = take(coefficients.download());
      assertEquals("[[2.0, 0.0], [0.25, 0.5], [0.0, 3.0]]", Arrays.deepToString(updated));
    }
  }

  @Test
  void zeroCoefficientsStayZeroUnderMultiplicativeSteps() {
    Instance instance = new Instance(17, 65, 7, 1);
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y)) {
      backend.pass(a, z, MULTIPLICATIVE, y, null, null, y, Refresh.NONE, null);
      double[][] updated = take(y.download());
      for (int j = 0; j < 7; j++) {
        for (int t = 0; t < 65; t++) {
          if (instance.y[j][t] == 0) {
            assertEquals(0, updated[j][t], 0.0);
          }
        }
      }
    }
  }
}
