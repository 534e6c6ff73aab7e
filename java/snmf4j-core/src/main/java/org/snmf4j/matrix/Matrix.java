package org.snmf4j.matrix;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;

/**
 * A dense matrix of float32 or float64 elements in off-heap memory (or a mapped file).
 *
 * <p>Shapes are {@code [rows, columns]}; sizes beyond 2<sup>31</sup> elements are addressable.
 * {@link #transpose()}, {@link #rowRange} and {@link #columnRange} are views: they share the
 * elements, copy nothing and keep them reachable.
 *
 * <p>Memory: a matrix owns its elements until {@link #close()}, after which any access through it
 * or its views throws {@link ClosedException}. Closing is idempotent; closing a view does nothing.
 * The memory returns to the system once the collector sees that nobody reaches it.
 *
 * <p>Threads: concurrent reads are safe. Writes need the caller's own ordering.
 */
public final class Matrix implements AutoCloseable {
  private final Storage storage;
  private final ElementType type;
  private final long rows;
  private final long columns;
  private final long offset;
  private final long rowStride;
  private final long columnStride;
  private final boolean owner;
  private final boolean readOnly;

  private Matrix(
      Storage storage,
      ElementType type,
      long rows,
      long columns,
      long offset,
      long rowStride,
      long columnStride,
      boolean owner,
      boolean readOnly) {
    this.storage = storage;
    this.type = type;
    this.rows = rows;
    this.columns = columns;
    this.offset = offset;
    this.rowStride = rowStride;
    this.columnStride = columnStride;
    this.owner = owner;
    this.readOnly = readOnly;
  }

  /**
   * A zero matrix, stored row by row.
   *
   * @param type element type
   * @param rows at least 1
   * @param columns at least 1
   */
  public static Matrix allocate(ElementType type, long rows, long columns) {
    requireShape(type, rows, columns);
    Storage storage = Storage.allocate(type, rows * columns);
    return new Matrix(storage, type, rows, columns, 0, columns, 1, true, false);
  }

  /** A float64 copy of {@code values}, all of whose rows have the same length. */
  public static Matrix of(double[][] values) {
    requireRectangle(values.length, values.length == 0 ? 0 : values[0].length);
    for (int i = 0; i < values.length; i++) {
      requireLength(i, values[i].length, values[0].length);
    }
    Matrix matrix = allocate(ElementType.FLOAT64, values.length, values[0].length);
    for (int i = 0; i < values.length; i++) {
      matrix.writeRow(i, 0, values[i], 0, values[i].length);
    }
    return matrix;
  }

  /** A float32 copy of {@code values}, all of whose rows have the same length. */
  public static Matrix of(float[][] values) {
    requireRectangle(values.length, values.length == 0 ? 0 : values[0].length);
    for (int i = 0; i < values.length; i++) {
      requireLength(i, values[i].length, values[0].length);
    }
    Matrix matrix = allocate(ElementType.FLOAT32, values.length, values[0].length);
    for (int i = 0; i < values.length; i++) {
      matrix.writeRow(i, 0, values[i], 0, values[i].length);
    }
    return matrix;
  }

  /**
   * A read-only matrix over part of a file, mapped and read on demand. The file may be closed, but
   * not shortened, while the matrix lives.
   *
   * @param channel a file open for reading
   * @param position byte at which the elements start
   * @param type element type
   * @param rows at least 1
   * @param columns at least 1
   * @param rowMajor whether the file holds row after row (C order) or column after column
   * @param order byte order of the elements
   * @throws InvalidArgumentException where the file ends before the elements do
   * @throws IOException where the system refuses to map it
   */
  public static Matrix map(
      FileChannel channel,
      long position,
      ElementType type,
      long rows,
      long columns,
      boolean rowMajor,
      ByteOrder order)
      throws IOException {
    requireShape(type, rows, columns);
    long size = rows * columns * type.bytes();
    if (position < 0 || channel.size() - position < size) {
      throw new InvalidArgumentException(
          "position",
          position,
          "such that " + size + " bytes follow in a file of " + channel.size());
    }
    ByteBuffer[] buffers = new ByteBuffer[Storage.segments(size)];
    for (int i = 0; i < buffers.length; i++) {
      long from = i * Storage.segmentBytes();
      long length = Math.min(Storage.segmentBytes(), size - from);
      buffers[i] = channel.map(FileChannel.MapMode.READ_ONLY, position + from, length).order(order);
    }
    Storage storage = Storage.mapped(type, buffers);
    return rowMajor
        ? new Matrix(storage, type, rows, columns, 0, columns, 1, true, true)
        : new Matrix(storage, type, rows, columns, 0, 1, rows, true, true);
  }

  /** Number of rows, at least 1. */
  public long rows() {
    return rows;
  }

  /** Number of columns, at least 1. */
  public long columns() {
    return columns;
  }

  /** Type of the elements. */
  public ElementType type() {
    return type;
  }

  /** Whether the elements of a row lie side by side; otherwise those of a column do. */
  public boolean isRowMajor() {
    return columnStride == 1;
  }

  /** The element at {@code row}, {@code column}. */
  public double get(long row, long column) {
    return storage.get(index(row, column));
  }

  /** Sets the element at {@code row}, {@code column}; a float32 matrix rounds. */
  public void set(long row, long column, double value) {
    requireWritable();
    storage.set(index(row, column), value);
  }

  /** A view of shape {@code [columns, rows]}. */
  public Matrix transpose() {
    return new Matrix(
        storage, type, columns, rows, offset, columnStride, rowStride, false, readOnly);
  }

  /** A view of the rows {@code from} (inclusive) to {@code to} (exclusive). */
  public Matrix rowRange(long from, long to) {
    requireRange("row", from, to, rows);
    return new Matrix(
        storage,
        type,
        to - from,
        columns,
        offset + from * rowStride,
        rowStride,
        columnStride,
        false,
        readOnly);
  }

  /** A view of the columns {@code from} (inclusive) to {@code to} (exclusive). */
  public Matrix columnRange(long from, long to) {
    requireRange("column", from, to, columns);
    return new Matrix(
        storage,
        type,
        rows,
        to - from,
        offset + from * columnStride,
        rowStride,
        columnStride,
        false,
        readOnly);
  }

  /** Copies {@code length} elements of a row, from {@code column} on, into {@code target}. */
  public void readRow(long row, long column, float[] target, int at, int length) {
    requireRoom("target", target.length, at, length);
    long index = span(row, column, length);
    if (columnStride == 1) {
      storage.read(index, target, at, length);
    } else {
      for (int i = 0; i < length; i++) {
        target[at + i] = (float) storage.get(index + i * columnStride);
      }
    }
  }

  /** Copies {@code length} elements of a row, from {@code column} on, into {@code target}. */
  public void readRow(long row, long column, double[] target, int at, int length) {
    requireRoom("target", target.length, at, length);
    long index = span(row, column, length);
    if (columnStride == 1) {
      storage.read(index, target, at, length);
    } else {
      for (int i = 0; i < length; i++) {
        target[at + i] = storage.get(index + i * columnStride);
      }
    }
  }

  /** Copies {@code length} elements into a row, from {@code column} on. */
  public void writeRow(long row, long column, float[] source, int at, int length) {
    requireWritable();
    requireRoom("source", source.length, at, length);
    long index = span(row, column, length);
    if (columnStride == 1) {
      storage.write(index, source, at, length);
    } else {
      for (int i = 0; i < length; i++) {
        storage.set(index + i * columnStride, source[at + i]);
      }
    }
  }

  /** Copies {@code length} elements into a row, from {@code column} on. */
  public void writeRow(long row, long column, double[] source, int at, int length) {
    requireWritable();
    requireRoom("source", source.length, at, length);
    long index = span(row, column, length);
    if (columnStride == 1) {
      storage.write(index, source, at, length);
    } else {
      for (int i = 0; i < length; i++) {
        storage.set(index + i * columnStride, source[at + i]);
      }
    }
  }

  /** A new matrix of the given type with the same elements, stored row by row. */
  public Matrix copy(ElementType target) {
    Matrix copy = allocate(target, rows, columns);
    copyTo(copy);
    return copy;
  }

  /** Copies all elements into a matrix of the same shape; a float32 target rounds. */
  public void copyTo(Matrix target) {
    if (target.rows != rows || target.columns != columns) {
      throw new InvalidArgumentException(
          "target",
          "of shape [" + target.rows + ", " + target.columns + "]",
          "of shape [" + rows + ", " + columns + "]");
    }
    if (isRowMajor()) {
      target.copyRows(this);
    } else {
      // Walk along what lies side by side in the source.
      target.transpose().copyRows(transpose());
    }
  }

  private void copyRows(Matrix source) {
    int width = (int) Math.min(columns, 1 << 16);
    double[] buffer = new double[width];
    for (long row = 0; row < rows; row++) {
      for (long column = 0; column < columns; column += width) {
        int length = (int) Math.min(width, columns - column);
        source.readRow(row, column, buffer, 0, length);
        writeRow(row, column, buffer, 0, length);
      }
    }
  }

  /** A heap copy, {@code [rows][columns]}; for matrices that fit there. */
  public double[][] toArray() {
    if (rows > Integer.MAX_VALUE - 8 || columns > Integer.MAX_VALUE - 8) {
      throw new InvalidArgumentException(
          "shape", "[" + rows + ", " + columns + "]", "below 2147483640 each way for an array");
    }
    double[][] array = new double[(int) rows][(int) columns];
    for (int i = 0; i < array.length; i++) {
      readRow(i, 0, array[i], 0, array[i].length);
    }
    return array;
  }

  /**
   * Throws unless every element is finite.
   *
   * @param name what to call this matrix in the message
   * @throws NonFiniteValueException naming the first offender
   */
  public void requireFinite(String name) {
    Matrix walk = isRowMajor() ? this : transpose();
    int width = (int) Math.min(walk.columns, 1 << 14);
    double[] buffer = new double[width];
    for (long row = 0; row < walk.rows; row++) {
      for (long column = 0; column < walk.columns; column += width) {
        int length = (int) Math.min(width, walk.columns - column);
        walk.readRow(row, column, buffer, 0, length);
        for (int i = 0; i < length; i++) {
          if (!Double.isFinite(buffer[i])) {
            throw walk == this
                ? new NonFiniteValueException(name, row, column + i, buffer[i])
                : new NonFiniteValueException(name, column + i, row, buffer[i]);
          }
        }
      }
    }
  }

  /**
   * How many whole rows, from {@code row} on, lie in one stretch of memory, so that {@link
   * #rowBytes} can hand them to native code; 0 where the row itself is split or not contiguous, or
   * where a mapped file holds the elements in foreign byte order or unaligned.
   */
  public long contiguousRows(long row) {
    long index = index(row, 0);
    if (!isRowMajor() || !storage.isNativeLayout()) {
      return 0;
    }
    long room = storage.contiguous(index);
    if (room < columns) {
      return 0;
    }
    return Math.min(rows - row, 1 + (room - columns) / Math.max(rowStride, 1));
  }

  /**
   * The memory of {@code count} rows from {@code row} on, without a copy: row {@code i} starts at
   * element {@code i * }{@link #rowStride()} of the buffer.
   *
   * @param count at most {@link #contiguousRows}
   */
  public ByteBuffer rowBytes(long row, long count) {
    if (count < 1 || count > contiguousRows(row)) {
      throw new InvalidArgumentException(
          "count", count, "between 1 and " + contiguousRows(row) + " for row " + row);
    }
    return storage.slice(index(row, 0), (count - 1) * rowStride + columns);
  }

  /** Elements between the starts of two neighbouring rows; of a row-major matrix at least a row. */
  public long rowStride() {
    // The stride of a single row is never walked; in a transposed column it would read as 1.
    return rows == 1 && isRowMajor() ? Math.max(rowStride, columns) : rowStride;
  }

  /** Bytes of off-heap memory that all live matrices of this process own, mapped files aside. */
  public static long liveBytes() {
    return Storage.liveBytes();
  }

  /** Whether the matrix, or the one that this is a view of, was closed. */
  public boolean isClosed() {
    return storage.isClosed();
  }

  @Override
  public void close() {
    if (owner) {
      storage.close();
    }
  }

  @Override
  public String toString() {
    return "Matrix[" + rows + ", " + columns + "] " + type;
  }

  private long index(long row, long column) {
    if (row < 0 || row >= rows) {
      throw new InvalidArgumentException("row", row, "between 0 and " + (rows - 1));
    }
    if (column < 0 || column >= columns) {
      throw new InvalidArgumentException("column", column, "between 0 and " + (columns - 1));
    }
    return offset + row * rowStride + column * columnStride;
  }

  private long span(long row, long column, int length) {
    if (length < 0 || column > columns - length) {
      throw new InvalidArgumentException(
          "length", length, "between 0 and " + (columns - column) + " from column " + column);
    }
    return length == 0 ? 0 : index(row, column);
  }

  private static void requireRoom(String array, int size, int at, int length) {
    if (at < 0 || length > size - at) {
      throw new InvalidArgumentException(
          array + " of length " + size,
          "asked for " + length + " elements from " + at + " on",
          "long enough");
    }
  }

  private void requireWritable() {
    if (readOnly) {
      throw new InvalidArgumentException("matrix", "a read-only mapping", "writable");
    }
  }

  private static void requireRange(String what, long from, long to, long size) {
    if (from < 0 || to > size || from >= to) {
      throw new InvalidArgumentException(
          what + " range", "[" + from + ", " + to + ")", "non-empty and within [0, " + size + ")");
    }
  }

  private static void requireShape(ElementType type, long rows, long columns) {
    if (rows < 1) {
      throw new InvalidArgumentException("rows", rows, "at least 1");
    }
    if (columns < 1) {
      throw new InvalidArgumentException("columns", columns, "at least 1");
    }
    if (Math.multiplyHigh(rows, columns) != 0
        || rows * columns < 0
        || rows * columns > Long.MAX_VALUE / type.bytes()) {
      throw new InvalidArgumentException(
          "shape", "[" + rows + ", " + columns + "]", "of fewer than 2^63 bytes");
    }
  }

  private static void requireRectangle(int rows, int columns) {
    if (rows == 0 || columns == 0) {
      throw new InvalidArgumentException(
          "values", "of shape [" + rows + ", " + columns + "]", "non-empty");
    }
  }

  private static void requireLength(int row, int length, int expected) {
    if (length != expected) {
      throw new InvalidArgumentException(
          "row " + row, "of length " + length, "as long as row 0 (" + expected + ")");
    }
  }
}
