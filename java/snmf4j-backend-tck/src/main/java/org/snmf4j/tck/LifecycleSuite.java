package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Resident;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/** Wrong use is refused with the right exception, before anything is computed. */
abstract class LifecycleSuite extends Suite {
  private static final UpdateRule RULE = new UpdateRule.Multiplicative(1e-6);

  /** One of each kind of data, of shape d = 3, n = 5, k = 2. */
  private record Data(Activations a, Coefficients y, Features z, Statistics s)
      implements AutoCloseable {
    static Data on(Backend backend) {
      try (Matrix matrix =
          Matrix.of(new double[][] {{1, 2, 3, 4, 5}, {1, 1, 1, 1, 1}, {0, 1, 0, 1, 0}})) {
        return new Data(
            backend.pack(matrix),
            backend.newCoefficients(2, 5),
            backend.newFeatures(3, 2),
            backend.newStatistics(3, 2));
      }
    }

    List<Resident> all() {
      return List.of(a, y, z, s);
    }

    @Override
    public void close() {
      all().forEach(Resident::close);
    }
  }

  private static List<Executable> operations(Backend backend, Data data) {
    Activations a = data.a();
    Coefficients y = data.y();
    Features z = data.z();
    Statistics s = data.s();
    return List.of(
        () -> backend.denseStatistics(a, y, s),
        () -> backend.ridgeSolve(s, 1e-6, z),
        () -> backend.winnerTakeAll(z, 1),
        () -> backend.scaleColumns(z, new double[] {1, 2}),
        () -> backend.sample(a, 2).close(),
        () -> backend.sweepColumns(s, z, 1, 0.5),
        () -> backend.refit(s, z, 0.5),
        () -> backend.pass(a, z, RULE, y, null, null, y, Refresh.DENSE, s),
        () -> backend.project(a, z, y),
        () -> backend.residual(a, z, y));
  }

  @Test
  void describesItself() {
    assertFalse(backend.name().isBlank());
    assertEquals(backend.name(), backend.name().toLowerCase(java.util.Locale.ROOT));
    assertFalse(backend.description().isBlank());
    assertEquals(2, backend.threads());
    try (Backend single = open(1)) {
      assertEquals(1, single.threads());
      assertEquals(backend.name(), single.name());
      assertEquals(backend.elementType(), single.elementType());
    }
  }

  @Test
  void aClosedBackendRefusesEverything() {
    Backend closed = open(1);
    Data data = Data.on(closed);
    closed.close();
    closed.close();
    List<Executable> calls = new ArrayList<>(operations(closed, data));
    calls.add(() -> closed.newCoefficients(2, 5));
    calls.add(() -> closed.newFeatures(3, 2));
    calls.add(() -> closed.newStatistics(3, 2));
    calls.add(closed::memory);
    calls.add(closed::resetPeak);
    calls.add(() -> data.y().download());
    calls.add(() -> data.z().download());
    calls.add(() -> data.s().gram());
    calls.add(() -> data.s().cross());
    calls.add(() -> data.s().rowSums());
    try (Matrix matrix = Matrix.of(new double[][] {{1}})) {
      calls.add(() -> closed.pack(matrix));
      for (Executable call : calls) {
        assertEquals(
            "the backend " + closed.name() + " is closed",
            assertThrowsExactly(ClosedException.class, call).getMessage());
      }
    }
    data.close();
  }

  @Test
  void closedDataIsRefused() {
    List<String> names = List.of("activations", "coefficients", "features", "statistics");
    for (int which = 0; which < names.size(); which++) {
      try (Data data = Data.on(backend)) {
        data.all().get(which).close();
        data.all().get(which).close();
        int refused = 0;
        for (Executable operation : operations(backend, data)) {
          try {
            operation.execute();
          } catch (ClosedException e) {
            assertEquals(names.get(which) + " are closed", e.getMessage());
            refused++;
          } catch (Throwable e) {
            throw new AssertionError("only a ClosedException may come", e);
          }
        }
        // How many of the operations take this kind of data.
        assertEquals(List.of(5, 4, 8, 5).get(which), refused, names.get(which));
      }
    }
  }

  @Test
  void closedDataCannotBeReadOrWritten() {
    Data data = Data.on(backend);
    data.close();
    try (Matrix y = Matrix.of(new double[2][5]);
        Matrix z = Matrix.of(new double[3][2])) {
      List<Executable> calls =
          List.of(
              () -> data.y().download(),
              () -> data.y().upload(y),
              () -> data.z().download(),
              () -> data.z().upload(z),
              () -> data.s().gram(),
              () -> data.s().rowSums(),
              () -> data.s().cross());
      for (Executable call : calls) {
        assertThrowsExactly(ClosedException.class, call);
      }
    }
  }

  @Test
  void closedMatricesAreRefused() {
    Matrix closed = Matrix.of(new double[2][5]);
    closed.close();
    assertThrowsExactly(ClosedException.class, () -> backend.pack(closed));
    try (Coefficients y = backend.newCoefficients(2, 5)) {
      assertThrowsExactly(ClosedException.class, () -> y.upload(closed));
    }
  }

  @Test
  void dataOfAnotherBackendIsRefused() {
    try (Backend other = open(1);
        Backend java = Backends.open("java", new BackendConfig(1))) {
      for (Backend stranger : List.of(other, java)) {
        try (Data data = Data.on(stranger)) {
          for (Executable operation : operations(backend, data)) {
            InvalidArgumentException thrown =
                assertThrowsExactly(InvalidArgumentException.class, operation);
            assertTrue(
                thrown.getMessage().endsWith(" is of another backend but must be of this backend"),
                thrown::getMessage);
          }
        }
      }
    }
  }

  @Test
  void wrongShapesAreRefused() {
    try (Data data = Data.on(backend);
        Coefficients fewTokens = backend.newCoefficients(2, 4);
        Coefficients highRank = backend.newCoefficients(3, 5);
        Features fewNeurons = backend.newFeatures(2, 2);
        Features lowRank = backend.newFeatures(3, 1);
        Statistics small = backend.newStatistics(2, 2);
        Statistics wide = backend.newStatistics(3, 3);
        Matrix flat = Matrix.of(new double[1][5])) {
      Activations a = data.a();
      Coefficients y = data.y();
      Features z = data.z();
      Statistics s = data.s();
      requireRefused(
          "coefficients is of shape [2, 4]", () -> backend.denseStatistics(a, fewTokens, s));
      requireRefused("statistics is of shape [2, 2]", () -> backend.denseStatistics(a, y, small));
      requireRefused("statistics is of shape [3, 3]", () -> backend.ridgeSolve(wide, 1, z));
      requireRefused("statistics is of shape [3, 2]", () -> backend.ridgeSolve(s, 1, fewNeurons));
      requireRefused(
          "factors is of length 3 but must be of length 2",
          () -> backend.scaleColumns(z, new double[3]));
      requireRefused(
          "row scale is of length 1 but must be of length 2",
          () -> backend.pass(a, z, RULE, y, new double[] {1}, null, y, Refresh.NONE, null));
      requireRefused(
          "features is of shape [2, 2]",
          () -> backend.pass(a, fewNeurons, RULE, y, null, null, y, Refresh.NONE, null));
      requireRefused(
          "features is of shape [3, 2]",
          () -> backend.pass(a, z, RULE, highRank, null, null, highRank, Refresh.NONE, null));
      requireRefused(
          "coefficients is of shape [3, 5]",
          () -> backend.pass(a, z, RULE, y, null, null, highRank, Refresh.NONE, null));
      requireRefused(
          "statistics is of shape [3, 3]",
          () -> backend.pass(a, z, RULE, y, null, null, y, Refresh.DENSE, wide));
      requireRefused(
          "statistics is null but must be given to refresh GRAM",
          () -> backend.pass(a, z, RULE, y, null, null, y, Refresh.GRAM, null));
      requireRefused(
          "coefficients is of shape [2, 4]", () -> momentum(data, new Momentum(fewTokens, 0.5)));
      requireRefused(
          "momentum is of shape [3, 5]", () -> momentum(data, new Momentum(highRank, 0.5)));
      requireRefused("statistics is of shape [3, 3]", () -> backend.sweepColumns(wide, z, 1, 0));
      requireRefused("statistics is of shape [2, 2]", () -> backend.refit(small, z, 0));
      requireRefused("coefficients is of shape [2, 4]", () -> backend.project(a, z, fewTokens));
      requireRefused("features is of shape [3, 1]", () -> backend.residual(a, lowRank, y));
      requireRefused("coefficients is of shape [1, 5]", () -> y.upload(flat));
      requireRefused("features is of shape [1, 5]", () -> z.upload(flat));
    }
  }

  private void momentum(Data data, Momentum momentum) {
    backend.pass(data.a(), data.z(), RULE, data.y(), null, momentum, data.y(), Refresh.NONE, null);
  }

  @Test
  void momentumIsRefusedWhereItCannotWork() {
    try (Data data = Data.on(backend);
        Backend other = open(1);
        Coefficients stranger = other.newCoefficients(2, 5)) {
      Coefficients y = data.y();
      Momentum own = new Momentum(y, 0.5);
      double[] ones = {1, 1};
      requireRefused(
          "row scale is given but must be null with momentum",
          () -> backend.pass(data.a(), data.z(), RULE, y, ones, own, y, Refresh.NONE, null));
      requireRefused(
          "coefficients is of another backend", () -> momentum(data, new Momentum(stranger, 0.5)));
      Coefficients closed = backend.newCoefficients(2, 5);
      closed.close();
      assertThrowsExactly(ClosedException.class, () -> momentum(data, new Momentum(closed, 0.5)));
      for (double beta : new double[] {-0.1, 1.1, Double.NaN}) {
        requireRefused(
            "beta is " + beta + " but must be between 0 and 1", () -> new Momentum(y, beta));
      }
    }
  }

  @Test
  void argumentsOfTheFeatureStepsOutsideTheirLimitsAreRefused() {
    try (Data data = Data.on(backend)) {
      Features z = data.z();
      Statistics s = data.s();
      for (int keep : new int[] {0, 4}) {
        requireRefused(
            "keep is " + keep + " but must be between 1 and 3",
            () -> backend.sweepColumns(s, z, keep, 0));
      }
      for (double penalty : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
        String message = "penalty is " + penalty + " but must be finite and not negative";
        requireRefused(message, () -> backend.sweepColumns(s, z, 1, penalty));
        requireRefused(message, () -> backend.refit(s, z, penalty));
        requireRefused(message, () -> new UpdateRule.Hals(1, 0, penalty));
      }
      for (int stride : new int[] {0, -1}) {
        requireRefused(
            "stride is " + stride + " but must be", () -> backend.sample(data.a(), stride));
      }
    }
  }

  @Test
  void argumentsOutsideTheirLimitsAreRefused() {
    try (Data data = Data.on(backend)) {
      Features z = data.z();
      requireRefused("keep is 0 but must be between 1 and 3", () -> backend.winnerTakeAll(z, 0));
      requireRefused("keep is 4 but must be between 1 and 3", () -> backend.winnerTakeAll(z, 4));
      for (double ridge : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
        requireRefused(
            "ridge is " + ridge + " but must be positive and finite",
            () -> backend.ridgeSolve(data.s(), ridge, z));
      }
      for (double factor : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
        requireRefused(
            "factor is " + factor + " but must be finite",
            () -> backend.scaleColumns(z, new double[] {1, factor}));
      }
      for (double scale : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
        Coefficients y = data.y();
        requireRefused(
            "row scale is " + scale + " but must be positive and finite",
            () ->
                backend.pass(
                    data.a(), z, RULE, y, new double[] {1, scale}, null, y, Refresh.NONE, null));
      }
      try (Matrix matrix = Matrix.of(new double[2][3])) {
        requireRefused(
            "column is 3 but must be between 0 and 2",
            () -> backend.pack(matrix, new long[] {0, 3}));
        requireRefused(
            "column is -1 but must be between 0 and 2",
            () -> backend.pack(matrix, new long[] {-1}));
        requireRefused("number of columns is 0", () -> backend.pack(matrix, new long[0]));
      }
      requireRefused("rank is 0 but must be", () -> backend.newCoefficients(0, 5));
      requireRefused("tokens is 0 but must be", () -> backend.newCoefficients(1, 0));
      requireRefused("tokens is -1 but must be", () -> backend.newCoefficients(1, -1));
      requireRefused("neurons is 0 but must be", () -> backend.newFeatures(0, 1));
      requireRefused("rank is 0 but must be", () -> backend.newFeatures(1, 0));
      requireRefused("neurons is 0 but must be", () -> backend.newStatistics(0, 1));
      requireRefused("rank is 16385 but must be", () -> backend.newStatistics(1, 16_385));
    }
  }

  private static void requireRefused(String message, Executable call) {
    String thrown = assertThrowsExactly(InvalidArgumentException.class, call).getMessage();
    assertTrue(thrown.startsWith(message), () -> thrown + " should start: " + message);
  }

  @Test
  void closingFreesAllData() {
    try (Backend other = open(1)) {
      long before = other.memory().current();
      Data data = Data.on(other);
      assertTrue(other.memory().current() > before);
      data.close();
      assertEquals(before, other.memory().current());
      data.close();
      assertEquals(before, other.memory().current(), "closing twice counted twice");
    }
  }

  @Test
  void closeWaitsForTheRunningCall() throws InterruptedException {
    Backend busy = open(1);
    Instance instance = new Instance(128, 1000, 33, 1);
    try (Matrix matrix = Matrix.of(instance.a)) {
      Activations a = busy.pack(matrix);
      Features z = features(busy, instance.z);
      Coefficients y = coefficients(busy, instance.y);
      List<Throwable> ends = new ArrayList<>();
      Thread worker =
          new Thread(
              () -> {
                try {
                  while (true) {
                    busy.pass(a, z, RULE, y, null, null, y, Refresh.NONE, null);
                  }
                } catch (Throwable e) {
                  ends.add(e);
                }
              });
      worker.start();
      Thread.sleep(50);
      busy.close();
      worker.join(60_000);
      assertFalse(worker.isAlive(), "the worker never learned that the backend is closed");
      assertEquals(1, ends.size());
      assertEquals(ClosedException.class, ends.get(0).getClass(), () -> ends.get(0).toString());
    }
  }
}
