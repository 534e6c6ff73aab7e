package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.Initialization;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** The same again gives the same again, and costs no more memory. */
abstract class RepetitionSuite extends Suite {
  /** All numbers of some iterations. */
  private record Trace(
      double[][] y, double[][] z, double[][] cross, double[][] gram, double[] sums) {
    void requireSameBits(Trace other, String what) {
      assertTrue(Arrays.deepEquals(y, other.y), what + ": Y");
      assertTrue(Arrays.deepEquals(z, other.z), what + ": Z");
      assertTrue(Arrays.deepEquals(cross, other.cross), what + ": C");
      assertTrue(Arrays.deepEquals(gram, other.gram), what + ": G");
      assertArrayEquals(sums, other.sums, 0.0, what + ": sums");
    }
  }

  private static Trace iterate(Backend backend, Instance instance, Layout layout) {
    UpdateRule[] rules = {new UpdateRule.Multiplicative(1e-6), new UpdateRule.Hals(3, 1e-6)};
    try (Layout.Held held = layout.of(instance.a, ElementType.FLOAT32);
        Activations a = backend.pack(held.matrix());
        Coefficients y = coefficients(backend, instance.y);
        Features z = backend.newFeatures(instance.neurons, instance.rank);
        Statistics s = backend.newStatistics(instance.neurons, instance.rank)) {
      double[] sums = new double[7];
      backend.denseStatistics(a, y, s);
      for (int step = 0; step < 6; step += 2) {
        backend.ridgeSolve(s, 1e-6, z);
        backend.winnerTakeAll(z, instance.keep);
        double[] norms = s.rowNorms();
        backend.scaleColumns(z, norms);
        double[] scale = Arrays.stream(norms).map(norm -> 1 / norm).toArray();
        PassResult result =
            backend.pass(a, z, rules[step / 2 % 2], y, scale, null, y, Refresh.DENSE, s);
        sums[step] = result.cross();
        sums[step + 1] = result.quadratic();
      }
      alternate(backend, instance, a, y, z, s);
      sums[6] = backend.residual(a, z, y);
      return new Trace(take(y.download()), take(z.download()), take(s.cross()), s.gram(), sums);
    }
  }

  /** A round of alternating least squares under a penalty. */
  private static void alternate(
      Backend backend, Instance instance, Activations a, Coefficients y, Features z, Statistics s) {
    double penalty = instance.penalty(0.01);
    UpdateRule rule = new UpdateRule.Hals(2, 1e-6, penalty);
    try (Coefficients before = coefficients(backend, instance.y)) {
      Momentum momentum = new Momentum(before, 0.4);
      backend.pass(a, z, rule, y, null, momentum, y, Refresh.DENSE, s);
    }
    backend.sweepColumns(s, z, instance.keep, penalty);
    backend.refit(s, z, penalty);
    backend.pass(a, z, rule, y, null, null, y, Refresh.SUPPORT, s);
    backend.refit(s, z, penalty);
    try (Activations sample = backend.sample(a, 2);
        Coefficients few = backend.newCoefficients(instance.rank, sample.tokens())) {
      backend.pass(sample, z, rule, few, null, null, few, Refresh.DENSE, s);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void sameThreadsSameBits(int threads) {
    Instance instance = new Instance(300, 1000, 33, 0.3);
    Trace first;
    try (Backend one = open(threads)) {
      first = iterate(one, instance, Layout.ROW_MAJOR);
      first.requireSameBits(iterate(one, instance, Layout.ROW_MAJOR), "second run");
    }
    try (Backend another = open(threads)) {
      first.requireSameBits(iterate(another, instance, Layout.ROW_MAJOR), "another backend");
      first.requireSameBits(iterate(another, instance, Layout.SUB_RANGE), "another layout");
    }
  }

  /** So many tokens that threads take work from each other; who gets what is chance. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8})
  void whoeverIsFirstSameBits(int threads) {
    Instance instance = new Instance(40, 2500, 16, 0.3);
    try (Backend one = open(threads)) {
      Trace first = iterate(one, instance, Layout.ROW_MAJOR);
      for (int i = 0; i < 10; i++) {
        first.requireSameBits(iterate(one, instance, Layout.ROW_MAJOR), "repetition " + i);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 8, 64})
  void moreThreadsThanPanelsChangeNothingButRounding(int threads) {
    Instance instance = new Instance(17, 65, 7, 1);
    try (Backend many = open(threads);
        Backend one = open(1)) {
      Trace expected = iterate(one, instance, Layout.ROW_MAJOR);
      Trace actual = iterate(many, instance, Layout.ROW_MAJOR);
      double error = Tolerance.relativeError(expected.y, actual.y);
      assertTrue(error <= 1000 * tolerance, () -> "relative error " + error);
    }
  }

  @Test
  void twoThreadsSharingABackendDoNotDisturbEachOther() throws Exception {
    Instance left = new Instance(128, 1000, 16, 0.3);
    Instance right = new Instance(300, 65, 33, 0.01);
    Trace leftAlone = iterate(backend, left, Layout.ROW_MAJOR);
    Trace rightAlone = iterate(backend, right, Layout.COLUMN_MAJOR);
    ExecutorService pool = Executors.newFixedThreadPool(2);
    try {
      for (int round = 0; round < 5; round++) {
        List<Callable<Trace>> work =
            List.of(
                () -> iterate(backend, left, Layout.ROW_MAJOR),
                () -> iterate(backend, right, Layout.COLUMN_MAJOR));
        List<Future<Trace>> done = pool.invokeAll(work);
        leftAlone.requireSameBits(done.get(0).get(), "left");
        rightAlone.requireSameBits(done.get(1).get(), "right");
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void twoHundredFitsLeaveNothingBehind() {
    Instance instance = new Instance(17, 65, 7, 0.3);
    long bytes = backend.memory().current();
    List<Initialization> starts =
        List.of(Initialization.random(), Initialization.svd(), Initialization.kMeans());
    try (Matrix a = Matrix.of(instance.a)) {
      long matrices = Matrix.liveBytes();
      for (int fit = 0; fit < 200; fit++) {
        SnmfOptions options =
            SnmfOptions.builder(5)
                .featureDensity(0.3)
                .solver(fit % 2 == 0 ? Solver.ALS : Solver.MULTIPLICATIVE)
                .initialization(starts.get(fit % 3))
                .maxIterations(4)
                .seed(fit)
                .build();
        try (SnmfModel model = Snmf.fit(a, options, backend)) {
          assertTrue(model.report().peakBytes() > bytes);
          try (Matrix encoded = model.encode(a, backend)) {
            assertEquals(65, encoded.columns());
          }
        }
        assertEquals(bytes, backend.memory().current(), "bytes held after fit " + fit);
        assertEquals(matrices, Matrix.liveBytes(), "bytes of matrices after fit " + fit);
      }
    }
  }

  @Test
  void openingAndClosingManyBackendsWorks() {
    Instance instance = new Instance(17, 65, 7, 0.3);
    Trace first = null;
    for (int i = 0; i < 20; i++) {
      try (Backend other = open(2)) {
        Trace trace = iterate(other, instance, Layout.ROW_MAJOR);
        long held = other.memory().current();
        trace.requireSameBits(iterate(other, instance, Layout.ROW_MAJOR), "second run");
        assertEquals(held, other.memory().current(), "bytes held, backend " + i);
        if (first == null) {
          first = trace;
        }
        first.requireSameBits(trace, "backend " + i);
      }
    }
  }
}
