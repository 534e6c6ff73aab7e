package org.snmf4j.tck;

import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** The ways in which the same values can lie in memory. */
enum Layout {
  ROW_MAJOR {
    @Override
    Matrix of(double[][] values, ElementType type) {
      return copy(values, type);
    }
  },
  COLUMN_MAJOR {
    @Override
    Matrix of(double[][] values, ElementType type) {
      return copy(Plain.transpose(values), type).transpose();
    }
  },
  /** Inside a larger matrix whose other elements are NaN: reading one of them shows. */
  SUB_RANGE {
    @Override
    Matrix of(double[][] values, ElementType type) {
      return inside(values, type);
    }
  },
  TRANSPOSED_SUB_RANGE {
    @Override
    Matrix of(double[][] values, ElementType type) {
      return inside(Plain.transpose(values), type).transpose();
    }
  };

  /** A matrix of these values; never closed by tests, since views cannot be: the collector is. */
  abstract Matrix of(double[][] values, ElementType type);

  private static Matrix copy(double[][] values, ElementType type) {
    Matrix matrix = Matrix.allocate(type, values.length, values[0].length);
    for (int i = 0; i < values.length; i++) {
      matrix.writeRow(i, 0, values[i], 0, values[i].length);
    }
    return matrix;
  }

  private static Matrix inside(double[][] values, ElementType type) {
    int rows = values.length;
    int columns = values[0].length;
    double[][] framed = new double[rows + 3][columns + 5];
    for (double[] row : framed) {
      java.util.Arrays.fill(row, Double.NaN);
    }
    for (int i = 0; i < rows; i++) {
      System.arraycopy(values[i], 0, framed[i + 2], 3, columns);
    }
    return copy(framed, type).rowRange(2, 2 + rows).columnRange(3, 3 + columns);
  }
}
