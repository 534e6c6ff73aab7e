package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.matrix.Matrix;

/** Samples of activations, which may share their memory. */
abstract class SampleSuite extends Suite {
  private static final int PANEL = 64;

  /** The tokens of every stride-th full panel, or all if there is not even one. */
  private static int[] tokens(int n, int stride) {
    if (n < PANEL) {
      return IntStream.range(0, n).toArray();
    }
    return IntStream.range(0, n / PANEL * PANEL)
        .filter(token -> token / PANEL % stride == 0)
        .toArray();
  }

  static double[][] select(double[][] values, int[] tokens) {
    return Arrays.stream(values)
        .map(row -> Arrays.stream(tokens).mapToDouble(token -> row[token]).toArray())
        .toArray(double[][]::new);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 127, 128, 129, 640, 641, 1000})
  void aSampleHoldsEveryStridethPanel(int n) {
    Instance instance = new Instance(17, n, 1, 1);
    try (Activations a = pack(instance.a)) {
      for (int stride : new int[] {1, 2, 3, 4, 7, 9, 10, 16, 1000, Integer.MAX_VALUE}) {
        try (Activations sample = backend.sample(a, stride)) {
          requireTokens(select(instance.a, tokens(n, stride)), sample);
        }
      }
      requireTokens(instance.a, a);
    }
  }

  /** Features that are single neurons read the activations back, exactly. */
  private void requireTokens(double[][] expected, Activations actual) {
    int d = expected.length;
    double[][] identity = new double[d][d];
    for (int i = 0; i < d; i++) {
      identity[i][i] = 1;
    }
    assertEquals(d, actual.neurons());
    assertEquals(expected[0].length, actual.tokens());
    double norm = Plain.squaredNorm(expected);
    Tolerance.requireNear("squared norm", norm, actual.squaredNorm(), norm, tolerance);
    try (Features z = features(identity);
        Coefficients read = backend.newCoefficients(d, actual.tokens())) {
      backend.project(actual, z, read);
      assertTrue(Arrays.deepEquals(expected, take(read.download())));
    }
  }

  @Test
  void aSampleMayBeSampledAgain() {
    Instance instance = new Instance(17, 1000, 1, 1);
    double[][] once = select(instance.a, tokens(1000, 2));
    Activations a = pack(instance.a);
    Activations sample = backend.sample(a, 2);
    Activations second = backend.sample(sample, 3);
    requireTokens(select(once, tokens(once[0].length, 3)), second);
    a.close();
    for (Activations view : new Activations[] {sample, second}) {
      assertThrowsExactly(ClosedException.class, () -> backend.sample(view, 1));
      view.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void everyOperationTakesSamples(int stride) {
    Instance instance = new Instance(128, 1000, 16, 0.3);
    int[] tokens = tokens(1000, stride);
    double[][] values = select(instance.a, tokens);
    double[][] start = select(instance.y, tokens);
    UpdateRule rule = new UpdateRule.Hals(2, 0);
    try (Activations a = pack(instance.a);
        Activations sample = backend.sample(a, stride);
        Activations packed = pack(values);
        Features z = features(instance.z);
        Coefficients y = coefficients(start);
        Coefficients result = backend.newCoefficients(16, tokens.length);
        Coefficients expected = backend.newCoefficients(16, tokens.length);
        Statistics s = backend.newStatistics(128, 16)) {
      backend.denseStatistics(sample, y, s);
      ProductSuite.requireStatistics(values, start, s, tolerance);
      double residual = Plain.loss(values, instance.z, start);
      double scale = Plain.objectiveScale(values, instance.z, start, 0);
      Tolerance.requireNear("residual", residual, backend.residual(sample, z, y), scale, tolerance);
      backend.pass(packed, z, rule, y, null, null, expected, Refresh.NONE, null);
      backend.pass(sample, z, rule, y, null, null, result, Refresh.DENSE, s);
      double[][] updated = take(result.download());
      assertEquals(0, Tolerance.relativeError(take(expected.download()), updated), 20 * tolerance);
      ProductSuite.requireStatistics(values, updated, s, tolerance);
    }
  }

  @Test
  void aSampleCostsNoMoreMemoryThanItsElements() {
    Instance instance = new Instance(17, 1000, 1, 1);
    try (Activations a = pack(instance.a)) {
      backend.sample(a, 3).close();
      long before = backend.memory().current();
      Activations sample = backend.sample(a, 3);
      long grown = backend.memory().current() - before;
      long elements = sample.neurons() * sample.tokens();
      assertTrue(grown <= elements * Double.BYTES, grown + " bytes for " + elements + " elements");
      sample.close();
      sample.close();
      assertEquals(before, backend.memory().current(), "bytes held after the sample");
      requireTokens(instance.a, a);
    }
  }

  @Test
  void aSampleEndsWithItsActivations() {
    Instance instance = new Instance(17, 1000, 1, 1);
    Activations a = pack(instance.a);
    Activations other = pack(instance.a);
    Activations sample = backend.sample(a, 3);
    Activations kept = backend.sample(other, 3);
    a.close();
    try (Coefficients y = backend.newCoefficients(1, sample.tokens());
        Statistics s = backend.newStatistics(17, 1)) {
      assertEquals(
          "activations are closed",
          assertThrowsExactly(ClosedException.class, () -> backend.denseStatistics(sample, y, s))
              .getMessage());
      assertThrowsExactly(ClosedException.class, () -> backend.sample(sample, 1));
      assertThrowsExactly(ClosedException.class, () -> backend.sample(a, 1));
      backend.denseStatistics(kept, y, s);
    }
    sample.close();
    kept.close();
    other.close();
  }

  @Test
  void aBackendClosesWithOpenSamples() {
    Instance instance = new Instance(17, 1000, 1, 1);
    Backend other = open(1);
    try (Matrix matrix = Matrix.of(instance.a)) {
      Activations a = other.pack(matrix);
      Activations sample = other.sample(a, 2);
      other.close();
      assertThrowsExactly(ClosedException.class, () -> other.sample(sample, 2));
      sample.close();
      a.close();
    }
  }

  @Test
  void samplesOfSamplesThatAreClosedLeaveTheRestAlone() {
    Instance instance = new Instance(17, 1000, 1, 1);
    try (Activations a = pack(instance.a)) {
      Activations sample = backend.sample(a, 2);
      Activations second = backend.sample(sample, 2);
      Activations sibling = backend.sample(a, 5);
      sample.close();
      assertThrowsExactly(ClosedException.class, () -> backend.sample(second, 1));
      requireTokens(select(instance.a, tokens(1000, 5)), sibling);
      sibling.close();
    }
  }
}
