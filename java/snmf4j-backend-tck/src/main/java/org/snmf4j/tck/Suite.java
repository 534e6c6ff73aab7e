package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import org.snmf4j.matrix.Matrix;

/**
 * One subject's tests. The backend is opened once; after every test it must hold as many bytes as
 * before.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class Suite {
  Backend backend;
  double tolerance;
  private long heldBefore;

  abstract Backend open(int threads);

  @BeforeAll
  final void openBackend() {
    backend = open(2);
    tolerance = Tolerance.of(backend.elementType());
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
