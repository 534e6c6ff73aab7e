package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.Matrix;

class SnmfBadInputTest {
  private static Backend backend;
  private static Matrix good;

  @BeforeAll
  static void open() {
    backend = Backends.open("java", new BackendConfig(2));
    good = Planted.matrix(9, 70, 3, 1);
  }

  @AfterAll
  static void close() {
    backend.close();
    good.close();
  }

  private static SnmfOptions.Builder options(int rank) {
    return SnmfOptions.builder(rank).featureDensity(0.3).maxIterations(3).backend("java");
  }

  static Stream<Initialization> starts() {
    return Stream.of(Initialization.random(), Initialization.svd(), Initialization.kMeans());
  }

  /** The fit must fail with this exception and leave the backend as it was. */
  private static <E extends SnmfException> E requireFailure(
      Class<E> type, Matrix a, SnmfOptions options) {
    long bytes = backend.memory().current();
    long matrices = Matrix.liveBytes();
    final E thrown = assertThrowsExactly(type, () -> Snmf.fit(a, options, backend));
    assertEquals(bytes, backend.memory().current(), "bytes held by the backend");
    assertTrue(Matrix.liveBytes() <= matrices, "a matrix was left open");
    assertEquals(
        thrown.getMessage(),
        assertThrowsExactly(type, () -> Snmf.fit(a, options)).getMessage(),
        "on a backend of its own");
    return thrown;
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "8, 69", "0, 69", "8, 0", "4, 63", "4, 64", "7, 65"})
  void nonFiniteActivationsAreNamedInEveryLayout(int row, int column) {
    for (double value : new double[] {Double.NaN, 1 / 0.0, -1 / 0.0}) {
      double[][] values = Planted.activations(9, 70, 3, 1);
      values[row][column] = value;
      double[][] transposed = new double[70][9];
      for (int i = 0; i < 9; i++) {
        for (int t = 0; t < 70; t++) {
          transposed[t][i] = values[i][t];
        }
      }
      try (Matrix rows = Matrix.of(values);
          Matrix columns = Matrix.of(transposed)) {
        for (Matrix a : new Matrix[] {rows, columns.transpose()}) {
          NonFiniteValueException thrown =
              requireFailure(NonFiniteValueException.class, a, options(3).build());
          assertEquals(row, thrown.row());
          assertEquals(column, thrown.column());
          assertEquals(
              "activations holds %s at row %d, column %d but must be finite everywhere"
                  .formatted(value, row, column),
              thrown.getMessage());
        }
      }
    }
  }

  @Test
  void rankAboveTheSmallerSide() {
    assertEquals(
        "rank is 10 but must be between 1 and 9 (the smaller side of activations [9, 70])",
        requireFailure(InvalidArgumentException.class, good, options(10).build()).getMessage());
    assertEquals(
        "rank is 10 but must be between 1 and 9 (the smaller side of activations [70, 9])",
        requireFailure(InvalidArgumentException.class, good.transpose(), options(10).build())
            .getMessage());
  }

  @ParameterizedTest
  @MethodSource("starts")
  void allZeroActivations(Initialization start) {
    try (Matrix zero = Matrix.of(new double[5][7])) {
      assertEquals(
          "activations is all zero but must be nonzero somewhere",
          requireFailure(
                  InvalidArgumentException.class, zero, options(2).initialization(start).build())
              .getMessage());
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void activationsTooLargeToSquare(Initialization start) {
    double[][] values = Planted.activations(9, 70, 3, 1);
    for (double[] row : values) {
      for (int t = 0; t < row.length; t++) {
        row[t] *= 1e200;
      }
    }
    try (Matrix huge = Matrix.of(values)) {
      assertEquals(
          "activations is of squared norm Infinity but must be of finite squared norm; rescale"
              + " them",
          requireFailure(
                  InvalidArgumentException.class, huge, options(2).initialization(start).build())
              .getMessage());
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void activationsWhoseProductsOverflow(Initialization start) {
    double[][] values = Planted.activations(9, 70, 3, 1);
    for (double[] row : values) {
      for (int t = 0; t < row.length; t++) {
        row[t] *= 1e150;
      }
    }
    try (Matrix huge = Matrix.of(values);
        SnmfModel model = Snmf.fit(huge, options(2).initialization(start).build(), backend)) {
      model.features().requireFinite("features");
      model.coefficients().requireFinite("coefficients");
      assertTrue(Double.isFinite(model.report().relativeLoss()));
    } catch (SnmfException e) {
      // Refusing is right as well, as long as it is said in words.
      assertTrue(e.getMessage().length() > 20, e.getMessage());
    }
  }

  @Test
  void closedActivations() {
    Matrix closed = Planted.matrix(9, 70, 3, 1);
    closed.close();
    assertEquals(
        "the matrix is closed",
        requireFailure(ClosedException.class, closed, options(3).build()).getMessage());
  }

  @Test
  void unknownBackend() {
    assertEquals(
        "backend is gpu9 but must be auto or one on the class path: java, unavailable",
        assertThrowsExactly(
                InvalidArgumentException.class,
                () -> Snmf.fit(good, options(3).backend("gpu9").build()))
            .getMessage());
  }

  @Test
  void forcedBackendThatCannotRun() {
    assertEquals(
        "backend unavailable cannot run here: no such device; buy one",
        assertThrowsExactly(
                BackendUnavailableException.class,
                () -> Snmf.fit(good, options(3).backend("unavailable").build()))
            .getMessage());
  }

  @Test
  void closedBackend() {
    Backend closed = Backends.open("java", new BackendConfig(1));
    closed.close();
    assertEquals(
        "the backend java is closed",
        assertThrowsExactly(ClosedException.class, () -> Snmf.fit(good, options(3).build(), closed))
            .getMessage());
  }

  private static SnmfOptions startingFrom(Matrix coefficients) {
    return options(3).initialization(Initialization.coefficients(coefficients)).build();
  }

  @Test
  void initialCoefficientsOfAnotherShape() {
    for (int[] shape : new int[][] {{3, 69}, {2, 70}, {70, 3}}) {
      try (Matrix y = Matrix.of(new double[shape[0]][shape[1]])) {
        assertEquals(
            "initial coefficients is of shape [%d, %d] but must be of shape [rank, tokens] = [3, 70]"
                .formatted(shape[0], shape[1]),
            requireFailure(InvalidArgumentException.class, good, startingFrom(y)).getMessage());
      }
    }
  }

  @Test
  void negativeInitialCoefficients() {
    double[][] values = new double[3][70];
    values[2][65] = -0.5;
    try (Matrix y = Matrix.of(values)) {
      assertEquals(
          "initial coefficients is -0.5 at row 2, column 65 but must be non-negative everywhere",
          requireFailure(InvalidArgumentException.class, good, startingFrom(y)).getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void nonFiniteInitialCoefficients(double value) {
    double[][] values = new double[3][70];
    values[1][2] = value;
    try (Matrix y = Matrix.of(values)) {
      assertEquals(
          "initial coefficients holds "
              + value
              + " at row 1, column 2 but must be finite everywhere",
          requireFailure(NonFiniteValueException.class, good, startingFrom(y)).getMessage());
    }
  }

  @Test
  void closedInitialCoefficients() {
    Matrix closed = Matrix.of(new double[3][70]);
    closed.close();
    assertEquals(
        "the matrix is closed",
        requireFailure(ClosedException.class, good, startingFrom(closed)).getMessage());
  }

  /** Multiplied, zero stays zero. */
  @Test
  void allZeroInitialCoefficientsExplainNothing() {
    try (Matrix y = Matrix.of(new double[3][70])) {
      SnmfOptions options =
          options(3)
              .solver(Solver.MULTIPLICATIVE)
              .coefficientPenalty(0)
              .initialization(Initialization.coefficients(y))
              .build();
      try (SnmfModel model = Snmf.fit(good, options, backend)) {
        assertEquals(1, model.report().relativeLoss(), 1e-12);
        model.features().requireFinite("features");
        for (int j = 0; j < 3; j++) {
          assertEquals(0, model.statistics(j).maxCoefficient());
        }
      }
    }
  }

  @Test
  void leastSquaresRecoverFromAllZeroInitialCoefficients() {
    try (Matrix y = Matrix.of(new double[3][70])) {
      SnmfOptions options =
          options(3).maxIterations(60).initialization(Initialization.coefficients(y)).build();
      try (SnmfModel model = Snmf.fit(good, options, backend)) {
        assertTrue(model.report().relativeLoss() < 0.5, () -> "" + model.report().relativeLoss());
        model.features().requireFinite("features");
        assertEquals(0, model.statistics().deadFeatures());
      }
    }
  }
}
