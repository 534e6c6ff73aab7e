package org.snmf4j.backend.reference;

import org.snmf4j.backend.Precision;
import org.snmf4j.error.MemoryExhaustedException;
import org.snmf4j.matrix.Matrix;

/**
 * A matrix cut into panels of {@value #WIDTH} tokens, row-major inside a panel; the last one is
 * padded with zeros. Everything that concerns a token lies in one panel, so panels are the unit of
 * work.
 */
final class Panels {
  static final int WIDTH = 64;

  final int rows;
  final long tokens;
  final double[][] data;

  private Panels(int rows, long tokens, double[][] data) {
    this.rows = rows;
    this.tokens = tokens;
    this.data = data;
  }

  static Panels allocate(int rows, long tokens) {
    long panels = (tokens + WIDTH - 1) / WIDTH;
    long bytes = panels * rows * WIDTH * Double.BYTES;
    if (panels > Integer.MAX_VALUE - 8 || (long) rows * WIDTH > Integer.MAX_VALUE - 8) {
      throw new MemoryExhaustedException(
          "the java backend cannot hold " + rows + " x " + tokens + " values");
    }
    try {
      return new Panels(rows, tokens, new double[(int) panels][rows * WIDTH]);
    } catch (OutOfMemoryError e) {
      throw new MemoryExhaustedException(
          "the java backend needs "
              + bytes
              + " bytes of heap for "
              + rows
              + " x "
              + tokens
              + " values; raise -Xmx or use a native backend",
          e);
    }
  }

  /** Every {@code stride}-th panel, shared; without a last one of fewer tokens unless alone. */
  Panels sample(int stride) {
    if (tokens < WIDTH) {
      return this;
    }
    int full = (int) (tokens / WIDTH);
    double[][] chosen = new double[(full - 1) / stride + 1][];
    for (int p = 0; p < chosen.length; p++) {
      chosen[p] = data[p * stride];
    }
    return new Panels(rows, (long) chosen.length * WIDTH, chosen);
  }

  long bytes() {
    return (long) data.length * rows * WIDTH * Double.BYTES;
  }

  /** Copies {@code [rows, tokens]} values in. */
  void upload(Matrix values) {
    if (values.isRowMajor()) {
      double[] row = new double[(int) Math.min(tokens, 1 << 14)];
      for (int i = 0; i < rows; i++) {
        for (long from = 0; from < tokens; from += row.length) {
          int length = (int) Math.min(row.length, tokens - from);
          values.readRow(i, from, row, 0, length);
          for (int t = 0; t < length; t++) {
            long token = from + t;
            data[(int) (token / WIDTH)][i * WIDTH + (int) (token % WIDTH)] = row[t];
          }
        }
      }
    } else {
      Matrix tokenMajor = values.transpose();
      double[] column = new double[rows];
      for (long token = 0; token < tokens; token++) {
        tokenMajor.readRow(token, 0, column, 0, rows);
        double[] panel = data[(int) (token / WIDTH)];
        int at = (int) (token % WIDTH);
        for (int i = 0; i < rows; i++) {
          panel[i * WIDTH + at] = column[i];
        }
      }
    }
  }

  /** Copies chosen columns of {@code values} in. */
  void upload(Matrix values, long[] columns) {
    for (int token = 0; token < columns.length; token++) {
      double[] panel = data[token / WIDTH];
      int at = token % WIDTH;
      for (int i = 0; i < rows; i++) {
        panel[i * WIDTH + at] = values.get(i, columns[token]);
      }
    }
  }

  /** Makes the values what the precision can store; they stay float64. */
  void round(Precision precision) {
    if (precision != Precision.FP32) {
      for (double[] panel : data) {
        for (int i = 0; i < panel.length; i++) {
          panel[i] = precision.round(panel[i]);
        }
      }
    }
  }

  /** Copies all values {@code [rows, tokens]} out. */
  void download(Matrix values) {
    for (int p = 0; p < data.length; p++) {
      long from = (long) p * WIDTH;
      int length = (int) Math.min(WIDTH, tokens - from);
      for (int i = 0; i < rows; i++) {
        values.writeRow(i, from, data[p], i * WIDTH, length);
      }
    }
  }
}
