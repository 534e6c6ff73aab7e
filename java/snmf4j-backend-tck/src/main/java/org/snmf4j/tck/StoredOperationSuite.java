package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;

/**
 * Every operation that reads A, on each precision. The values are exact in their precision and
 * products are not rounded to it, so the tolerances are those of the backend's arithmetic.
 */
abstract class StoredOperationSuite extends PassChecks {
  /** Sparse and dense features, whole panels and part of one, rows in all remainders of tiles. */
  static Stream<Instance> instances() {
    return Arrays.stream(Precision.values())
        .flatMap(
            precision ->
                Stream.of(
                        new Instance(5, 63, 2, 1),
                        new Instance(17, 65, 7, 1),
                        new Instance(128, 64, 33, 0.3),
                        new Instance(300, 130, 16, 0.05))
                    .map(instance -> instance.in(precision)));
  }

  @ParameterizedTest
  @MethodSource("instances")
  void passes(Instance instance) {
    requireMultiplicativeStep(instance, Reading.PLAIN);
    requireHalsSweeps(instance, Reading.PLAIN, 0);
    requireHalsSweeps(instance, Reading.PLAIN, instance.penalty(0.03));
  }

  @ParameterizedTest
  @MethodSource("instances")
  void productsAndTheResidual(Instance instance) {
    double[][] transposed = Plain.transpose(instance.z);
    double loss = Plain.loss(instance.a, instance.z, instance.y);
    double scale =
        Plain.squaredNorm(instance.a) + Plain.squaredNorm(Plain.times(instance.z, instance.y));
    try (Activations a = pack(instance);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y);
        Coefficients p = backend.newCoefficients(instance.rank, instance.tokens);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      backend.project(a, z, p);
      Tolerance.requireNear(
          "P",
          Plain.times(transposed, instance.a),
          take(p.download()),
          Plain.times(Plain.abs(transposed), Plain.abs(instance.a)),
          tolerance);
      backend.denseStatistics(a, y, s);
      ProductSuite.requireStatistics(instance.a, instance.y, s, tolerance);
      Tolerance.requireNear("residual", loss, backend.residual(a, z, y), scale, tolerance);
    }
  }

  /** The loss ‖A‖² − 2⟨P,Y⟩ + ⟨Q,G⟩ is that of the rounded A, from the given one on. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void theGramLossIsTheResidualOfWhatIsStored(Precision precision) {
    Instance instance = new Instance(128, 1000, 16, 0.05);
    double[][] stored = Rounding.of(instance.a, precision);
    try (Activations a = pack(instance.a, precision);
        Features z = features(instance.z);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      for (int step = 0; step < 3; step++) {
        PassResult sums = backend.pass(a, z, TWO_SWEEPS, y, null, null, y, Refresh.SUPPORT, s);
        double residual = Plain.loss(stored, instance.z, take(y.download()));
        double scale = a.squaredNorm() + 2 * Math.abs(sums.cross()) + sums.quadratic();
        Tolerance.requireNear("loss", residual, sums.loss(a.squaredNorm()), scale, tolerance);
        Tolerance.requireNear("residual", residual, backend.residual(a, z, y), scale, tolerance);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void samplesAreReadInTheirPrecision(Precision precision) {
    Instance instance = new Instance(128, 320, 16, 0.05).in(precision);
    int[] tokens = IntStream.range(0, 192).map(t -> t / 64 * 128 + t % 64).toArray();
    double[][] values = SampleSuite.select(instance.a, tokens);
    double[][] start = SampleSuite.select(instance.y, tokens);
    try (Activations a = pack(instance);
        Activations sample = backend.sample(a, 2);
        Coefficients y = coefficients(start);
        Features z = features(instance.z);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      assertEquals(precision, sample.precision());
      double norm = Plain.squaredNorm(values);
      Tolerance.requireNear("squared norm", norm, sample.squaredNorm(), norm, tolerance);
      backend.denseStatistics(sample, y, s);
      ProductSuite.requireStatistics(values, start, s, tolerance);
      double residual = Plain.loss(values, instance.z, start);
      double scale = Plain.objectiveScale(values, instance.z, start, 0);
      Tolerance.requireNear("residual", residual, backend.residual(sample, z, y), scale, tolerance);
    }
  }
}
