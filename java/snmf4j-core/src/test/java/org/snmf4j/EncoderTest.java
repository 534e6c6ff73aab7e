package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

class EncoderTest {
  private static final int NEURONS = 30;
  private static final int RANK = 4;

  private Backend backend;
  private SnmfModel model;
  private Encoder encoder;

  @BeforeEach
  void open() {
    backend = Backends.open("java", new BackendConfig(2));
    SnmfOptions options =
        SnmfOptions.builder(RANK)
            .featureDensity(0.3)
            .coefficientPenalty(0)
            .maxIterations(25)
            .build();
    try (Matrix a = Planted.matrix(NEURONS, 90, RANK, 8)) {
      model = Snmf.fit(a, options, backend);
    }
    encoder = model.encoder(backend);
  }

  @AfterEach
  void nothingIsLeftBehind() {
    encoder.close();
    encoder.close();
    assertEquals(0, backend.memory().current(), "bytes held by the backend");
    model.close();
    backend.close();
    encoder.close();
  }

  private static float[] tokenMajor(double[][] a) {
    float[] values = new float[a.length * a[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int t = 0; t < a[i].length; t++) {
        values[t * a.length + i] = (float) a[i][t];
      }
    }
    return values;
  }

  private static double[][] take(Matrix matrix) {
    try (matrix) {
      return matrix.toArray();
    }
  }

  private double[][] expected(double[][] fresh) {
    try (Matrix a = Matrix.of(fresh)) {
      return take(model.encode(a, backend));
    }
  }

  @Test
  void tellsItsShape() {
    assertEquals(NEURONS, encoder.neurons());
    assertEquals(RANK, encoder.rank());
  }

  @Test
  void blocksOfAnySizeAndLayoutGiveWhatTheModelGives() {
    for (int tokens : new int[] {70, 70, 1, 64, 200, 70}) {
      double[][] fresh = Planted.activations(NEURONS, tokens, RANK, 99 + tokens);
      double[][] expected = expected(fresh);
      try (Matrix a = Matrix.of(fresh);
          Matrix tokenMajor = Matrix.allocate(ElementType.FLOAT32, tokens, NEURONS)) {
        a.copyTo(tokenMajor.transpose());
        assertArrayEquals(expected, take(encoder.encode(a)));
        assertArrayEquals(expected, take(encoder.encode(tokenMajor.transpose())));
      }
    }
  }

  @Test
  void writesIntoMatricesOfAnyKind() {
    double[][] fresh = Planted.activations(NEURONS, 70, RANK, 7);
    double[][] expected = expected(fresh);
    try (Matrix a = Matrix.of(fresh);
        Matrix rows = Matrix.allocate(ElementType.FLOAT64, RANK + 2, 100);
        Matrix tokens = Matrix.allocate(ElementType.FLOAT64, 70, RANK)) {
      Matrix part = rows.rowRange(1, RANK + 1).columnRange(20, 90);
      encoder.encode(a, part);
      encoder.encode(a, tokens.transpose());
      assertArrayEquals(expected, part.toArray());
      assertArrayEquals(expected, tokens.transpose().toArray());
      assertEquals(0, rows.get(0, 50));
      assertEquals(0, rows.get(1, 19));
      assertEquals(0, rows.get(RANK, 90));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 64, 70, 333})
  void arraysAreTokenAfterToken(int tokens) {
    double[][] fresh = Planted.activations(NEURONS, tokens, RANK, 5);
    double[][] expected = expected(fresh);
    float[] coefficients = new float[tokens * RANK];
    encoder.encode(tokenMajor(fresh), coefficients);
    for (int t = 0; t < tokens; t++) {
      for (int j = 0; j < RANK; j++) {
        assertEquals((float) expected[j][t], coefficients[t * RANK + j]);
      }
    }
  }

  @Test
  void streamsBlockByBlockInTheSameMemory() {
    List<double[][]> blocks =
        Stream.of(70, 70, 20, 130, 70)
            .map(tokens -> Planted.activations(NEURONS, tokens, RANK, 50 + tokens))
            .toList();
    Iterator<double[][]> values = blocks.iterator();
    List<double[][]> received = new ArrayList<>();
    Matrix[] open = new Matrix[1];
    Iterator<Matrix> source =
        new Iterator<>() {
          private int asked;

          @Override
          public boolean hasNext() {
            return values.hasNext();
          }

          @Override
          public Matrix next() {
            assertEquals(asked++, received.size(), "a block was asked for too early");
            if (open[0] != null) {
              open[0].close();
            }
            open[0] = Matrix.of(values.next());
            return open[0];
          }
        };
    assertEquals(360, encoder.encode(source, y -> received.add(y.toArray())));
    open[0].close();
    assertEquals(5, received.size());
    for (int b = 0; b < 5; b++) {
      assertArrayEquals(expected(blocks.get(b)), received.get(b), "block " + b);
    }
  }

  @Test
  void equalBlocksAllocateNothingAfterTheFirst() {
    try (Matrix a = Planted.matrix(NEURONS, 70, RANK, 3)) {
      encoder.encode(List.of(a).iterator(), y -> {});
      long held = backend.memory().current();
      long matrices = Matrix.liveBytes();
      backend.resetPeak();
      encoder.encode(List.of(a, a, a).iterator(), y -> {});
      assertEquals(held, backend.memory().peak());
      assertEquals(matrices, Matrix.liveBytes());
    }
  }

  @Test
  void staysUsableAfterBadTokens() {
    double[][] fresh = Planted.activations(NEURONS, 70, RANK, 9);
    double[][] expected = expected(fresh);
    double[][] bad = Planted.activations(NEURONS, 70, RANK, 9);
    bad[7][66] = Double.NaN;
    try (Matrix a = Matrix.of(fresh);
        Matrix wrong = Matrix.of(bad)) {
      take(encoder.encode(a));
      NonFiniteValueException thrown =
          assertThrowsExactly(NonFiniteValueException.class, () -> encoder.encode(wrong));
      assertEquals(
          "activations holds NaN at row 7, column 66 but must be finite everywhere",
          thrown.getMessage());
      thrown =
          assertThrowsExactly(
              NonFiniteValueException.class,
              () -> encoder.encode(List.of(a, wrong).iterator(), y -> {}));
      assertEquals(136, thrown.column(), "the place among all tokens");
      thrown =
          assertThrowsExactly(
              NonFiniteValueException.class,
              () -> encoder.encode(tokenMajor(bad), new float[70 * RANK]));
      assertEquals(66, thrown.column());
      assertTrue(Double.isNaN(thrown.value()));
      assertArrayEquals(expected, take(encoder.encode(a)));
    }
  }

  @Test
  void aConsumersExceptionEndsTheStreamAsItIs() {
    NonFiniteValueException mine = new NonFiniteValueException("mine", 1, 2, 3);
    try (Matrix a = Planted.matrix(NEURONS, 70, RANK, 3)) {
      assertEquals(
          mine,
          assertThrows(
              NonFiniteValueException.class,
              () ->
                  encoder.encode(
                      List.of(a).iterator(),
                      y -> {
                        throw mine;
                      })));
    }
  }

  @Test
  void wrongShapesAreNamed() {
    try (Matrix a = Planted.matrix(NEURONS, 5, RANK, 3);
        Matrix other = Planted.matrix(NEURONS - 1, 5, RANK, 3);
        Matrix y = Matrix.allocate(ElementType.FLOAT32, RANK, 6)) {
      requireRefused(
          "activations is of shape [29, 5] but must be of 30 rows, the model's neurons",
          () -> encoder.encode(other));
      requireRefused(
          "coefficients is of shape [4, 6] but must be of shape [4, 5]",
          () -> encoder.encode(a, y));
      requireRefused(
          "activations is of length 31 but must be of a positive multiple of 30, the model's"
              + " neurons",
          () -> encoder.encode(new float[31], new float[RANK]));
      requireRefused(
          "activations is of length 0 but must be of a positive multiple of 30, the model's neurons",
          () -> encoder.encode(new float[0], new float[0]));
      requireRefused(
          "coefficients is of length 7 but must be of length 8",
          () -> encoder.encode(new float[60], new float[7]));
    }
  }

  private static void requireRefused(String message, Runnable call) {
    assertEquals(
        message, assertThrowsExactly(InvalidArgumentException.class, call::run).getMessage());
  }

  @Test
  void useAfterCloseIsRefused() {
    try (Matrix a = Planted.matrix(NEURONS, 5, RANK, 3)) {
      encoder.close();
      assertThrowsExactly(ClosedException.class, () -> encoder.encode(a));
      assertThrowsExactly(
          ClosedException.class, () -> encoder.encode(new float[NEURONS], new float[RANK]));
      assertThrowsExactly(
          ClosedException.class, () -> encoder.encode(List.of(a).iterator(), y -> {}));
      Encoder other = model.encoder(backend);
      backend.close();
      assertThrowsExactly(ClosedException.class, () -> other.encode(a));
      other.close();
      assertThrowsExactly(ClosedException.class, () -> model.encoder(backend));
      backend = Backends.open("java", new BackendConfig(1));
    }
  }

  @Test
  void outlivesItsModel() {
    double[][] fresh = Planted.activations(NEURONS, 70, RANK, 9);
    double[][] expected = expected(fresh);
    model.close();
    try (Matrix a = Matrix.of(fresh)) {
      assertArrayEquals(expected, take(encoder.encode(a)));
    }
    assertThrowsExactly(ClosedException.class, () -> model.encoder(backend));
  }

  @Test
  void usesThePenaltyOfTheFit() {
    SnmfOptions.Builder options =
        SnmfOptions.builder(RANK).featureDensity(0.3).solver(Solver.ALS).maxIterations(40);
    double[][] fresh = Planted.activations(NEURONS, 70, RANK, 9);
    double[] sums = new double[2];
    for (int i = 0; i < 2; i++) {
      try (Matrix a = Planted.matrix(NEURONS, 90, RANK, 8);
          Matrix unseen = Matrix.of(fresh);
          SnmfModel fitted = Snmf.fit(a, options.coefficientPenalty(0.3 * i).build(), backend);
          Encoder own = fitted.encoder(backend)) {
        for (double[] row : take(own.encode(unseen))) {
          for (double value : row) {
            sums[i] += value;
          }
        }
        assertEquals(0.3 * i, fitted.report().coefficientPenalty());
      }
    }
    assertTrue(sums[1] < 0.95 * sums[0], sums[1] + " with, " + sums[0] + " without penalty");
  }

  @Test
  void severalThreadsShareOne() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<Boolean>> done = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        double[][] fresh = Planted.activations(NEURONS, 30 + i % 3 * 40, RANK, i);
        double[][] expected = expected(fresh);
        done.add(
            pool.submit(
                () -> {
                  for (int round = 0; round < 5; round++) {
                    try (Matrix a = Matrix.of(fresh)) {
                      assertArrayEquals(expected, take(encoder.encode(a)));
                    }
                  }
                  return true;
                }));
      }
      for (Future<Boolean> each : done) {
        assertTrue(each.get());
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void longBlocksAreCutAndArraysToo() {
    // So many neurons that 64 tokens are the most that are packed at a time.
    int neurons = 1 << 18;
    SplittableRandom random = new SplittableRandom(1);
    try (Matrix z = Matrix.allocate(ElementType.FLOAT32, neurons, 1);
        Matrix y = Matrix.allocate(ElementType.FLOAT32, 1, 1)) {
      z.set(5, 0, 1);
      SnmfModel large = new SnmfModel(z, y, new double[1], model.report(), Map.of());
      float[] activations = new float[130 * neurons];
      float[] expected = new float[130];
      for (int t = 0; t < 130; t++) {
        expected[t] = (float) random.nextDouble();
        activations[t * neurons + 5] = expected[t];
      }
      float[] coefficients = new float[130];
      try (Encoder cut = large.encoder(backend)) {
        cut.encode(activations, coefficients);
        assertArrayEquals(expected, coefficients, 1e-6f);
        activations[100 * neurons + 9] = Float.NaN;
        NonFiniteValueException thrown =
            assertThrowsExactly(
                NonFiniteValueException.class, () -> cut.encode(activations, coefficients));
        assertEquals(9, thrown.row());
        assertEquals(100, thrown.column());
      }
    }
  }
}
