package org.snmf4j.backend;

import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.error.ValueRangeException;
import org.snmf4j.matrix.Matrix;

/** Finds the activations that cannot be stored. */
final class Storable {
  private static final String NAME = "activations";

  private Storable() {}

  static void require(Matrix activations, long[] columns, Precision precision) {
    Matrix walk =
        columns == null && activations.isRowMajor() ? activations : activations.transpose();
    double[] buffer = new double[(int) Math.min(walk.columns(), 1 << 14)];
    long lines = columns == null ? walk.rows() : columns.length;
    for (long line = 0; line < lines; line++) {
      long row = columns == null ? line : columns[(int) line];
      for (long from = 0; from < walk.columns(); from += buffer.length) {
        int length = (int) Math.min(buffer.length, walk.columns() - from);
        walk.readRow(row, from, buffer, 0, length);
        for (int i = 0; i < length; i++) {
          if (walk == activations) {
            require(buffer[i], row, from + i, precision);
          } else {
            require(buffer[i], from + i, row, precision);
          }
        }
      }
    }
  }

  private static void require(double value, long row, long column, Precision precision) {
    if (!Double.isFinite(value)) {
      throw new NonFiniteValueException(NAME, row, column, value);
    }
    // A backend that computes in float64 keeps what float32 does not hold.
    if (precision != Precision.FP32 && Double.isInfinite(precision.round(value))) {
      throw new ValueRangeException(
          NAME,
          row,
          column,
          value,
          precision.toString(),
          precision.largest(),
          precision == Precision.FP16
              ? "store them in bf16, which has the range of fp32, or rescale them"
              : "rescale them");
    }
  }
}
