package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.CancelledException;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.FitProgress;
import org.snmf4j.solver.StopReason;

class SnmfFitTest {
  private static final double[][] VALUES = Planted.activations(40, 150, 6, 3);

  private Backend backend;
  private Matrix a;
  private long bytesBefore;
  private long matricesBefore;

  @BeforeEach
  void open() {
    backend = Backends.open("java", new BackendConfig(2));
    a = Matrix.of(VALUES);
    bytesBefore = backend.memory().current();
    matricesBefore = Matrix.liveBytes();
  }

  @AfterEach
  void nothingIsLeftBehind() {
    assertEquals(bytesBefore, backend.memory().current(), "bytes held by the backend");
    assertTrue(Matrix.liveBytes() <= matricesBefore, "a matrix was left open");
    backend.close();
    a.close();
  }

  static Stream<Initialization> starts() {
    return Stream.of(Initialization.random(), Initialization.svd(), Initialization.kMeans());
  }

  private static SnmfOptions.Builder options() {
    return SnmfOptions.builder(6)
        .solver(Solver.MULTIPLICATIVE)
        .featureDensity(0.2)
        .seed(1)
        .maxIterations(20);
  }

  @ParameterizedTest
  @MethodSource("starts")
  void reportTellsWhatHappened(Initialization start) {
    double squaredNorm = Planted.loss(VALUES, new double[40][0], new double[0][0]);
    try (SnmfModel model = Snmf.fit(a, options().initialization(start).build(), backend)) {
      FitReport report = model.report();
      assertEquals(20, report.iterations());
      assertEquals(20, report.losses().length);
      assertEquals(StopReason.MAX_ITERATIONS, report.stopReason());
      assertEquals(squaredNorm, report.squaredNorm(), 1e-9 * squaredNorm);
      assertEquals(report.loss() / report.squaredNorm(), report.relativeLoss());
      assertEquals(start.name(), report.initialization());
      assertEquals(Solver.MULTIPLICATIVE, report.solver());
      assertEquals(0.2, report.featureDensity());
      assertEquals("java", report.backend());
      assertEquals(backend.description(), report.backendDescription());
      assertEquals(2, report.threads());
      assertEquals(1, report.seed());
      assertTrue(report.seconds() > 0);
      // One copy of A, padded to whole panels, is the least that a fit can hold.
      assertTrue(report.peakBytes() >= 40 * 150 * 8);
      report.losses()[0] = -1;
      assertTrue(report.losses()[0] > 0, "the report hands out its own array");
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void theModelIsTheBestIterate(Initialization start) {
    int beforeTheLast = 0;
    for (int seed = 0; seed < 20; seed++) {
      SnmfOptions options = options().initialization(start).seed(seed).maxIterations(60).build();
      try (SnmfModel model = Snmf.fit(a, options, backend)) {
        FitReport report = model.report();
        double[] losses = report.losses();
        double lowest = Arrays.stream(losses).min().orElseThrow();
        assertEquals(lowest, report.loss());
        assertEquals(lowest, losses[report.bestIteration() - 1]);
        double loss =
            Planted.loss(VALUES, model.features().toArray(), model.coefficients().toArray());
        assertEquals(lowest, loss, 1e-9 * report.squaredNorm());
        if (report.bestIteration() < report.iterations()) {
          beforeTheLast++;
        }
      }
    }
    // From the better starts these data descend to the end; from random ones they do not.
    assertTrue(
        beforeTheLast > 0 || !start.name().equals("random"),
        "no run had its best iterate before its last");
  }

  @ParameterizedTest
  @MethodSource("starts")
  void seedsReproduceBitForBit(Initialization start) {
    SnmfOptions options = options().initialization(start).backend("java").threads(2).build();
    try (SnmfModel first = Snmf.fit(a, options, backend);
        SnmfModel second = Snmf.fit(a, options)) {
      assertTrue(Arrays.deepEquals(first.features().toArray(), second.features().toArray()));
      assertTrue(
          Arrays.deepEquals(first.coefficients().toArray(), second.coefficients().toArray()));
      assertArrayEquals(first.report().losses(), second.report().losses(), 0.0);
    }
  }

  @Test
  void anotherSeedIsAnotherStart() {
    try (SnmfModel first = Snmf.fit(a, options().seed(1).build(), backend);
        SnmfModel second = Snmf.fit(a, options().seed(2).build(), backend)) {
      assertFalse(Arrays.equals(first.report().losses(), second.report().losses()));
    }
  }

  @Test
  void featuresAreUnitColumnsAndSparse() {
    try (SnmfModel model = Snmf.fit(a, options().build(), backend)) {
      double[][] z = model.features().toArray();
      for (int j = 0; j < 6; j++) {
        double square = 0;
        int nonzero = 0;
        for (double[] row : z) {
          square += row[j] * row[j];
          nonzero += row[j] != 0 ? 1 : 0;
        }
        assertEquals(1, square, 1e-12);
        assertEquals(8, nonzero);
      }
      for (double[] row : model.coefficients().toArray()) {
        assertTrue(Arrays.stream(row).allMatch(y -> y >= 0));
      }
    }
  }

  @Test
  void aFitOfTransposedStorageIsTheSame() {
    double[][] transposed = new double[150][40];
    for (int i = 0; i < 40; i++) {
      for (int t = 0; t < 150; t++) {
        transposed[t][i] = VALUES[i][t];
      }
    }
    try (Matrix tokenMajor = Matrix.of(transposed);
        SnmfModel first = Snmf.fit(a, options().build(), backend);
        SnmfModel second = Snmf.fit(tokenMajor.transpose(), options().build(), backend)) {
      assertArrayEquals(first.report().losses(), second.report().losses(), 0.0);
    }
  }

  @Test
  void progressComesAfterEveryIteration() {
    List<FitProgress> heard = new ArrayList<>();
    try (SnmfModel model = Snmf.fit(a, options().progress(heard::add).build(), backend)) {
      double[] losses = model.report().losses();
      assertEquals(20, heard.size());
      double seconds = 0;
      for (int i = 0; i < 20; i++) {
        FitProgress progress = heard.get(i);
        assertEquals(i + 1, progress.iteration());
        assertEquals(20, progress.maxIterations());
        assertEquals(losses[i] / model.report().squaredNorm(), progress.relativeLoss());
        assertTrue(progress.seconds() >= seconds);
        seconds = progress.seconds();
        assertEquals(progress.seconds() * (19 - i) / (i + 1), progress.remainingSeconds(), 1e-9);
      }
      assertEquals(0, heard.get(19).remainingSeconds());
    }
  }

  @Test
  void theFitStopsWhenItNoLongerImproves() {
    // No iteration lowers the loss by half: the first sets the mark, five more wait.
    SnmfOptions options = options().maxIterations(500).patience(5).tolerance(0.5).build();
    try (SnmfModel model = Snmf.fit(a, options, backend)) {
      double[] losses = model.report().losses();
      assertEquals(StopReason.CONVERGED, model.report().stopReason());
      assertEquals(losses.length, model.report().iterations());
      int mark = 0;
      for (int i = 1; i < losses.length; i++) {
        if (losses[i] < losses[mark] - 0.5 * losses[i]) {
          mark = i;
        }
        assertTrue(i - mark < 5 || i == losses.length - 1, "the fit went on too long");
      }
      assertEquals(5, losses.length - 1 - mark);
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void aThrowingListenerEndsTheFit(Initialization start) {
    IllegalStateException mine = new IllegalStateException("listener");
    for (int when : new int[] {1, 2, 7, 20}) {
      SnmfOptions options =
          options()
              .initialization(start)
              .progress(
                  progress -> {
                    if (progress.iteration() == when) {
                      throw mine;
                    }
                  })
              .build();
      assertSame(
          mine,
          assertThrowsExactly(IllegalStateException.class, () -> Snmf.fit(a, options, backend)));
      nothingIsHeld();
    }
  }

  @ParameterizedTest
  @MethodSource("starts")
  void cancellationIsHeardAtEveryPoint(Initialization start) {
    // The start asks up to 15 times, the solver once more and before each iteration.
    for (int when : new int[] {0, 1, 2, 3, 8, 12, 20}) {
      AtomicInteger asked = new AtomicInteger();
      SnmfOptions options =
          options()
              .initialization(start)
              .cancellation(() -> asked.getAndIncrement() == when)
              .build();
      assertEquals(
          "the fit was cancelled",
          assertThrowsExactly(CancelledException.class, () -> Snmf.fit(a, options, backend))
              .getMessage());
      assertEquals(when + 1, asked.get(), "asked again after it said yes");
      nothingIsHeld();
    }
  }

  @Test
  void slowStartsAskForCancellationThemselves() {
    // The solver alone asks twice before its first progress.
    assertEquals(2, questionsBeforeProgress(Initialization.random()));
    assertEquals(2 + 9, questionsBeforeProgress(Initialization.svd()));
    assertTrue(questionsBeforeProgress(Initialization.kMeans()) >= 2 + 2);
  }

  private int questionsBeforeProgress(Initialization start) {
    AtomicInteger asked = new AtomicInteger();
    AtomicInteger before = new AtomicInteger();
    SnmfOptions options =
        options()
            .initialization(start)
            .maxIterations(1)
            .progress(progress -> before.set(asked.get()))
            .cancellation(() -> asked.incrementAndGet() < 0)
            .build();
    Snmf.fit(a, options, backend).close();
    return before.get();
  }

  private void nothingIsHeld() {
    assertEquals(bytesBefore, backend.memory().current(), "bytes held by the backend");
    assertTrue(Matrix.liveBytes() <= matricesBefore, "a matrix was left open");
  }

  @Test
  void concurrentFitsOnOneBackendEqualLonelyOnes() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(2);
    try {
      double[] first = losses(1);
      double[] second = losses(2);
      for (int round = 0; round < 3; round++) {
        List<Callable<double[]>> work = List.of(() -> losses(1), () -> losses(2));
        List<Future<double[]>> done = pool.invokeAll(work);
        assertArrayEquals(first, done.get(0).get(), 0.0);
        assertArrayEquals(second, done.get(1).get(), 0.0);
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void anInterruptedThreadFitsOnAndStaysInterrupted() {
    double[] expected = losses(1);
    Thread.currentThread().interrupt();
    try {
      assertArrayEquals(expected, losses(1), 0.0);
      assertTrue(Thread.currentThread().isInterrupted());
    } finally {
      Thread.interrupted();
    }
    nothingIsHeld();
  }

  @Test
  void aFitMayBeToldToHeedInterrupts() {
    SnmfOptions options =
        options()
            .progress(step -> Thread.currentThread().interrupt())
            .cancellation(() -> Thread.currentThread().isInterrupted())
            .build();
    try {
      assertThrowsExactly(CancelledException.class, () -> Snmf.fit(a, options, backend));
      assertTrue(Thread.currentThread().isInterrupted());
    } finally {
      Thread.interrupted();
    }
    nothingIsHeld();
  }

  private double[] losses(long seed) {
    try (SnmfModel model = Snmf.fit(a, options().seed(seed).build(), backend)) {
      return model.report().losses();
    }
  }

  @Test
  void givenCoefficientsAreWhereTheFitStarts() {
    double[][] y0 = new double[6][150];
    for (int j = 0; j < 6; j++) {
      for (int t = 0; t < 150; t++) {
        y0[j][t] = (j * 31 + t * 17) % 23 / 23.0;
      }
    }
    try (Matrix start = Matrix.of(y0)) {
      SnmfOptions options =
          options().initialization(Initialization.coefficients(start)).seed(7).build();
      SnmfOptions other =
          options().initialization(Initialization.coefficients(start)).seed(8).build();
      try (SnmfModel first = Snmf.fit(a, options, backend);
          SnmfModel second = Snmf.fit(a, other, backend)) {
        assertArrayEquals(first.report().losses(), second.report().losses(), 0.0);
        assertEquals("given", first.report().initialization());
      }
      assertTrue(Arrays.deepEquals(y0, start.toArray()), "the given matrix was changed");
    }
  }

  @Test
  void theSmallestFitWorks() {
    try (Matrix one = Matrix.of(new double[][] {{-3}});
        SnmfModel model =
            Snmf.fit(
                one,
                SnmfOptions.builder(1).coefficientPenalty(0).maxIterations(50).build(),
                backend)) {
      assertEquals(-1, model.features().get(0, 0), 1e-12);
      assertEquals(3, model.coefficients().get(0, 0), 1e-4);
      assertTrue(model.report().relativeLoss() < 1e-8);
    }
  }
}
