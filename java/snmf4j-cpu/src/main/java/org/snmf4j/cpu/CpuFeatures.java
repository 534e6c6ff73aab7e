package org.snmf4j.cpu;

import java.nio.FloatBuffer;
import org.snmf4j.backend.Features;
import org.snmf4j.cpu.CpuLibrary.FeatureColumns;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Features in native memory. */
final class CpuFeatures extends Features {
  /** Neurons moved at a time. */
  private static final int BLOCK = 256;

  final FeatureColumns columns;

  CpuFeatures(CpuBackend owner, int neurons, int rank, FeatureColumns columns) {
    super(owner, neurons, rank);
    this.columns = columns;
  }

  @Override
  protected void doUpload(Matrix values) {
    for (int from = 0; from < neurons(); from += BLOCK) {
      int count = Math.min(BLOCK, neurons() - from);
      int status =
          CpuLibrary.snmf4j_features_write(
              columns, CpuLibrary.FLOAT32, Transfer.copyRows(values, from, count), from, count);
      if (status == CpuLibrary.NON_FINITE) {
        throw new InvalidArgumentException(
            "features",
            "larger than float32 somewhere",
            "at most " + Float.MAX_VALUE + " in magnitude");
      }
      NativeCalls.check(status, "upload the features");
    }
  }

  @Override
  protected Matrix doDownload() {
    return Blocks.read(
        neurons(),
        rank(),
        (target, from, count) -> CpuLibrary.snmf4j_features_read(columns, target, from, count));
  }

  @Override
  protected void free() {
    CpuLibrary.snmf4j_features_destroy(columns);
    columns.setNull();
  }

  /** Copies native rows into a matrix, some at a time. */
  static final class Blocks {
    interface Reader {
      int read(FloatBuffer target, int from, int count);
    }

    private Blocks() {}

    static Matrix read(int rows, int columns, Reader reader) {
      Matrix values = Matrix.allocate(ElementType.FLOAT32, rows, columns);
      FloatBuffer block = Transfer.floats((long) BLOCK * columns);
      float[] row = new float[columns];
      for (int from = 0; from < rows; from += BLOCK) {
        int count = Math.min(BLOCK, rows - from);
        NativeCalls.check(reader.read(block, from, count), "download");
        for (int i = 0; i < count; i++) {
          block.get(i * columns, row);
          values.writeRow(from + i, 0, row, 0, columns);
        }
      }
      return values;
    }
  }
}
