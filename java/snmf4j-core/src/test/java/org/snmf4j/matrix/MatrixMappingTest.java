package org.snmf4j.matrix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;

/** Matrices over files, among them sparse ones of many gigabytes. */
class MatrixMappingTest {
  @TempDir Path directory;

  private Matrix map(
      Path file,
      long position,
      ElementType type,
      long rows,
      long columns,
      boolean rowMajor,
      ByteOrder order)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return Matrix.map(channel, position, type, rows, columns, rowMajor, order);
    }
  }

  /** {@code offset} zero bytes, then the floats 0.5, 1.5, 2.5, … */
  private Path floats(int offset, int count, ByteOrder order) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(offset + 4 * count).order(order);
    for (int i = 0; i < count; i++) {
      bytes.putFloat(offset + 4 * i, i + 0.5f);
    }
    return Files.write(Files.createTempFile(directory, "floats", ""), bytes.array());
  }

  @Test
  void layoutsOrdersAndOffsets() throws IOException {
    for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
      for (int offset : new int[] {0, 1, 2, 3, 4, 4099}) {
        Path file = floats(offset, 12, order);
        try (Matrix rows = map(file, offset, ElementType.FLOAT32, 3, 4, true, order);
            Matrix columns = map(file, offset, ElementType.FLOAT32, 4, 3, false, order)) {
          assertTrue(rows.isRowMajor());
          for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 4; j++) {
              assertEquals(4 * i + j + 0.5, rows.get(i, j));
              assertEquals(4 * i + j + 0.5, columns.get(j, i));
            }
          }
          float[] row = new float[3];
          columns.readRow(3, 0, row, 0, 3);
          assertArrayEquals(new float[] {3.5f, 7.5f, 11.5f}, row);
          assertArrayEquals(rows.toArray()[2], columns.transpose().toArray()[2]);
          // Native code must never see foreign or unaligned numbers.
          boolean fit = order == ByteOrder.nativeOrder() && offset % 4 == 0;
          assertEquals(fit ? 3 : 0, rows.contiguousRows(0));
          assertEquals(fit ? 3 : 0, columns.transpose().contiguousRows(0));
        }
      }
    }
  }

  @Test
  void mappingsAreReadOnlyAndClose() throws IOException {
    Path file = floats(0, 12, ByteOrder.LITTLE_ENDIAN);
    long before = Matrix.liveBytes();
    Matrix matrix = map(file, 0, ElementType.FLOAT32, 3, 4, true, ByteOrder.LITTLE_ENDIAN);
    assertTrue(Matrix.liveBytes() <= before, "a mapped file is not counted");
    String message = "matrix is a read-only mapping but must be writable";
    refused(message, () -> matrix.set(0, 0, 1));
    refused(message, () -> matrix.writeRow(0, 0, new float[4], 0, 4));
    refused(message, () -> matrix.transpose().writeRow(0, 0, new double[3], 0, 3));
    assertTrue(matrix.rowBytes(0, 1).isReadOnly());
    matrix.close();
    matrix.close();
    assertThrows(ClosedException.class, () -> matrix.get(0, 0));
  }

  @Test
  void theFileMustHoldTheElements() throws IOException {
    Path file = floats(0, 12, ByteOrder.LITTLE_ENDIAN);
    refused(
        "position is 1 but must be such that 48 bytes follow in a file of 48",
        () -> map(file, 1, ElementType.FLOAT32, 3, 4, true, ByteOrder.LITTLE_ENDIAN));
    refused(
        "position is -1 but must be such that 48 bytes follow in a file of 48",
        () -> map(file, -1, ElementType.FLOAT32, 3, 4, true, ByteOrder.LITTLE_ENDIAN));
    refused(
        "position is 0 but must be such that 96 bytes follow in a file of 48",
        () -> map(file, 0, ElementType.FLOAT64, 3, 4, true, ByteOrder.LITTLE_ENDIAN));
    refused(
        "columns is 0 but must be at least 1",
        () -> map(file, 0, ElementType.FLOAT64, 3, 0, true, ByteOrder.LITTLE_ENDIAN));
  }

  @Test
  void rowsThatStraddleASegment() throws IOException {
    // Rows of 12 000 bytes do not divide a gibibyte: row 89 478 lies across the border.
    long columns = 3000;
    long rows = 90_000;
    long row = (1L << 30) / (4 * columns);
    int split = (int) ((1L << 30) / 4 - row * columns);
    Path file = directory.resolve("sparse");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(8 + rows * columns * 4);
      put(sparse, 8 + (row * columns + split - 1) * 4, 1.25f);
      put(sparse, 8 + (row * columns + split) * 4, 2.5f);
      put(sparse, 8 + ((row + 1) * columns - 1) * 4, Float.POSITIVE_INFINITY);
    }
    try (Matrix matrix =
        map(file, 8, ElementType.FLOAT32, rows, columns, true, ByteOrder.LITTLE_ENDIAN)) {
      float[] single = new float[(int) columns];
      double[] wide = new double[(int) columns];
      matrix.readRow(row, 0, single, 0, single.length);
      matrix.readRow(row, 0, wide, 0, wide.length);
      float[] expected = new float[(int) columns];
      expected[split - 1] = 1.25f;
      expected[split] = 2.5f;
      expected[expected.length - 1] = Float.POSITIVE_INFINITY;
      assertArrayEquals(expected, single);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], wide[i]);
      }
      float[] part = new float[2];
      matrix.readRow(row, split - 1, part, 0, 2);
      assertArrayEquals(new float[] {1.25f, 2.5f}, part);

      assertEquals(row, matrix.contiguousRows(0));
      assertEquals(1, matrix.contiguousRows(row - 1));
      assertEquals(0, matrix.contiguousRows(row));
      assertEquals(rows - row - 1, matrix.contiguousRows(row + 1));
      assertEquals(row * columns * 4, matrix.rowBytes(0, row).remaining());
      assertEquals(1, matrix.columnRange(0, split).contiguousRows(row));
      assertEquals(
          2.5f,
          matrix
              .columnRange(split, columns)
              .rowBytes(row, 1)
              .order(ByteOrder.LITTLE_ENDIAN)
              .getFloat(0));
      try (Matrix copy = matrix.rowRange(row, row + 2).copy(ElementType.FLOAT64)) {
        assertEquals(2.5, copy.get(0, split));
      }
      NonFiniteValueException thrown =
          assertThrows(
              NonFiniteValueException.class,
              () -> matrix.rowRange(row - 10, row + 10).requireFinite("A"));
      assertEquals(10, thrown.row());
      assertEquals(columns - 1, thrown.column());
    }
    Files.delete(file);
  }

  @Test
  void moreElementsThanAnIntCounts() throws IOException {
    // 14336 neurons by 160 000 tokens: 2.29e9 elements, 9.2 GB. A hole takes no room on the disk.
    long rows = 14_336;
    long columns = 160_000;
    Path file = directory.resolve("sparse");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(rows * columns * 4);
      put(sparse, (rows * columns - 1) * 4, 42);
      put(sparse, (14_000 * columns + 7) * 4, 43);
    }
    try (Matrix matrix =
        map(file, 0, ElementType.FLOAT32, rows, columns, true, ByteOrder.LITTLE_ENDIAN)) {
      assertTrue(rows * columns > Integer.MAX_VALUE);
      assertEquals(42, matrix.get(rows - 1, columns - 1));
      assertEquals(0, matrix.get(rows - 1, columns - 2));
      assertEquals(43, matrix.transpose().get(7, 14_000));
      assertEquals(43, matrix.rowRange(13_999, rows).columnRange(7, 9).get(1, 0));
      float[] end = new float[3];
      matrix.readRow(rows - 1, columns - 3, end, 0, 3);
      assertArrayEquals(new float[] {0, 0, 42}, end);
      assertEquals(42, matrix.rowBytes(rows - 1, 1).getFloat((int) (columns - 1) * 4));
    }
    try (Matrix matrix =
        map(file, 0, ElementType.FLOAT32, columns, rows, false, ByteOrder.LITTLE_ENDIAN)) {
      assertEquals(42, matrix.get(columns - 1, rows - 1));
      assertEquals(43, matrix.get(7, 14_000));
    }
    Files.delete(file);
  }

  private static void put(RandomAccessFile file, long position, float value) throws IOException {
    file.seek(position);
    file.writeInt(Integer.reverseBytes(Float.floatToRawIntBits(value)));
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(InvalidArgumentException.class, call).getMessage());
  }
}
