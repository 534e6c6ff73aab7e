package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
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
import org.snmf4j.matrix.ElementType;

/** HALS under a penalty on the coefficients. */
abstract class PenaltySuite extends PassChecks {
  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void penalizedSweeps(Instance instance) {
    requireHalsSweeps(instance, Reading.PLAIN, instance.penalty(0.05));
  }

  static Stream<Arguments> penalties() {
    return Instance.densities()
        .flatMap(
            instance ->
                Stream.of(0.003, 0.03, 0.3).map(fraction -> Arguments.of(instance, fraction)));
  }

  @ParameterizedTest
  @MethodSource("penalties")
  void penalizedSweepsAtEveryDensity(Instance instance, double fraction) {
    requireHalsSweeps(instance, Reading.PLAIN, instance.penalty(fraction));
  }

  @ParameterizedTest
  @MethodSource("penalties")
  void penalizedSweepsNeverRaiseTheObjective(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      double before = Plain.objective(instance.a, instance.z, instance.y, penalty);
      for (int step = 1; step <= 8; step++) {
        UpdateRule rule = new UpdateRule.Hals(step % 3 + 1, 0, penalty);
        PassResult sums = backend.pass(a, z, rule, y, null, null, y, Refresh.GRAM, s);
        double[][] updated = take(y.download());
        double after = Plain.objective(instance.a, instance.z, updated, penalty);
        double scale = Plain.objectiveScale(instance.a, instance.z, updated, penalty);
        double claimed = sums.objective(a.squaredNorm(), penalty);
        Tolerance.requireNear("the pass's objective", after, claimed, scale, tolerance);
        double limit = before + tolerance * (before + a.squaredNorm());
        assertTrue(
            after <= limit,
            "step %d raised the objective from %s to %s".formatted(step, before, after));
        before = after;
      }
    }
  }

  /** Problems that converge within the sweeps given. */
  static Stream<Arguments> convex() {
    return Stream.of(
            new Instance(17, 65, 2, 1),
            new Instance(17, 65, 7, 0.3),
            new Instance(128, 64, 16, 1),
            new Instance(128, 130, 16, 0.05),
            new Instance(128, 64, 33, 0.3),
            new Instance(300, 63, 33, 0.01),
            new Instance(1, 64, 1, 1))
        .flatMap(
            instance -> Stream.of(0.01, 0.1).map(fraction -> Arguments.of(instance, fraction)));
  }

  @ParameterizedTest
  @MethodSource("convex")
  void convergedSweepsMeetTheOptimalityConditions(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double[][] y = solve(instance, new UpdateRule.Hals(5000, 0, penalty));
    double[][] transposed = Plain.transpose(instance.z);
    double[][] magnitudes = Plain.abs(transposed);
    double[][] p = Plain.times(transposed, instance.a);
    double[][] q = Plain.times(transposed, instance.z);
    double[][] product = Plain.times(q, y);
    double[][] pScale = Plain.times(magnitudes, Plain.abs(instance.a));
    double[][] qScale = Plain.times(Plain.times(magnitudes, Plain.transpose(magnitudes)), y);
    double allowed = backend.elementType() == ElementType.FLOAT32 ? 1e-4 : 1e-9;
    for (int j = 0; j < instance.rank; j++) {
      double price = penalty * Math.sqrt(q[j][j]);
      for (int t = 0; t < instance.tokens; t++) {
        double gradient = product[j][t] - p[j][t] + price;
        double limit = allowed * (pScale[j][t] + qScale[j][t] + price);
        double violation = y[j][t] > 0 ? Math.abs(gradient) : -gradient;
        String where = "gradient %s at [%d, %d], coefficient %s".formatted(gradient, j, t, y[j][t]);
        assertTrue(violation <= limit, where);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("convex")
  void theObjectiveIsThatOfTheActiveSetMethod(Instance instance, double fraction) {
    double penalty = instance.penalty(fraction);
    double[][] transposed = Plain.transpose(instance.z);
    double[][] q = Plain.times(transposed, instance.z);
    double[][] p = Plain.penalized(Plain.times(transposed, instance.a), q, penalty);
    double[][] exact = LawsonHanson.solve(q, p);
    double optimum = Plain.objective(instance.a, instance.z, exact, penalty);
    // The last rule is what encoding uses: the tolerance must see the penalty too.
    for (UpdateRule rule :
        new UpdateRule[] {
          new UpdateRule.Hals(5000, 0, penalty),
          new UpdateRule.Hals(2000, 1e-8, penalty),
          new UpdateRule.LeastSquares(2000, 1e-8, penalty)
        }) {
      double reached = Plain.objective(instance.a, instance.z, solve(instance, rule), penalty);
      double limit = optimum * (1 + 1e-4) + 1e-8 * Plain.squaredNorm(instance.a);
      assertTrue(reached <= limit, () -> "objective " + reached + ", optimum " + optimum);
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

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void aPenaltyAboveEveryProjectionLeavesNoCoefficient(Instance instance) {
    // P_j / ‖z_j‖ ≤ ‖a_t‖, the norm of the token.
    double longest = 0;
    for (double[] token : Plain.transpose(instance.a)) {
      longest = Math.max(longest, Math.sqrt(Plain.squaredNorm(token)));
    }
    double[][] y = solve(instance, new UpdateRule.Hals(3, 0, 1.001 * longest));
    assertEquals(0, Plain.squaredNorm(y), 0.0);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void coefficientsGetFewerAsThePenaltyGrows(Instance instance) {
    double before = Double.POSITIVE_INFINITY;
    for (double fraction : new double[] {0, 0.1, 0.4}) {
      UpdateRule rule = new UpdateRule.Hals(200, 0, instance.penalty(fraction));
      double[][] y = solve(instance, rule);
      double[][] columns = Plain.transpose(instance.z);
      double weighted = 0;
      for (int j = 0; j < y.length; j++) {
        weighted += Math.sqrt(Plain.squaredNorm(columns[j])) * Plain.sum(y[j]);
      }
      // At each minimum; the penalty's own term can only fall.
      assertTrue(weighted <= before * (1 + 1e-3), weighted + " after " + before);
      before = weighted;
    }
  }
}
