package org.snmf4j.nativecode;

import java.nio.FloatBuffer;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Copies native rows into a matrix, some at a time. */
final class Blocks {
  /** Moved at a time. */
  static final int ROWS = 256;

  interface Reader {
    int read(FloatBuffer target, int from, int count);
  }

  private Blocks() {}

  static Matrix read(NativeOperations library, int rows, int columns, Reader reader) {
    Matrix values = Matrix.allocate(ElementType.FLOAT32, rows, columns);
    FloatBuffer block = Transfer.floats((long) ROWS * columns);
    float[] row = new float[columns];
    for (int from = 0; from < rows; from += ROWS) {
      int count = Math.min(ROWS, rows - from);
      NativeCalls.check(library, reader.read(block, from, count), "download");
      for (int i = 0; i < count; i++) {
        block.get(i * columns, row);
        values.writeRow(from + i, 0, row, 0, columns);
      }
    }
    return values;
  }
}
