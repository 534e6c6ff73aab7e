package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.MemoryExhaustedException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * NumPy's {@code .npy} files of one or two dimensions, format versions 1.0, 2.0 and 3.0, as <a
 * href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">numpy.lib.format</a>
 * describes them.
 *
 * <p>One array per file: bytes after the array are refused, as are empty arrays. As a matrix, an
 * array of one dimension is refused too, because whether it is a row or a column is for the user to
 * say.
 */
public final class NpyFile {
  private NpyFile() {}

  /**
   * Maps a file of float32 or float64, either byte order, C or Fortran order.
   *
   * @param file an array of shape {@code [rows, columns]}
   * @return a read-only matrix over the file, which must not be shortened while it lives
   * @throws FileFormatException where the file is malformed, truncated or holds anything else
   * @throws FileAccessException where the file cannot be read
   */
  public static Matrix read(Path file) {
    return read(file, false);
  }

  /**
   * Reads a vector of float32 or float64, either byte order; float64 is rounded.
   *
   * @param file an array of shape {@code [n]}, {@code [1, n]} or {@code [n, 1]}
   * @return its n elements
   * @throws FileFormatException as {@link #read(Path)}, like the others there
   */
  public static float[] readVector(Path file) {
    try (Matrix matrix = read(file, true)) {
      if (matrix.rows() != 1 && matrix.columns() != 1
          || matrix.rows() * matrix.columns() > Integer.MAX_VALUE - 8) {
        throw new FileFormatException(
            file,
            "has shape ("
                + matrix.rows()
                + ", "
                + matrix.columns()
                + ") but must be a vector: (n,), (1, n) or (n, 1), n below 2147483640");
      }
      Matrix row = matrix.rows() == 1 ? matrix : matrix.transpose();
      float[] values = new float[(int) row.columns()];
      row.readRow(0, 0, values, 0, values.length);
      return values;
    }
  }

  private static Matrix read(Path file, boolean row) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      NpyHeader header = NpyHeader.read(channel, file, row);
      if (header.kind() != 'f' || (header.bytes() != 4 && header.bytes() != 8)) {
        throw header.unsupported(file, "float32 and float64 ('<f4', '<f8', '>f4', '>f8')");
      }
      header.requireData(channel, file);
      return Matrix.map(
          channel,
          header.dataStart(),
          header.bytes() == 4 ? ElementType.FLOAT32 : ElementType.FLOAT64,
          header.rows(),
          header.columns(),
          !header.fortranOrder(),
          header.order());
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  /**
   * Reads a file of integers: signed of 8 to 64 bits or unsigned of 8 to 32 bits, either byte
   * order, C or Fortran order.
   *
   * @param file an array of shape {@code [rows, columns]}, or {@code [columns]} for one row
   * @return the elements, {@code [rows][columns]}
   * @throws FileFormatException where the file is malformed, truncated or holds anything else
   * @throws FileAccessException where the file cannot be read
   * @throws MemoryExhaustedException where the heap does not hold the elements
   */
  public static long[][] readIntegers(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      NpyHeader header = NpyHeader.read(channel, file, true);
      int widest = header.kind() == 'i' ? 8 : header.kind() == 'u' ? 4 : 0;
      if (Integer.bitCount(header.bytes()) != 1 || header.bytes() > widest) {
        throw header.unsupported(file, "int8 to int64 and uint8 to uint32 ('<i8', '<i4', …)");
      }
      header.requireData(channel, file);
      return integers(channel, file, header);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  /**
   * Writes a matrix in C order, float32 or float64 as its elements are, little-endian, format 1.0.
   * The file appears whole or not at all; any size is written block by block.
   *
   * @throws FileAccessException as in {@link AtomicFile#write}
   */
  public static void write(Path file, Matrix matrix) {
    String dictionary =
        "{'descr': '<f"
            + matrix.type().bytes()
            + "', 'fortran_order': False, 'shape': ("
            + matrix.rows()
            + ", "
            + matrix.columns()
            + "), }";
    int start = (NpyHeader.MAGIC.length() + 4 + dictionary.length() + 1 + 63) / 64 * 64;
    ByteBuffer header = ByteBuffer.allocate(start).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    header.put(NpyHeader.MAGIC.getBytes(StandardCharsets.ISO_8859_1));
    header.put((byte) 1).put((byte) 0).putShort((short) (start - NpyHeader.MAGIC.length() - 4));
    header.put(dictionary.getBytes(StandardCharsets.ISO_8859_1));
    while (header.remaining() > 1) {
      header.put((byte) ' ');
    }
    header.put((byte) '\n').flip();
    AtomicFile.write(
        file,
        channel -> {
          FileBytes.write(channel, header);
          MatrixBytes.write(channel, matrix, matrix.type(), "matrix");
        });
  }

  private static long[][] integers(FileChannel channel, Path file, NpyHeader header)
      throws IOException {
    if (header.rows() > Integer.MAX_VALUE - 8 || header.columns() > Integer.MAX_VALUE - 8) {
      throw new FileFormatException(
          file,
          "shape ("
              + header.rows()
              + ", "
              + header.columns()
              + ") does not fit into Java arrays; the limit is 2147483639 each way");
    }
    int rows = (int) header.rows();
    int columns = (int) header.columns();
    long[][] values;
    try {
      values = new long[rows][columns];
    } catch (OutOfMemoryError e) {
      throw new MemoryExhaustedException(
          "no room on the heap for " + rows + " by " + columns + " integers of " + file, e);
    }
    int lines = header.fortranOrder() ? columns : rows;
    int length = header.fortranOrder() ? rows : columns;
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(header.order());
    int perBuffer = buffer.capacity() / header.bytes();
    long position = header.dataStart();
    for (int line = 0; line < lines; line++) {
      for (int at = 0; at < length; at += perBuffer) {
        int part = Math.min(perBuffer, length - at);
        buffer.clear().limit(part * header.bytes());
        FileBytes.read(channel, file, position, buffer);
        position += buffer.limit();
        for (int i = 0; i < part; i++) {
          long value = integer(buffer, header);
          if (header.fortranOrder()) {
            values[at + i][line] = value;
          } else {
            values[line][at + i] = value;
          }
        }
      }
    }
    return values;
  }

  private static long integer(ByteBuffer buffer, NpyHeader header) {
    boolean signed = header.kind() == 'i';
    switch (header.bytes()) {
      case 1:
        byte one = buffer.get();
        return signed ? one : Byte.toUnsignedLong(one);
      case 2:
        short two = buffer.getShort();
        return signed ? two : Short.toUnsignedLong(two);
      case 4:
        int four = buffer.getInt();
        return signed ? four : Integer.toUnsignedLong(four);
      default:
        return buffer.getLong();
    }
  }
}
