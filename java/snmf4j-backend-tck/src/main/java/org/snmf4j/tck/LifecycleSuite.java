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
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/** Closed or foreign data is refused, and closing frees what it should. */
abstract class LifecycleSuite extends Suite {
  private static final UpdateRule RULE = new UpdateRule.Multiplicative(1e-6);

  private static List<Executable> operations(Backend backend, OneOfEach data) {
    Activations a = data.a();
    Coefficients y = data.y();
    Features z = data.z();
    Statistics s = data.s();
    return List.of(
        () -> backend.denseStatistics(a, y, s),
        () -> backend.ridgeSolve(s, 1e-6, z),
        () -> backend.winnerTakeAll(z, 1),
        () -> backend.scaleColumns(z, new double[] {1, 2}),
        () -> backend.orthonormalize(z),
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
    OneOfEach data = OneOfEach.on(closed);
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
      try (OneOfEach data = OneOfEach.on(backend)) {
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
        assertEquals(List.of(5, 4, 9, 5).get(which), refused, names.get(which));
      }
    }
  }

  @Test
  void closedDataCannotBeReadOrWritten() {
    OneOfEach data = OneOfEach.on(backend);
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
        try (OneOfEach data = OneOfEach.on(stranger)) {
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
  void closingFreesAllData() {
    try (Backend other = open(1)) {
      // What it computes in may stay.
      OneOfEach.on(other).close();
      long before = other.memory().current();
      OneOfEach data = OneOfEach.on(other);
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
