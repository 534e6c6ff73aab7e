package org.snmf4j.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.MemoryExhaustedException;

/** What a matrix says to arguments outside their limits. */
class MatrixArgumentsTest {
  private final Matrix matrix = Matrix.allocate(ElementType.FLOAT32, 3, 4);

  @AfterEach
  void close() {
    matrix.close();
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(InvalidArgumentException.class, call).getMessage());
  }

  @Test
  void shapes() {
    refused("rows is 0 but must be at least 1", () -> Matrix.allocate(ElementType.FLOAT32, 0, 1));
    refused(
        "columns is -1 but must be at least 1", () -> Matrix.allocate(ElementType.FLOAT32, 1, -1));
    refused(
        "shape is [4294967296, 4294967296] but must be of fewer than 2^63 bytes",
        () -> Matrix.allocate(ElementType.FLOAT32, 1L << 32, 1L << 32));
    refused(
        "shape is [2147483648, 1073741824] but must be of fewer than 2^63 bytes",
        () -> Matrix.allocate(ElementType.FLOAT64, 1L << 31, 1L << 30));
  }

  @Test
  void memory() {
    // 2^62 bytes: more segments than an array can count; 4 TiB: more than the system gives.
    assertEquals(
        "no room for a matrix of 4611686018427387904 bytes off the heap; raise"
            + " -XX:MaxDirectMemorySize (its default is the maximum heap size)",
        assertThrows(
                MemoryExhaustedException.class,
                () -> Matrix.allocate(ElementType.FLOAT32, 1L << 30, 1L << 30))
            .getMessage());
    long before = Matrix.liveBytes();
    assertThrows(
        MemoryExhaustedException.class,
        () -> Matrix.allocate(ElementType.FLOAT32, 1 << 20, 1 << 20));
    assertTrue(Matrix.liveBytes() <= before, "a failed allocation counts nothing");
  }

  @Test
  void arrays() {
    refused("values is of shape [0, 0] but must be non-empty", () -> Matrix.of(new double[0][0]));
    refused("values is of shape [2, 0] but must be non-empty", () -> Matrix.of(new float[2][0]));
    refused(
        "row 1 is of length 3 but must be as long as row 0 (2)",
        () -> Matrix.of(new double[][] {{1, 2}, {1, 2, 3}}));
    refused(
        "row 2 is of length 1 but must be as long as row 0 (2)",
        () -> Matrix.of(new float[][] {{1, 2}, {1, 2}, {1}}));
  }

  @Test
  void positions() {
    refused("row is -1 but must be between 0 and 2", () -> matrix.get(-1, 0));
    refused("row is 3 but must be between 0 and 2", () -> matrix.set(3, 0, 1));
    refused("column is 4 but must be between 0 and 3", () -> matrix.get(0, 4));
    refused("column is -1 but must be between 0 and 3", () -> matrix.set(0, -1, 1));
    refused("row is 4 but must be between 0 and 3", () -> matrix.transpose().get(4, 0));
    refused("row is 1 but must be between 0 and 0", () -> matrix.rowRange(1, 2).get(1, 0));
    refused("row is 3 but must be between 0 and 2", () -> matrix.contiguousRows(3));
  }

  @Test
  void ranges() {
    refused(
        "row range is [0, 4) but must be non-empty and within [0, 3)", () -> matrix.rowRange(0, 4));
    refused(
        "row range is [-1, 2) but must be non-empty and within [0, 3)",
        () -> matrix.rowRange(-1, 2));
    refused(
        "column range is [2, 2) but must be non-empty and within [0, 4)",
        () -> matrix.columnRange(2, 2));
    refused(
        "column range is [3, 1) but must be non-empty and within [0, 4)",
        () -> matrix.columnRange(3, 1));
  }

  @Test
  void parts() {
    float[] single = new float[4];
    double[] wide = new double[4];
    refused(
        "length is 4 but must be between 0 and 3 from column 1",
        () -> matrix.readRow(0, 1, single, 0, 4));
    refused(
        "length is -1 but must be between 0 and 4 from column 0",
        () -> matrix.readRow(0, 0, wide, 0, -1));
    refused("row is 3 but must be between 0 and 2", () -> matrix.writeRow(3, 0, single, 0, 4));
    refused("column is -2 but must be between 0 and 3", () -> matrix.writeRow(0, -2, wide, 0, 2));
    refused(
        "target of length 4 is asked for 3 elements from 2 on but must be long enough",
        () -> matrix.readRow(0, 0, single, 2, 3));
    refused(
        "target of length 4 is asked for 1 elements from -1 on but must be long enough",
        () -> matrix.transpose().readRow(0, 0, wide, -1, 1));
    refused(
        "source of length 4 is asked for 3 elements from 2 on but must be long enough",
        () -> matrix.transpose().writeRow(0, 0, single, 2, 3));
    refused(
        "source of length 4 is asked for 1 elements from 4 on but must be long enough",
        () -> matrix.writeRow(0, 0, wide, 4, 1));
    assertEquals(0, matrix.get(0, 0), "a refused write leaves the matrix as it was");
  }

  @Test
  void nativeRows() {
    refused("count is 0 but must be between 1 and 3 for row 0", () -> matrix.rowBytes(0, 0));
    refused("count is 3 but must be between 1 and 2 for row 1", () -> matrix.rowBytes(1, 3));
    refused(
        "count is 1 but must be between 1 and 0 for row 1",
        () -> matrix.transpose().rowBytes(1, 1));
  }
}
