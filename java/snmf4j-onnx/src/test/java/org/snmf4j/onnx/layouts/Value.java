package org.snmf4j.onnx.layouts;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * A tensor of a graph with its values, computed apart from ONNX Runtime in double precision.
 *
 * @param name the tensor
 * @param rows {@code [tokens, width]}; a constant vector has one row
 */
record Value(String name, double[][] rows) {
  int columns() {
    return rows[0].length;
  }

  /** The same values under another name. */
  Value as(String other) {
    return new Value(other, rows);
  }

  double[][] map(DoubleUnaryOperator function) {
    double[][] result = new double[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      result[i] = java.util.Arrays.stream(rows[i]).map(function).toArray();
    }
    return result;
  }

  /** Elementwise with another value, either of them perhaps one row or one column. */
  double[][] with(Value other, DoubleBinaryOperator function) {
    int height = Math.max(rows.length, other.rows.length);
    int width = Math.max(columns(), other.columns());
    double[][] result = new double[height][width];
    for (int i = 0; i < height; i++) {
      for (int j = 0; j < width; j++) {
        result[i][j] = function.applyAsDouble(at(i, j), other.at(i, j));
      }
    }
    return result;
  }

  private double at(int row, int column) {
    return rows[rows.length == 1 ? 0 : row][columns() == 1 ? 0 : column];
  }

  double[][] times(Value matrix) {
    double[][] result = new double[rows.length][matrix.columns()];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < columns(); k++) {
        for (int j = 0; j < matrix.columns(); j++) {
          result[i][j] += rows[i][k] * matrix.rows[k][j];
        }
      }
    }
    return result;
  }

  double[][] transposed() {
    double[][] result = new double[columns()][rows.length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < columns(); j++) {
        result[j][i] = rows[i][j];
      }
    }
    return result;
  }

  /** Columns {@code from}, {@code from + step}, ... below {@code to}. */
  double[][] columns(int from, int to, int step) {
    int width = (to - from + step - 1) / step;
    double[][] result = new double[rows.length][width];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < width; j++) {
        result[i][j] = rows[i][from + j * step];
      }
    }
    return result;
  }

  /** Each row over its root mean square, after its mean was taken away if {@code centred}. */
  double[][] normed(boolean centred, double epsilon) {
    double[][] result = new double[rows.length][columns()];
    for (int i = 0; i < rows.length; i++) {
      double mean = 0;
      for (double value : rows[i]) {
        mean += centred ? value / columns() : 0;
      }
      double square = epsilon;
      for (double value : rows[i]) {
        square += (value - mean) * (value - mean) / columns();
      }
      for (int j = 0; j < columns(); j++) {
        result[i][j] = (rows[i][j] - mean) / Math.sqrt(square);
      }
    }
    return result;
  }
}
