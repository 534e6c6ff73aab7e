package org.snmf4j.backend;

import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/** Argument checks that the SPI's types share. */
final class Checks {
  private Checks() {}

  static void shape(String name, Matrix matrix, long rows, long columns) {
    shape(name, matrix.rows(), matrix.columns(), rows, columns);
  }

  static void shape(String name, long rows, long columns, long wantRows, long wantColumns) {
    if (rows != wantRows || columns != wantColumns) {
      throw new InvalidArgumentException(
          name,
          "of shape [" + rows + ", " + columns + "]",
          "of shape [" + wantRows + ", " + wantColumns + "]");
    }
  }

  static void length(String name, double[] values, int length) {
    if (values.length != length) {
      throw new InvalidArgumentException(
          name, "of length " + values.length, "of length " + length + ", the rank");
    }
  }

  static void penalty(double penalty) {
    if (!(penalty >= 0) || Double.isInfinite(penalty)) {
      throw new InvalidArgumentException("penalty", penalty, "finite and not negative");
    }
  }

  static void relaxation(double relaxation) {
    if (!(relaxation >= 1 && relaxation < 2)) {
      throw new InvalidArgumentException("relaxation", relaxation, "at least 1 and below 2");
    }
  }

  static void positive(String name, long value, long limit) {
    if (value < 1 || value > limit) {
      throw new InvalidArgumentException(name, value, "between 1 and " + limit);
    }
  }
}
