package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.Refresh;

/** Passes that read max(0, Y + β(Y − before)). */
abstract class MomentumSuite extends PassChecks {
  static Stream<Instance> small() {
    return Instance.shapes().filter(instance -> instance.tokens <= 65);
  }

  @ParameterizedTest
  @MethodSource("small")
  void sweepsStartBeyondTheCoefficients(Instance instance) {
    requireHalsSweeps(instance, new Reading(null, before(instance), 0.3), 0);
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void sweepsStartBeyondTheCoefficientsAtEveryDensity(Instance instance) {
    for (double beta : new double[] {0, 0.9, 1}) {
      requireHalsSweeps(instance, new Reading(null, before(instance), beta), 0);
    }
    requireHalsSweeps(instance, new Reading(null, before(instance), 0.5), instance.penalty(0.05));
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void multiplicativeStepsStartBeyondTheCoefficients(Instance instance) {
    // With few digits the extrapolation is exact in float32: where it nearly cancels, its rounding
    // would be large against the coefficient that it leaves.
    double[][] before = before(instance);
    round(before);
    round(instance.y);
    for (double beta : new double[] {0, 0.5, 1}) {
      requireMultiplicativeStep(instance, new Reading(null, before, beta));
    }
  }

  private static void round(double[][] values) {
    for (double[] row : values) {
      Arrays.setAll(row, t -> Math.rint(row[t] * 4096) / 4096);
    }
  }

  /** Coefficients with other zeros than Y's, so that some extrapolate below zero. */
  private static double[][] before(Instance instance) {
    SplittableRandom random = new SplittableRandom(77);
    double[][] values = new double[instance.rank][instance.tokens];
    for (double[] row : values) {
      Arrays.setAll(row, t -> random.nextInt(4) == 0 ? 0 : (float) random.nextDouble());
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#densities")
  void nothingLeadsOnFromEqualCoefficients(Instance instance) {
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y);
        Coefficients plain = backend.newCoefficients(instance.rank, instance.tokens);
        Coefficients led = backend.newCoefficients(instance.rank, instance.tokens)) {
      backend.pass(a, z, TWO_SWEEPS, y, null, null, plain, Refresh.NONE, null);
      Momentum momentum = new Momentum(y, 0.7);
      backend.pass(a, z, TWO_SWEEPS, y, null, momentum, led, Refresh.NONE, null);
      assertTrue(Arrays.deepEquals(take(plain.download()), take(led.download())));
    }
  }
}
