package org.snmf4j.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.snmf4j.error.ClosedException;

/** Closing, and the counting of memory. */
class MatrixLifeTest {
  @Test
  void afterCloseEveryAccessThrows() {
    for (ElementType type : ElementType.values()) {
      Matrix matrix = Matrix.allocate(type, 3, 4);
      Matrix view = matrix.transpose().rowRange(1, 3);
      assertFalse(matrix.isClosed());
      matrix.close();
      matrix.close();
      assertTrue(matrix.isClosed());
      assertTrue(view.isClosed());
      List<Executable> uses =
          List.of(
              () -> matrix.get(0, 0),
              () -> matrix.set(0, 0, 1),
              () -> matrix.readRow(0, 0, new float[4], 0, 4),
              () -> matrix.readRow(0, 0, new double[4], 0, 4),
              () -> matrix.writeRow(0, 0, new float[4], 0, 4),
              () -> matrix.writeRow(0, 0, new double[4], 0, 4),
              () -> matrix.rowBytes(0, 1),
              () -> matrix.copy(type),
              () -> matrix.toArray(),
              () -> matrix.requireFinite("A"),
              () -> view.get(0, 0),
              () -> view.readRow(0, 0, new float[3], 0, 3),
              () -> matrix.rowRange(0, 1).get(0, 0));
      for (Executable use : uses) {
        assertEquals("the matrix is closed", assertThrows(ClosedException.class, use).getMessage());
      }
    }
  }

  @Test
  void closingAViewDoesNothing() {
    try (Matrix matrix = Matrix.allocate(ElementType.FLOAT32, 2, 2)) {
      matrix.transpose().close();
      matrix.rowRange(0, 1).close();
      matrix.columnRange(0, 1).close();
      assertFalse(matrix.isClosed());
      assertEquals(0, matrix.get(1, 1));
    }
  }

  @Test
  void aViewKeepsTheElementsReachable() {
    Matrix view = Matrix.of(new double[][] {{1, 2}, {3, 4}}).transpose();
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertEquals(3, view.get(0, 1));
  }

  @Test
  void theCounterFollowsAllocationAndClose() {
    // Matrices that other tests forgot may be collected in between, so one of some tries is exact.
    for (int attempt = 0; ; attempt++) {
      System.gc();
      long before = Matrix.liveBytes();
      Matrix floats = Matrix.allocate(ElementType.FLOAT32, 1000, 10);
      long one = Matrix.liveBytes() - before;
      Matrix doubles = Matrix.allocate(ElementType.FLOAT64, 1000, 10);
      floats.transpose().close();
      long two = Matrix.liveBytes() - before;
      floats.close();
      floats.close();
      long three = Matrix.liveBytes() - before;
      doubles.close();
      long none = Matrix.liveBytes() - before;
      List<Long> found = List.of(one, two, three, none);
      if (found.equals(List.of(40_000L, 120_000L, 80_000L, 0L))) {
        return;
      }
      assertTrue(attempt < 10, () -> "bytes after each step: " + found);
    }
  }

  @Test
  void theCounterFollowsTheCollector() throws InterruptedException {
    long before = Matrix.liveBytes();
    long size = 1L << 24;
    assertEquals(size, Matrix.allocate(ElementType.FLOAT32, 1, size / 4).columns() * 4);
    for (int i = 0; Matrix.liveBytes() > before; i++) {
      assertTrue(i < 500, "an unreachable matrix is still counted after 10 s");
      System.gc();
      Thread.sleep(20);
    }
  }

  @Test
  void closingUnderAReaderGivesItAnException() throws InterruptedException {
    for (int round = 0; round < 20; round++) {
      Matrix matrix = Matrix.allocate(ElementType.FLOAT64, 64, 64);
      CountDownLatch reading = new CountDownLatch(1);
      AtomicReference<Throwable> end = new AtomicReference<>();
      Thread reader =
          new Thread(
              () -> {
                double[] row = new double[64];
                try {
                  for (long i = 0; ; i++) {
                    matrix.readRow(i % 64, 0, row, 0, 64);
                    reading.countDown();
                  }
                } catch (Throwable thrown) {
                  end.set(thrown);
                }
              });
      reader.start();
      reading.await();
      matrix.close();
      reader.join(10_000);
      assertInstanceOf(ClosedException.class, end.get());
    }
  }
}
