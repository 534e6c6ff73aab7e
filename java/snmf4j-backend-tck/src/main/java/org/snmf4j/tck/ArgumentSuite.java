package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/** Arguments outside their limits are refused, before anything is computed. */
abstract class ArgumentSuite extends Suite {
  private static final UpdateRule RULE = new UpdateRule.Multiplicative(1e-6);

  @Test
  void wrongShapesAreRefused() {
    try (OneOfEach data = OneOfEach.on(backend);
        Coefficients fewTokens = backend.newCoefficients(2, 4);
        Coefficients highRank = backend.newCoefficients(3, 5);
        Features fewNeurons = backend.newFeatures(2, 2);
        Features lowRank = backend.newFeatures(3, 1);
        Statistics small = backend.newStatistics(2, 2);
        Statistics wide = backend.newStatistics(3, 3);
        Matrix flat = Matrix.of(new double[1][5])) {
      Activations a = data.a();
      Coefficients y = data.y();
      Features z = data.z();
      Statistics s = data.s();
      requireRefused(
          "coefficients is of shape [2, 4]", () -> backend.denseStatistics(a, fewTokens, s));
      requireRefused("statistics is of shape [2, 2]", () -> backend.denseStatistics(a, y, small));
      requireRefused("statistics is of shape [3, 3]", () -> backend.ridgeSolve(wide, 1, z));
      requireRefused("statistics is of shape [3, 2]", () -> backend.ridgeSolve(s, 1, fewNeurons));
      requireRefused(
          "factors is of length 3 but must be of length 2",
          () -> backend.scaleColumns(z, new double[3]));
      requireRefused(
          "row scale is of length 1 but must be of length 2",
          () -> backend.pass(a, z, RULE, y, new double[] {1}, null, y, Refresh.NONE, null));
      requireRefused(
          "features is of shape [2, 2]",
          () -> backend.pass(a, fewNeurons, RULE, y, null, null, y, Refresh.NONE, null));
      requireRefused(
          "features is of shape [3, 2]",
          () -> backend.pass(a, z, RULE, highRank, null, null, highRank, Refresh.NONE, null));
      requireRefused(
          "coefficients is of shape [3, 5]",
          () -> backend.pass(a, z, RULE, y, null, null, highRank, Refresh.NONE, null));
      requireRefused(
          "statistics is of shape [3, 3]",
          () -> backend.pass(a, z, RULE, y, null, null, y, Refresh.DENSE, wide));
      requireRefused(
          "statistics is null but must be given to refresh GRAM",
          () -> backend.pass(a, z, RULE, y, null, null, y, Refresh.GRAM, null));
      requireRefused(
          "coefficients is of shape [2, 4]", () -> momentum(data, new Momentum(fewTokens, 0.5)));
      requireRefused(
          "momentum is of shape [3, 5]", () -> momentum(data, new Momentum(highRank, 0.5)));
      requireRefused("statistics is of shape [3, 3]", () -> backend.sweepColumns(wide, z, 1, 0));
      requireRefused("statistics is of shape [2, 2]", () -> backend.refit(small, z, 0));
      requireRefused("coefficients is of shape [2, 4]", () -> backend.project(a, z, fewTokens));
      requireRefused("features is of shape [3, 1]", () -> backend.residual(a, lowRank, y));
      requireRefused("coefficients is of shape [1, 5]", () -> y.upload(flat));
      requireRefused("features is of shape [1, 5]", () -> z.upload(flat));
    }
  }

  @Test
  void wrongShapesOfSubspacesAreRefused() {
    try (OneOfEach data = OneOfEach.on(backend);
        Features basis = backend.newFeatures(3, 2);
        Features tall = backend.newFeatures(4, 2);
        Features right = backend.newFeatures(2, 2);
        Features wide = backend.newFeatures(2, 5);
        Features result = backend.newFeatures(3, 2);
        Statistics s = backend.newStatistics(2, 2);
        Statistics large = backend.newStatistics(3, 3)) {
      requireRefused(
          "right is of shape [3, 2] but must be of shape [2, 2]",
          () -> backend.multiply(basis, data.z(), result));
      requireRefused(
          "result is of shape [3, 2] but must be of shape [3, 5]",
          () -> backend.multiply(basis, wide, result));
      requireRefused(
          "result is of shape [4, 2] but must be of shape [3, 2]",
          () -> backend.multiply(basis, right, tall));
      requireRefused("result is one of the factors", () -> backend.multiply(right, right, right));
      requireRefused("result is one of the factors", () -> backend.multiply(basis, right, basis));
      requireRefused(
          "basis is of shape [4, 2] but must be of shape [3, 2]",
          () -> backend.compress(data.a(), tall));
      requireRefused(
          "basis is of shape [2, 5] but must be of shape [3, 5]",
          () -> backend.compress(data.a(), wide));
      requireRefused(
          "statistics is of shape [3, 2] but must be of shape [2, 2]",
          () -> backend.expand(basis, data.s(), data.s()));
      requireRefused(
          "statistics is of shape [3, 3] but must be of shape [3, 2]",
          () -> backend.expand(basis, s, large));
      requireRefused(
          "statistics is of shape [3, 2] but must be of shape [4, 2]",
          () -> backend.expand(tall, s, data.s()));
      requireRefused("result is the coordinates", () -> backend.expand(right, s, s));
    }
  }

  @Test
  void closedAndForeignSubspacesAreRefused() {
    Features closed = backend.newFeatures(3, 2);
    Statistics closedStatistics = backend.newStatistics(2, 2);
    closed.close();
    closedStatistics.close();
    try (OneOfEach data = OneOfEach.on(backend);
        Features basis = backend.newFeatures(3, 2);
        Features right = backend.newFeatures(2, 2);
        Statistics s = backend.newStatistics(2, 2);
        Backend other = open(1);
        OneOfEach strange = OneOfEach.on(other)) {
      Features z = data.z();
      Features stranger = strange.z();
      requireClosed("features", () -> backend.orthonormalize(closed));
      requireClosed("left", () -> backend.multiply(closed, right, z));
      requireClosed("right", () -> backend.multiply(basis, closed, z));
      requireClosed("result", () -> backend.multiply(basis, right, closed));
      requireClosed("basis", () -> backend.compress(data.a(), closed));
      requireClosed("basis", () -> backend.expand(closed, s, data.s()));
      requireClosed("statistics", () -> backend.expand(basis, closedStatistics, data.s()));
      requireClosed("statistics", () -> backend.expand(right, s, closedStatistics));
      requireForeign("features", () -> backend.orthonormalize(stranger));
      requireForeign("left", () -> backend.multiply(stranger, right, z));
      requireForeign("right", () -> backend.multiply(basis, stranger, z));
      requireForeign("result", () -> backend.multiply(basis, right, stranger));
      requireForeign("activations", () -> backend.compress(strange.a(), basis));
      requireForeign("basis", () -> backend.compress(data.a(), stranger));
      requireForeign("basis", () -> backend.expand(stranger, s, data.s()));
      requireForeign("statistics", () -> backend.expand(basis, strange.s(), data.s()));
      requireForeign("statistics", () -> backend.expand(basis, s, strange.s()));
      Activations compressed = backend.compress(data.a(), basis);
      Activations sample = backend.sample(compressed, 1);
      compressed.close();
      requireClosed("activations", () -> backend.compress(compressed, right));
      requireClosed("activations", () -> backend.compress(sample, right));
    }
  }

  private static void requireClosed(String name, Executable call) {
    assertEquals(
        name + " are closed", assertThrowsExactly(ClosedException.class, call).getMessage());
  }

  private static void requireForeign(String name, Executable call) {
    requireRefused(name + " is of another backend but must be of this backend", call);
  }

  private void momentum(OneOfEach data, Momentum momentum) {
    backend.pass(data.a(), data.z(), RULE, data.y(), null, momentum, data.y(), Refresh.NONE, null);
  }

  @Test
  void momentumIsRefusedWhereItCannotWork() {
    try (OneOfEach data = OneOfEach.on(backend);
        Backend other = open(1);
        Coefficients stranger = other.newCoefficients(2, 5)) {
      Coefficients y = data.y();
      Momentum own = new Momentum(y, 0.5);
      double[] ones = {1, 1};
      requireRefused(
          "row scale is given but must be null with momentum",
          () -> backend.pass(data.a(), data.z(), RULE, y, ones, own, y, Refresh.NONE, null));
      requireRefused(
          "coefficients is of another backend", () -> momentum(data, new Momentum(stranger, 0.5)));
      Coefficients closed = backend.newCoefficients(2, 5);
      closed.close();
      assertThrowsExactly(ClosedException.class, () -> momentum(data, new Momentum(closed, 0.5)));
      for (double beta : new double[] {-0.1, 1.1, Double.NaN}) {
        requireRefused(
            "beta is " + beta + " but must be between 0 and 1", () -> new Momentum(y, beta));
      }
    }
  }

  @Test
  void argumentsOfTheFeatureStepsOutsideTheirLimitsAreRefused() {
    try (OneOfEach data = OneOfEach.on(backend)) {
      Features z = data.z();
      Statistics s = data.s();
      for (int keep : new int[] {0, 4}) {
        requireRefused(
            "keep is " + keep + " but must be between 1 and 3",
            () -> backend.sweepColumns(s, z, keep, 0));
      }
      for (double penalty : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
        String message = "penalty is " + penalty + " but must be finite and not negative";
        requireRefused(message, () -> backend.sweepColumns(s, z, 1, penalty));
        requireRefused(message, () -> backend.refit(s, z, penalty));
        requireRefused(message, () -> new UpdateRule.Hals(1, 0, penalty));
      }
      for (double relaxation : new double[] {0.99, 2, Double.NaN}) {
        String message = "relaxation is " + relaxation + " but must be at least 1 and below 2";
        requireRefused(message, () -> backend.refit(s, z, 0, relaxation));
        requireRefused(message, () -> new UpdateRule.Hals(1, 0, 0, relaxation));
      }
      for (int stride : new int[] {0, -1}) {
        requireRefused(
            "stride is " + stride + " but must be", () -> backend.sample(data.a(), stride));
      }
    }
  }

  @Test
  void argumentsOutsideTheirLimitsAreRefused() {
    try (OneOfEach data = OneOfEach.on(backend)) {
      Features z = data.z();
      requireRefused("keep is 0 but must be between 1 and 3", () -> backend.winnerTakeAll(z, 0));
      requireRefused("keep is 4 but must be between 1 and 3", () -> backend.winnerTakeAll(z, 4));
      for (double ridge : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
        requireRefused(
            "ridge is " + ridge + " but must be positive and finite",
            () -> backend.ridgeSolve(data.s(), ridge, z));
      }
      for (double factor : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
        requireRefused(
            "factor is " + factor + " but must be finite",
            () -> backend.scaleColumns(z, new double[] {1, factor}));
      }
      for (double scale : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
        Coefficients y = data.y();
        requireRefused(
            "row scale is " + scale + " but must be positive and finite",
            () ->
                backend.pass(
                    data.a(), z, RULE, y, new double[] {1, scale}, null, y, Refresh.NONE, null));
      }
      try (Matrix matrix = Matrix.of(new double[2][3])) {
        requireRefused(
            "column is 3 but must be between 0 and 2",
            () -> backend.pack(matrix, new long[] {0, 3}));
        requireRefused(
            "column is -1 but must be between 0 and 2",
            () -> backend.pack(matrix, new long[] {-1}));
        requireRefused("number of columns is 0", () -> backend.pack(matrix, new long[0]));
      }
      requireRefused("rank is 0 but must be", () -> backend.newCoefficients(0, 5));
      requireRefused("tokens is 0 but must be", () -> backend.newCoefficients(1, 0));
      requireRefused("tokens is -1 but must be", () -> backend.newCoefficients(1, -1));
      requireRefused("neurons is 0 but must be", () -> backend.newFeatures(0, 1));
      requireRefused("rank is 0 but must be", () -> backend.newFeatures(1, 0));
      requireRefused("neurons is 0 but must be", () -> backend.newStatistics(0, 1));
      requireRefused("rank is 16385 but must be", () -> backend.newStatistics(1, 16_385));
    }
  }

  private static void requireRefused(String message, Executable call) {
    String thrown = assertThrowsExactly(InvalidArgumentException.class, call).getMessage();
    assertTrue(thrown.startsWith(message), () -> thrown + " should start: " + message);
  }
}
