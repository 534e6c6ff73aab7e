package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Streams a matrix into a file: little-endian, row by row, whatever its layout in memory. */
final class MatrixBytes {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int BAND_ELEMENTS = 1 << 20;

  private final FileChannel channel;
  private final ElementType target;
  private final String name;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private MatrixBytes(FileChannel channel, ElementType target, String name) {
    this.channel = channel;
    this.target = target;
    this.name = name;
  }

  /**
   * @param target type of the elements in the file
   * @param name what to call the matrix in a message
   * @throws InvalidArgumentException where a finite element is too large for the target type
   */
  static void write(FileChannel channel, Matrix matrix, ElementType target, String name)
      throws IOException {
    MatrixBytes bytes = new MatrixBytes(channel, target, name);
    if (matrix.isRowMajor() || matrix.columns() > BAND_ELEMENTS) {
      bytes.writeRows(matrix);
    } else {
      bytes.writeBands(matrix);
    }
    bytes.flush();
  }

  private void writeRows(Matrix matrix) throws IOException {
    long columns = matrix.columns();
    double[] part = new double[(int) Math.min(columns, 1 << 16)];
    for (long row = 0; row < matrix.rows(); row++) {
      for (long column = 0; column < columns; column += part.length) {
        int length = (int) Math.min(part.length, columns - column);
        matrix.readRow(row, column, part, 0, length);
        for (int i = 0; i < length; i++) {
          put(row, column + i, part[i]);
        }
      }
    }
  }

  /** Reads column by column, as the elements lie, many rows at a time. */
  private void writeBands(Matrix matrix) throws IOException {
    int columns = (int) matrix.columns();
    int height = (int) Math.min(matrix.rows(), Math.max(1, BAND_ELEMENTS / columns));
    double[] band = new double[height * columns];
    for (long row = 0; row < matrix.rows(); row += height) {
      int length = (int) Math.min(height, matrix.rows() - row);
      Matrix byColumns = matrix.rowRange(row, row + length).transpose();
      for (int column = 0; column < columns; column++) {
        byColumns.readRow(column, 0, band, column * height, length);
      }
      for (int i = 0; i < length; i++) {
        for (int column = 0; column < columns; column++) {
          put(row + i, column, band[column * height + i]);
        }
      }
    }
  }

  private void put(long row, long column, double value) throws IOException {
    if (buffer.remaining() < target.bytes()) {
      flush();
    }
    if (target == ElementType.FLOAT64) {
      buffer.putDouble(value);
      return;
    }
    float rounded = (float) value;
    if (Float.isInfinite(rounded) && !Double.isInfinite(value)) {
      throw new InvalidArgumentException(
          name + "[" + row + ", " + column + "]",
          value,
          "at most " + Float.MAX_VALUE + " in magnitude to be written as float32");
    }
    buffer.putFloat(rounded);
  }

  private void flush() throws IOException {
    buffer.flip();
    FileBytes.write(channel, buffer);
    buffer.clear();
  }
}
