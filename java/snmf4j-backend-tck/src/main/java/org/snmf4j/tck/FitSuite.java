package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.Initialization;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Precision;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Whole fits and encodings, against the pure-Java backend and exact solutions. */
abstract class FitSuite extends Suite {
  static Stream<Initialization> starts() {
    return Stream.of(Initialization.random(), Initialization.svd(), Initialization.kMeans());
  }

  private static SnmfOptions.Builder options(Instance instance) {
    return SnmfOptions.builder(instance.rank)
        .solver(Solver.MULTIPLICATIVE)
        .featureDensity((double) instance.keep / instance.neurons)
        .seed(5);
  }

  @ParameterizedTest
  @MethodSource("starts")
  void lossesAreThoseOfTheJavaBackend(Initialization start) {
    // Planted data: where a fit has structure to find, rounding does not decide what it finds.
    Instance instance = new Instance(128, 260, 7, 0.3);
    double[][] planted = Plain.times(instance.z, instance.y);
    for (int i = 0; i < planted.length; i++) {
      for (int t = 0; t < planted[i].length; t++) {
        planted[i][t] += 0.1 * instance.a[i][t];
      }
    }
    SnmfOptions options = options(instance).initialization(start).maxIterations(5).build();
    try (Backend java = Backends.open("java", new BackendConfig(1));
        Matrix a = Matrix.of(planted);
        SnmfModel expected = Snmf.fit(a, options, java);
        SnmfModel actual = Snmf.fit(a, options, backend)) {
      double allowed = backend.elementType() == ElementType.FLOAT32 ? 1e-3 : 1e-8;
      for (int i = 0; i < 5; i++) {
        double loss = expected.report().losses()[i];
        assertEquals(loss, actual.report().losses()[i], allowed * loss, "iteration " + (i + 1));
      }
      assertEquals(backend.name(), actual.report().backend());
    }
  }

  /** The closed form: float32 leaves it 1e-5 of ‖A‖², a hundred times its resolution. */
  @Test
  void denseFeaturesReachTheLossOfTheJavaBackend() {
    Instance instance = new Instance(70, 333, 9, 1);
    double[][] shifted = instance.a;
    for (double[] row : shifted) {
      for (int t = 0; t < row.length; t++) {
        row[t] += 2;
      }
    }
    SnmfOptions options =
        SnmfOptions.builder(9).solver(Solver.ALS).featureDensity(1).coefficientPenalty(0).build();
    try (Backend java = Backends.open("java", new BackendConfig(1));
        Matrix a = Matrix.of(shifted);
        SnmfModel expected = Snmf.fit(a, options, java);
        SnmfModel actual = Snmf.fit(a, options, backend)) {
      double[][] y = actual.coefficients().toArray();
      for (double[] row : y) {
        for (double value : row) {
          assertTrue(value >= 0);
        }
      }
      double allowed = backend.elementType() == ElementType.FLOAT32 ? 1e-5 : 1e-9;
      double norm = expected.report().squaredNorm();
      assertEquals(expected.report().loss(), actual.report().loss(), allowed * norm);
      double loss = Plain.loss(shifted, actual.features().toArray(), y);
      assertEquals(loss, actual.report().loss(), allowed * norm);
      assertEquals(1, expected.report().iterations(), "no iterations");
      assertEquals(1, actual.report().iterations(), "no iterations");
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void theReportedLossIsThatOfTheModel(Initialization start) {
    Instance instance = new Instance(128, 260, 16, 0.3);
    SnmfOptions options = options(instance).initialization(start).maxIterations(30).build();
    try (Matrix a = Matrix.of(instance.a);
        SnmfModel model = Snmf.fit(a, options, backend)) {
      double loss =
          Plain.loss(instance.a, model.features().toArray(), model.coefficients().toArray());
      assertEquals(loss, model.report().loss(), 10 * tolerance * model.report().squaredNorm());
      for (double other : model.report().losses()) {
        assertTrue(model.report().loss() <= other, "a better iterate was not kept");
      }
      for (int j = 0; j < model.rank(); j++) {
        assertTrue(model.support(j).length <= instance.keep, "feature " + j + " is too dense");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 300})
  void encodingIsNonNegativeLeastSquares(int tokens) {
    Instance instance = new Instance(128, 260, 16, 0.3);
    Instance fresh = new Instance(128, tokens, 1, 1);
    try (Matrix a = Matrix.of(instance.a);
        Matrix unseen = Matrix.of(fresh.a);
        SnmfModel model = Snmf.fit(a, options(instance).maxIterations(20).build(), backend)) {
      double[][] z = model.features().toArray();
      double[][] y = take(model.encode(unseen, backend));
      double[][] transposed = Plain.transpose(z);
      double[][] exact =
          LawsonHanson.solve(Plain.times(transposed, z), Plain.times(transposed, fresh.a));
      for (int t = 0; t < tokens; t++) {
        for (double[] row : y) {
          assertTrue(row[t] >= 0, "a coefficient is negative");
        }
        LeastSquaresSuite.requireObjective(fresh.a, z, exact, y, t);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e200, 1e120, 1e30})
  void activationsBeyondTheArithmeticFailInsteadOfGivingNonsense(double scale) {
    Instance instance = new Instance(17, 65, 2, 1);
    double[][] huge = new double[17][65];
    for (int i = 0; i < 17; i++) {
      for (int t = 0; t < 65; t++) {
        huge[i][t] = instance.a[i][t] * scale;
      }
    }
    try (Matrix a = Matrix.of(huge)) {
      starts()
          .forEach(
              start -> {
                SnmfOptions options =
                    options(instance).initialization(start).maxIterations(3).build();
                try (SnmfModel model = Snmf.fit(a, options, backend)) {
                  assertTrue(Double.isFinite(model.report().loss()), "the loss is not finite");
                  assertFinite(model.features());
                  assertFinite(model.coefficients());
                } catch (SnmfException e) {
                  assertTrue(e.getMessage().length() > 20, e::getMessage);
                }
              });
    }
  }

  static Stream<Arguments> storedFits() {
    return Arrays.stream(Solver.values())
        .flatMap(
            solver ->
                Stream.of(Precision.FP16, Precision.BF16)
                    .map(precision -> Arguments.of(solver, precision)));
  }

  /** Features of few neurons with signs, coefficients of which a fifth is not zero, and noise. */
  private static double[][] planted(int d, int n, int k, double density) {
    SplittableRandom random = new SplittableRandom(17);
    double[][] z = new double[d][k];
    double[][] y = new double[k][n];
    for (int j = 0; j < k; j++) {
      for (int e = 0; e < density * d; e++) {
        z[random.nextInt(d)][j] = (random.nextBoolean() ? 1 : -1) * random.nextDouble(0.5, 1.5);
      }
      for (int t = 0; t < n; t++) {
        y[j][t] = random.nextInt(5) == 0 ? random.nextDouble(0.5, 1.5) : 0;
      }
    }
    double[][] a = Plain.times(z, y);
    for (double[] row : a) {
      for (int t = 0; t < n; t++) {
        row[t] = (float) (row[t] + 0.05 * random.nextGaussian());
      }
    }
    return a;
  }

  /** Planted data, so that the fits find the same features and only rounding tells them apart. */
  @ParameterizedTest
  @MethodSource("storedFits")
  void sixteenBitsLoseNothingThatMatters(Solver solver, Precision precision) {
    double[][] planted = planted(128, 260, 6, 0.1);
    SnmfOptions.Builder options =
        SnmfOptions.builder(6).featureDensity(0.1).solver(solver).maxIterations(100);
    try (Matrix a = Matrix.of(planted);
        SnmfModel expected = Snmf.fit(a, options.build(), backend);
        SnmfModel actual = Snmf.fit(a, options.precision(precision).build(), backend)) {
      assertEquals(Precision.FP32, expected.report().precision());
      assertEquals(precision, actual.report().precision());
      double loss = expected.report().relativeLoss();
      assertEquals(loss, actual.report().relativeLoss(), 0.002 * loss);
      // The same of the activations as they were given: bf16 errs by 2⁻⁹ of each at most,
      // 4e-6 of ‖A‖², a thousandth of what the noise leaves unexplained.
      double[][] z = actual.features().toArray();
      double[][] y = actual.coefficients().toArray();
      double norm = Plain.squaredNorm(planted);
      assertEquals(loss, Plain.loss(planted, z, y) / norm, 0.002 * loss);
      double stored = Plain.squaredNorm(Rounding.of(planted, precision));
      assertEquals(stored, actual.report().squaredNorm(), tolerance * stored);
    }
  }

  private static void assertFinite(Matrix matrix) {
    try {
      matrix.requireFinite("factor");
    } catch (NonFiniteValueException e) {
      throw new AssertionError("the model holds nonsense", e);
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void cancellationLeavesNothingBehind(Initialization start) {
    Instance instance = new Instance(17, 65, 7, 0.3);
    long bytes = backend.memory().current();
    try (Matrix a = Matrix.of(instance.a)) {
      long matrices = Matrix.liveBytes();
      for (int patience : new int[] {0, 1, 3, 12}) {
        AtomicInteger asked = new AtomicInteger();
        SnmfOptions options =
            options(instance)
                .initialization(start)
                .cancellation(() -> asked.getAndIncrement() >= patience)
                .build();
        assertThrows(CancelledException.class, () -> Snmf.fit(a, options, backend));
        assertEquals(bytes, backend.memory().current(), "bytes held after a cancelled fit");
        assertEquals(matrices, Matrix.liveBytes(), "bytes of matrices after a cancelled fit");
      }
    }
  }

  @Test
  void concurrentFitsEqualLonelyOnes() throws Exception {
    Instance instance = new Instance(128, 260, 7, 0.3);
    ExecutorService pool = Executors.newFixedThreadPool(2);
    try (Matrix a = Matrix.of(instance.a)) {
      Callable<double[]> first = () -> losses(a, 1);
      Callable<double[]> second = () -> losses(a, 2);
      double[] firstAlone = first.call();
      double[] secondAlone = second.call();
      List<Future<double[]>> done = pool.invokeAll(List.of(first, second));
      org.junit.jupiter.api.Assertions.assertArrayEquals(firstAlone, done.get(0).get(), 0.0);
      org.junit.jupiter.api.Assertions.assertArrayEquals(secondAlone, done.get(1).get(), 0.0);
    } finally {
      pool.shutdown();
    }
  }

  private double[] losses(Matrix a, long seed) {
    SnmfOptions options =
        SnmfOptions.builder(7).featureDensity(0.3).seed(seed).maxIterations(15).build();
    try (SnmfModel model = Snmf.fit(a, options, backend)) {
      return model.report().losses();
    }
  }
}
