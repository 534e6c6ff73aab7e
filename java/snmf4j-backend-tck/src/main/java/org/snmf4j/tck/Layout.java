package org.snmf4j.tck;

import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** The ways in which the same values can lie in memory. */
enum Layout {
  ROW_MAJOR {
    @Override
    Held of(double[][] values, ElementType type) {
      Matrix owner = copy(values, type);
      return new Held(owner, owner);
    }
  },
  COLUMN_MAJOR {
    @Override
    Held of(double[][] values, ElementType type) {
      Matrix owner = copy(Plain.transpose(values), type);
      return new Held(owner.transpose(), owner);
    }
  },
  /** Inside a larger matrix whose other elements are NaN: reading one of them shows. */
  SUB_RANGE {
    @Override
    Held of(double[][] values, ElementType type) {
      return inside(values, type);
    }
  },
  TRANSPOSED_SUB_RANGE {
    @Override
    Held of(double[][] values, ElementType type) {
      Held transposed = inside(Plain.transpose(values), type);
      return new Held(transposed.matrix().transpose(), transposed.owner());
    }
  };

  /** A matrix of these values, and the one that owns their memory. */
  record Held(Matrix matrix, Matrix owner) implements AutoCloseable {
    @Override
    public void close() {
      owner.close();
    }
  }

  /** Lays values out. */
  abstract Held of(double[][] values, ElementType type);

  private static Matrix copy(double[][] values, ElementType type) {
    Matrix matrix = Matrix.allocate(type, values.length, values[0].length);
    for (int i = 0; i < values.length; i++) {
      matrix.writeRow(i, 0, values[i], 0, values[i].length);
    }
    return matrix;
  }

  private static Held inside(double[][] values, ElementType type) {
    int rows = values.length;
    int columns = values[0].length;
    double[][] framed = new double[rows + 3][columns + 5];
    for (double[] row : framed) {
      java.util.Arrays.fill(row, Double.NaN);
    }
    for (int i = 0; i < rows; i++) {
      System.arraycopy(values[i], 0, framed[i + 2], 3, columns);
    }
    Matrix owner = copy(framed, type);
    return new Held(owner.rowRange(2, 2 + rows).columnRange(3, 3 + columns), owner);
  }
}
