package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** One pass over A: multiplicative steps and plain HALS sweeps. */
abstract class PassSuite extends PassChecks {
  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void multiplicativeStep(Instance instance) {
    requireMultiplicativeStep(instance, Reading.PLAIN);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void multiplicativeStepAtEveryDensity(Instance instance) {
    requireMultiplicativeStep(instance, Reading.PLAIN);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void halsSweeps(Instance instance) {
    requireHalsSweeps(instance, Reading.PLAIN, 0);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void halsSweepsAtEveryDensity(Instance instance) {
    requireHalsSweeps(instance, Reading.PLAIN, 0);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void rowsAreScaledWhileTheyAreRead(Instance instance) {
    double[] rowScale = new double[instance.rank];
    for (int j = 0; j < instance.rank; j++) {
      rowScale[j] = 0.3 * (1 + j % 7);
    }
    double[] given = rowScale.clone();
    requireMultiplicativeStep(instance, Reading.scaled(rowScale));
    requireHalsSweeps(instance, Reading.scaled(rowScale), 0);
    assertArrayEquals(given, rowScale, 0.0, "the scale was changed");
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

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void overRelaxedSweepsAreThoseOfTheDefinition(Instance instance) {
    requireHalsSweeps(instance, Reading.PLAIN, 0, 1.6);
    requireHalsSweeps(instance, Reading.PLAIN, instance.penalty(0.05), 1.3);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void overRelaxedSweepsNeverRaiseTheLoss(Instance instance) {
    requireDescent(instance, new UpdateRule.Hals(1, 0, 0, 1.6));
    requireDescent(instance, new UpdateRule.Hals(2, 0, 0, 1.99));
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
