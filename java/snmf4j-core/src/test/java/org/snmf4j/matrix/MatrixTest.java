package org.snmf4j.matrix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.error.NonFiniteValueException;

class MatrixTest {
  /** Element [i, j] is 100 i + j. */
  private static Matrix counted(ElementType type, long rows, long columns) {
    Matrix matrix = Matrix.allocate(type, rows, columns);
    for (long i = 0; i < rows; i++) {
      for (long j = 0; j < columns; j++) {
        matrix.set(i, j, 100 * i + j);
      }
    }
    return matrix;
  }

  @ParameterizedTest
  @EnumSource
  void startsAtZeroAndKeepsWhatIsSet(ElementType type) {
    try (Matrix matrix = Matrix.allocate(type, 3, 5)) {
      assertEquals(3, matrix.rows());
      assertEquals(5, matrix.columns());
      assertEquals(type, matrix.type());
      assertTrue(matrix.isRowMajor());
      for (double[] row : matrix.toArray()) {
        assertArrayEquals(new double[5], row);
      }
      matrix.set(2, 4, -7.5);
      assertEquals(-7.5, matrix.get(2, 4));
      assertEquals(0, matrix.get(2, 3));
      assertEquals("Matrix[3, 5] " + type, matrix.toString());
    }
  }

  @Test
  void float32Rounds() {
    try (Matrix matrix = Matrix.allocate(ElementType.FLOAT32, 1, 1)) {
      matrix.set(0, 0, 0.1);
      assertEquals(0.1f, matrix.get(0, 0));
    }
    try (Matrix matrix = Matrix.allocate(ElementType.FLOAT64, 1, 1)) {
      matrix.set(0, 0, 0.1);
      assertEquals(0.1, matrix.get(0, 0));
    }
  }

  @ParameterizedTest
  @EnumSource
  void viewsShareTheElements(ElementType type) {
    try (Matrix matrix = counted(type, 6, 7)) {
      Matrix transposed = matrix.transpose();
      assertEquals(7, transposed.rows());
      assertEquals(6, transposed.columns());
      assertFalse(transposed.isRowMajor());
      assertTrue(transposed.transpose().isRowMajor());

      Matrix inner = matrix.rowRange(1, 5).columnRange(2, 7).rowRange(1, 3).transpose();
      assertEquals(5, inner.rows());
      assertEquals(2, inner.columns());
      for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 2; j++) {
          assertEquals(100 * (j + 2) + i + 2, inner.get(i, j));
        }
      }
      Matrix same = matrix.transpose().columnRange(2, 4).rowRange(2, 7);
      for (int i = 0; i < 5; i++) {
        assertArrayEquals(inner.toArray()[i], same.toArray()[i]);
      }
      inner.set(4, 1, -1);
      assertEquals(-1, matrix.get(3, 6));
      matrix.set(2, 2, -2);
      assertEquals(-2, inner.get(0, 0));
      assertEquals(-2, same.get(0, 0));
    }
  }

  @ParameterizedTest
  @EnumSource
  void rowsAreReadAndWrittenInBothLayoutsAndPrecisions(ElementType type) {
    try (Matrix matrix = counted(type, 4, 6)) {
      for (Matrix view : new Matrix[] {matrix.columnRange(1, 6), matrix.transpose()}) {
        float[] single = {9, 9, 9, 9, 9};
        double[] wide = {9, 9, 9, 9, 9};
        view.readRow(2, 1, single, 2, 3);
        view.readRow(2, 1, wide, 2, 3);
        for (int i = 0; i < 5; i++) {
          double expected = i < 2 ? 9 : view.get(2, i - 1);
          assertEquals(expected, single[i]);
          assertEquals(expected, wide[i]);
        }
        view.writeRow(1, 0, new float[] {0, 11, 12, 13}, 1, 3);
        view.writeRow(0, 1, new double[] {21, 22, 23, 0}, 0, 3);
        assertEquals(11, view.get(1, 0));
        assertEquals(13, view.get(1, 2));
        assertEquals(21, view.get(0, 1));
        assertEquals(23, view.get(0, 3));
        view.readRow(0, 0, single, 0, 0);
      }
    }
  }

  @Test
  void arraysAreCopied() {
    double[][] wide = {{1, 2, 0.1}, {4, 5, 6}};
    float[][] single = {{1, 2, 0.1f}, {4, 5, 6}};
    try (Matrix doubles = Matrix.of(wide);
        Matrix floats = Matrix.of(single)) {
      wide[0][0] = 77;
      single[0][0] = 77;
      assertEquals(ElementType.FLOAT64, doubles.type());
      assertEquals(ElementType.FLOAT32, floats.type());
      assertArrayEquals(new double[] {1, 2, 0.1}, doubles.toArray()[0]);
      assertArrayEquals(new double[] {1, 2, 0.1f}, floats.toArray()[0]);
      assertArrayEquals(new double[] {4, 5, 6}, floats.toArray()[1]);
    }
  }

  @ParameterizedTest
  @EnumSource
  void copiesAreIndependentAndRowMajor(ElementType type) {
    try (Matrix matrix = counted(ElementType.FLOAT64, 3, 70_000)) {
      for (Matrix source : new Matrix[] {matrix, matrix.transpose().rowRange(65_000, 70_000)}) {
        try (Matrix copy = source.copy(type)) {
          assertTrue(copy.isRowMajor());
          assertEquals(type, copy.type());
          for (long i = 0; i < source.rows(); i++) {
            for (long j = 0; j < source.columns(); j++) {
              assertEquals(source.get(i, j), copy.get(i, j));
            }
          }
          copy.set(0, 0, -5);
          assertTrue(source.get(0, 0) >= 0);
        }
      }
    }
  }

  @Test
  void nativeMemoryOfRows() {
    try (Matrix matrix = counted(ElementType.FLOAT32, 5, 4)) {
      assertEquals(5, matrix.contiguousRows(0));
      assertEquals(2, matrix.contiguousRows(3));
      assertEquals(0, matrix.transpose().contiguousRows(0));
      ByteBuffer whole = matrix.rowBytes(1, 3);
      assertTrue(whole.isDirect());
      assertEquals(ByteOrder.nativeOrder(), whole.order());
      assertEquals(3 * 4 * 4, whole.remaining());
      assertEquals(303, whole.getFloat(11 * 4));

      Matrix inner = matrix.columnRange(1, 3).rowRange(1, 5);
      assertEquals(4, inner.contiguousRows(0));
      assertEquals(4, inner.rowStride());
      ByteBuffer strided = inner.rowBytes(0, 4);
      assertEquals((3 * 4 + 2) * 4, strided.remaining());
      assertEquals(402, strided.getFloat((3 * 4 + 1) * 4));
      strided.putFloat(0, -1);
      assertEquals(-1, matrix.get(1, 1));
    }
    try (Matrix column = counted(ElementType.FLOAT64, 5, 1)) {
      assertEquals(5, column.contiguousRows(0));
      assertEquals(5 * 8, column.rowBytes(0, 5).remaining());
      assertEquals(1, column.transpose().columnRange(1, 4).transpose().rowRange(2, 3).rows());
    }
  }

  @Test
  void theFirstElementThatIsNotFiniteIsNamedInBothLayouts() {
    int columns = 40_000; // several blocks of the walk
    try (Matrix matrix = Matrix.allocate(ElementType.FLOAT32, 3, columns)) {
      matrix.requireFinite("A");
      matrix.transpose().requireFinite("A");
      matrix.set(2, 1, Double.NaN);
      matrix.set(1, 39_999, Double.NEGATIVE_INFINITY);
      assertNotFinite(matrix, 1, 39_999, "-Infinity");
      assertNotFinite(matrix.columnRange(100, columns), 1, 39_899, "-Infinity");
      // A transpose is walked as its elements lie.
      assertNotFinite(matrix.transpose(), 39_999, 1, "-Infinity");
      assertNotFinite(matrix.rowRange(2, 3), 0, 1, "NaN");
      assertNotFinite(matrix.rowRange(2, 3).transpose(), 1, 0, "NaN");
      matrix.rowRange(0, 1).requireFinite("A");
      matrix.columnRange(2, 39_999).requireFinite("A");
    }
  }

  private static void assertNotFinite(Matrix matrix, long row, long column, String value) {
    NonFiniteValueException thrown =
        assertThrows(NonFiniteValueException.class, () -> matrix.requireFinite("A"));
    assertEquals(row, thrown.row());
    assertEquals(column, thrown.column());
    assertEquals(
        "A holds "
            + value
            + " at row "
            + row
            + ", column "
            + column
            + " but must be finite everywhere",
        thrown.getMessage());
  }
}
