package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.ElementType;

/** HALS run to its end solves the non-negative least squares min ‖A − ZY‖², Y ≥ 0. */
abstract class LeastSquaresSuite extends Suite {
  private static final UpdateRule CONVERGED = new UpdateRule.Hals(5000, 0);

  /** What encoding uses. */
  private static final UpdateRule ENCODING = new UpdateRule.LeastSquares(2000, 1e-8, 0);

  private static final UpdateRule STOPPED = new UpdateRule.Hals(2000, 1e-8);

  static Stream<Instance> instances() {
    return Stream.of(
        new Instance(17, 65, 2, 1),
        new Instance(17, 65, 7, 0.3),
        new Instance(128, 64, 16, 1),
        new Instance(128, 130, 16, 0.05),
        new Instance(128, 64, 33, 0.3),
        new Instance(300, 63, 33, 0.01),
        new Instance(1, 64, 1, 1));
  }

  @ParameterizedTest
  @MethodSource("instances")
  void convergedSweepsMeetTheOptimalityConditions(Instance instance) {
    double[][] y = solve(instance, CONVERGED);
    double[][] transposed = Plain.transpose(instance.z);
    double[][] magnitudes = Plain.abs(transposed);
    double[][] p = Plain.times(transposed, instance.a);
    double[][] q = Plain.times(transposed, instance.z);
    double[][] product = Plain.times(q, y);
    double[][] pScale = Plain.times(magnitudes, Plain.abs(instance.a));
    double[][] qScale = Plain.times(Plain.times(magnitudes, Plain.transpose(magnitudes)), y);
    double allowed = backend.elementType() == ElementType.FLOAT32 ? 1e-4 : 1e-9;
    for (int j = 0; j < instance.rank; j++) {
      for (int t = 0; t < instance.tokens; t++) {
        double gradient = product[j][t] - p[j][t];
        double limit = allowed * (pScale[j][t] + qScale[j][t]);
        double violation = y[j][t] > 0 ? Math.abs(gradient) : -gradient;
        String where = "gradient %s at [%d, %d], coefficient %s".formatted(gradient, j, t, y[j][t]);
        assertTrue(violation <= limit, where);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("instances")
  void theObjectiveIsThatOfTheActiveSetMethod(Instance instance) {
    double[][] transposed = Plain.transpose(instance.z);
    double[][] exact =
        LawsonHanson.solve(
            Plain.times(transposed, instance.z), Plain.times(transposed, instance.a));
    for (UpdateRule rule : new UpdateRule[] {CONVERGED, STOPPED, ENCODING}) {
      double[][] y = solve(instance, rule);
      for (int t = 0; t < instance.tokens; t++) {
        requireObjective(instance.a, instance.z, exact, y, t);
      }
    }
  }

  /** ‖a − Zy‖² of one token within 1e-4 of the optimum, up to rounding where that is zero. */
  static void requireObjective(
      double[][] a, double[][] z, double[][] exact, double[][] y, int token) {
    double optimum = 0;
    double reached = 0;
    double norm = 0;
    for (int i = 0; i < a.length; i++) {
      double best = a[i][token];
      double own = a[i][token];
      for (int j = 0; j < y.length; j++) {
        best -= z[i][j] * exact[j][token];
        own -= z[i][j] * y[j][token];
      }
      optimum += best * best;
      reached += own * own;
      norm += a[i][token] * a[i][token];
    }
    double limit = optimum * (1 + 1e-4) + 1e-8 * norm;
    assertTrue(
        reached <= limit, "token %d: objective %s, optimum %s".formatted(token, reached, optimum));
  }

  @Test
  void recoversCoefficientsThatMadeTheData() {
    Instance instance = new Instance(128, 65, 16, 0.3);
    double[][] z = instance.z;
    // Feature 3 is zero in every instance; its coefficients would be arbitrary.
    z[0][3] = 1;
    double[][] a = Plain.times(z, instance.y);
    try (Activations packed = pack(a);
        Features features = features(z);
        Coefficients y = backend.newCoefficients(16, 65)) {
      backend.pass(packed, features, CONVERGED, y, null, null, y, Refresh.NONE, null);
      double allowed = backend.elementType() == ElementType.FLOAT32 ? 1e-3 : 1e-8;
      double error = Tolerance.relativeError(instance.y, take(y.download()));
      assertTrue(error <= allowed, () -> "relative error " + error);
    }
  }

  private double[][] solve(Instance instance, UpdateRule rule) {
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = backend.newCoefficients(instance.rank, instance.tokens)) {
      backend.pass(a, z, rule, y, null, null, y, Refresh.NONE, null);
      return take(y.download());
    }
  }
}
