package org.snmf4j.nativecode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.nativecode.Handles.Panels;

/**
 * Moves matrices between Java and native panels: straight from their memory where that is
 * contiguous and in native byte order, otherwise through a small buffer.
 */
final class Transfer {
  private static final int PANEL = 64;

  /** Elements of the small buffer. */
  private static final int BUFFER = 1 << 18;

  private Transfer() {}

  /**
   * Packs {@code [rows, tokens]} values.
   *
   * @param name what to call them in errors
   * @param search throws, naming it, if it finds a value that the panels refuse
   * @return the sum of their squares
   */
  static double write(
      Matrix values, NativeOperations library, Panels panels, String name, Runnable search) {
    return values.isRowMajor()
        ? writeRows(values, library, panels, name, search)
        : writeTokens(values.transpose(), library, panels, name, search);
  }

  private static double writeRows(
      Matrix values, NativeOperations library, Panels panels, String name, Runnable search) {
    double[] squares = new double[1];
    double total = 0;
    long count;
    for (long row = 0; row < values.rows(); row += count) {
      count = values.contiguousRows(row);
      ByteBuffer source;
      long stride;
      int type;
      if (count > 0) {
        source = values.rowBytes(row, count);
        stride = values.rowStride();
        type = type(values);
      } else {
        count = 1;
        source = copyRow(values, row);
        stride = values.columns();
        type = NativeOperations.FLOAT32;
      }
      int status =
          library.snmf4j_panels_write_rows(panels, type, source, stride, row, count, squares);
      check(library, status, name, search);
      total += squares[0];
    }
    return total;
  }

  private static double writeTokens(
      Matrix tokenMajor, NativeOperations library, Panels panels, String name, Runnable search) {
    double[] squares = new double[1];
    double total = 0;
    long tokens = tokenMajor.rows();
    long count;
    for (long token = 0; token < tokens; token += count) {
      count = tokenMajor.contiguousRows(token);
      if (token + count < tokens) {
        count -= count % PANEL;
      }
      ByteBuffer source;
      long stride;
      int type;
      if (count > 0) {
        source = tokenMajor.rowBytes(token, count);
        stride = tokenMajor.rowStride();
        type = type(tokenMajor);
      } else {
        count = Math.min(tokens - token, PANEL);
        source = copyRows(tokenMajor, token, (int) count);
        stride = tokenMajor.columns();
        type = NativeOperations.FLOAT32;
      }
      int status =
          library.snmf4j_panels_write_tokens(panels, type, source, stride, token, count, squares);
      check(library, status, name, search);
      total += squares[0];
    }
    return total;
  }

  /** Packs chosen columns of {@code values}. */
  static double write(
      Matrix values,
      long[] columns,
      NativeOperations library,
      Panels panels,
      String name,
      Runnable search) {
    Matrix tokenMajor = values.transpose();
    int rows = Math.toIntExact(values.rows());
    int block = Math.max(PANEL, BUFFER / rows / PANEL * PANEL);
    float[] column = new float[rows];
    FloatBuffer target = floats((long) block * rows);
    double[] squares = new double[1];
    double total = 0;
    for (int from = 0; from < columns.length; from += block) {
      int count = Math.min(block, columns.length - from);
      for (int t = 0; t < count; t++) {
        tokenMajor.readRow(columns[from + t], 0, column, 0, rows);
        target.put(t * rows, column);
      }
      int status =
          library.snmf4j_panels_write_tokens(
              panels, NativeOperations.FLOAT32, target, rows, from, count, squares);
      check(library, status, name, search);
      total += squares[0];
    }
    return total;
  }

  /** Unpacks into {@code [rows, tokens]} values. */
  static void read(NativeOperations library, Panels panels, Matrix values) {
    FloatBuffer line = null;
    float[] part = null;
    long count;
    for (long row = 0; row < values.rows(); row += count) {
      count = values.type() == ElementType.FLOAT32 ? values.contiguousRows(row) : 0;
      ByteBuffer target = count > 0 ? values.rowBytes(row, count) : null;
      if (target != null && !target.isReadOnly()) {
        NativeCalls.check(
            library,
            library.snmf4j_panels_read_rows(panels, target, values.rowStride(), row, count),
            "unpack");
        continue;
      }
      count = 1;
      if (line == null) {
        line = floats(values.columns());
        part = new float[(int) Math.min(BUFFER, values.columns())];
      }
      NativeCalls.check(
          library,
          library.snmf4j_panels_read_rows(panels, line, values.columns(), row, 1),
          "unpack");
      for (long from = 0; from < values.columns(); from += part.length) {
        int length = (int) Math.min(part.length, values.columns() - from);
        line.get((int) from, part, 0, length);
        values.writeRow(row, from, part, 0, length);
      }
    }
  }

  static int type(Matrix matrix) {
    return matrix.type() == ElementType.FLOAT32
        ? NativeOperations.FLOAT32
        : NativeOperations.FLOAT64;
  }

  private static ByteBuffer copyRow(Matrix values, long row) {
    return copyRows(values.rowRange(row, row + 1), 0, 1);
  }

  static ByteBuffer copyRows(Matrix values, long row, int count) {
    ByteBuffer bytes = bytes(values.columns() * count);
    FloatBuffer target = bytes.asFloatBuffer();
    float[] part = new float[(int) Math.min(BUFFER, values.columns())];
    for (int i = 0; i < count; i++) {
      for (long from = 0; from < values.columns(); from += part.length) {
        int length = (int) Math.min(part.length, values.columns() - from);
        values.readRow(row + i, from, part, 0, length);
        target.put(part, 0, length);
      }
    }
    return bytes;
  }

  static FloatBuffer floats(long count) {
    return bytes(count).asFloatBuffer();
  }

  private static ByteBuffer bytes(long count) {
    if (count > Integer.MAX_VALUE / Float.BYTES) {
      throw new InvalidArgumentException(
          "row length",
          count,
          "at most " + Integer.MAX_VALUE / Float.BYTES + " where a row crosses a memory segment");
    }
    return ByteBuffer.allocateDirect((int) count * Float.BYTES).order(ByteOrder.nativeOrder());
  }

  /** Turns a status into an exception; finds the element that was refused. */
  private static void check(NativeOperations library, int status, String name, Runnable search) {
    if (status == NativeOperations.NON_FINITE) {
      search.run();
      throw new InvalidArgumentException(
          name, "too large for float32 arithmetic somewhere", "at most 1e18 in magnitude");
    }
    NativeCalls.check(library, status, "pack the " + name);
  }
}
