package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.MemoryUse;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;

/**
 * One subject's tests. The backend is opened once and used on a problem as large as any that
 * follows, so that its workspaces, which it may keep, have their size; after every test it must
 * hold as many bytes as before.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class Suite {
  Backend backend;
  double tolerance;
  private long heldBefore;

  /**
   * No problem of the suite is larger than the first or has more tokens than the last; made once.
   */
  private static final class Largest {
    static final List<Instance> INSTANCES =
        List.of(new Instance(300, 1000, 100, 1), new Instance(40, 2500, 16, 1));
  }

  abstract Backend open(int threads);

  @BeforeAll
  final void openBackend() {
    backend = open(2);
    tolerance = Tolerance.of(backend.elementType());
    warmUp(backend);
  }

  static void warmUp(Backend backend) {
    Largest.INSTANCES.forEach(instance -> warmUp(backend, instance));
  }

  private static void warmUp(Backend backend, Instance largest) {
    try (Matrix values = Matrix.of(largest.a);
        Activations a = backend.pack(values);
        Features z = features(backend, largest.z);
        Coefficients y = coefficients(backend, largest.y);
        Coefficients p = backend.newCoefficients(largest.rank, largest.tokens);
        Statistics s = backend.newStatistics(largest.neurons, largest.rank)) {
      backend.pass(a, z, new UpdateRule.Multiplicative(1e-6), y, null, null, p, Refresh.DENSE, s);
      UpdateRule hals = new UpdateRule.Hals(1, 1e-6, 1);
      backend.pass(a, z, hals, y, null, new Momentum(y, 0.5), p, Refresh.NONE, null);
      backend.pass(a, z, hals, y, null, null, p, Refresh.GRAM, s);
      backend.pass(a, z, hals, y, null, null, p, Refresh.SUPPORT, s);
      backend.project(a, z, p);
      try (Activations narrow = backend.pack(values, Precision.BF16)) {
        backend.project(narrow, z, p);
      }
      backend.residual(a, z, y);
      backend.denseStatistics(a, y, s);
      backend.ridgeSolve(s, 1e-6, z);
      backend.refit(s, z, 1);
      backend.winnerTakeAll(z, 3);
      backend.sweepColumns(s, z, largest.neurons, 1);
      backend.orthonormalize(z);
      backend.compress(a, z).close();
      backend.scaleColumns(z, new double[largest.rank]);
      backend.revive(a, s, z, y, 3);
    }
  }

  @AfterAll
  final void closeBackend() {
    if (backend != null) {
      backend.close();
    }
  }

  @BeforeEach
  final void countBytes() {
    heldBefore = backend.memory().current();
  }

  @AfterEach
  final void nothingIsLeftBehind() {
    MemoryUse memory = backend.memory();
    assertEquals(heldBefore, memory.current(), "bytes held after the test");
    assertTrue(memory.peak() >= memory.current(), () -> "peak below what is held: " + memory);
  }

  final Activations pack(double[][] values) {
    try (Matrix matrix = Matrix.of(values)) {
      return backend.pack(matrix);
    }
  }

  final Activations pack(Instance instance) {
    return pack(instance.a, instance.precision);
  }

  final Activations pack(double[][] values, Precision precision) {
    try (Matrix matrix = Matrix.of(values)) {
      return backend.pack(matrix, precision);
    }
  }

  final Features features(double[][] values) {
    return features(backend, values);
  }

  static Features features(Backend backend, double[][] values) {
    Features features = backend.newFeatures(values.length, values[0].length);
    try (Matrix matrix = Matrix.of(values)) {
      features.upload(matrix);
    }
    return features;
  }

  final Coefficients coefficients(double[][] values) {
    return coefficients(backend, values);
  }

  static Coefficients coefficients(Backend backend, double[][] values) {
    Coefficients coefficients = backend.newCoefficients(values.length, values[0].length);
    try (Matrix matrix = Matrix.of(values)) {
      coefficients.upload(matrix);
    }
    return coefficients;
  }

  /** The elements of a matrix that the test owns. */
  static double[][] take(Matrix matrix) {
    try (matrix) {
      return matrix.toArray();
    }
  }
}
