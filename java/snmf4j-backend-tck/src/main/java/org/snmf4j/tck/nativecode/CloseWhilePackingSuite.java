package org.snmf4j.tck.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.ClosedException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** A matrix that another thread closes while the kernels read it: an answer, never a crash. */
public abstract class CloseWhilePackingSuite {
  private final String name;

  private static final int NEURONS = 1024;
  private static final int TOKENS = 20_000;

  /** So many packings are to succeed, after ever longer delays. */
  private static final int SUCCESSES = 3;

  /**
   * @param name the backend's
   */
  protected CloseWhilePackingSuite(String name) {
    this.name = name;
  }

  private Backend open() {
    return Backends.open(name, new BackendConfig(2));
  }

  private static Matrix ones(int rows, int columns) {
    Matrix matrix = Matrix.allocate(ElementType.FLOAT32, rows, columns);
    float[] row = new float[columns];
    Arrays.fill(row, 1);
    for (int i = 0; i < rows; i++) {
      matrix.writeRow(i, 0, row, 0, columns);
    }
    return matrix;
  }

  @ParameterizedTest(name = "transposed: {0}")
  @ValueSource(booleans = {false, true})
  void closingGivesTheResultOrAnException(boolean transposed) throws Exception {
    try (Backend backend = open()) {
      int packed = 0;
      for (int round = 0; packed < SUCCESSES; round++) {
        assertTrue(round < 200, "packing never outran the closing");
        Matrix owner = transposed ? ones(TOKENS, NEURONS) : ones(NEURONS, TOKENS);
        Matrix a = transposed ? owner.transpose() : owner;
        CountDownLatch begun = new CountDownLatch(1);
        AtomicReference<Object> end = new AtomicReference<>();
        Thread packer =
            new Thread(
                () -> {
                  begun.countDown();
                  try (Activations activations = backend.pack(a)) {
                    end.set(activations.squaredNorm());
                  } catch (RuntimeException e) {
                    end.set(e);
                  }
                });
        packer.start();
        begun.await();
        // From before the kernel begins until after it has ended, wherever that is on this machine.
        Thread.sleep(4L * round);
        owner.close();
        // Were the memory not held for the kernel, the collector would now return it.
        System.gc();
        packer.join();
        if (end.get() instanceof Double norm) {
          assertEquals((double) NEURONS * TOKENS, norm);
          packed++;
        } else {
          assertEquals(ClosedException.class, end.get().getClass(), end.get().toString());
        }
        assertEquals(0, backend.memory().current(), "native bytes after round " + round);
      }
    }
  }

  @Test
  void aClosedMatrixIsRefused() {
    try (Backend backend = open()) {
      Matrix closed = ones(4, 4);
      closed.close();
      ClosedException thrown =
          assertThrowsExactly(ClosedException.class, () -> backend.pack(closed));
      assertEquals("the matrix is closed", thrown.getMessage());
      assertEquals(0, backend.memory().current());
    }
  }
}
