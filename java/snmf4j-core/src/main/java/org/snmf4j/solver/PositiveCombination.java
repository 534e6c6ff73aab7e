package org.snmf4j.solver;

import java.util.Optional;
import org.snmf4j.matrix.Matrix;

/**
 * Looks for weights α with αᵀV &gt; 0 in every column of V {@code [k, n]}, that is, for a positive
 * vector in V's row space.
 *
 * <p>Relaxation after Agmon, and Motzkin and Schoenberg (both Canadian Journal of Mathematics 6,
 * 1954): from the mean direction of the columns, α is moved beyond the border of every half-space
 * αᵀû ≥ {@value #TARGET} that it is not in, û the columns at unit length. That ends after finitely
 * many steps if the half-spaces have an inner point in common; it is given up after {@value
 * #SWEEPS} rounds over the columns, so that a vector which is there, but barely, may be missed.
 */
final class PositiveCombination {
  private static final int SWEEPS = 100;
  private static final double TARGET = 0.01;

  /**
   * Least cosine between α and a column: coefficients are shifted by up to its inverse, and float32
   * has seven digits.
   */
  private static final double LEAST_COSINE = 1e-4;

  /** Columns shorter than this share of the longest are noise and may point anywhere. */
  private static final double NEGLIGIBLE = 1e-6;

  private final Matrix rows;
  private final int rank;
  private final int width;
  private final double[][] block;
  private final double[] column;

  private PositiveCombination(Matrix rows) {
    this.rows = rows;
    rank = (int) rows.rows();
    width = (int) Math.min(rows.columns(), 1 << 10);
    block = new double[rank][width];
    column = new double[rank];
  }

  /**
   * The weights, of unit length, if found.
   *
   * @param rows V {@code [k, n]}; read only
   */
  static Optional<double[]> find(Matrix rows, Monitor monitor) {
    return new PositiveCombination(rows).find(monitor);
  }

  /** Does something with a column, which is in {@link #column}, and its length. */
  @FunctionalInterface
  private interface Visitor {
    void visit(double length);
  }

  private void forEach(Visitor visitor) {
    for (long from = 0; from < rows.columns(); from += width) {
      int count = (int) Math.min(width, rows.columns() - from);
      for (int j = 0; j < rank; j++) {
        rows.readRow(j, from, block[j], 0, count);
      }
      for (int t = 0; t < count; t++) {
        double square = 0;
        for (int j = 0; j < rank; j++) {
          column[j] = block[j][t];
          square += column[j] * column[j];
        }
        visitor.visit(Math.sqrt(square));
      }
    }
  }

  private Optional<double[]> find(Monitor monitor) {
    double[] longest = {0};
    forEach(length -> longest[0] = Math.max(longest[0], length));
    double least = longest[0] * NEGLIGIBLE;
    double[] weights = new double[rank];
    forEach(
        length -> {
          if (length > least) {
            add(1 / length, weights);
          }
        });
    if (!normalize(weights)) {
      return Optional.empty();
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      monitor.checkCancelled();
      boolean[] moved = {false};
      forEach(
          length -> {
            if (length > least) {
              double cosine = dot(weights) / length;
              if (cosine < TARGET) {
                // Beyond the border, or the steps would never end.
                add((2 * TARGET - cosine) / length, weights);
                moved[0] = true;
              }
            }
          });
      if (!moved[0]) {
        // All columns are at least TARGET along the weights, whose length the steps have changed.
        return isWithin(TARGET / LEAST_COSINE, weights) && normalize(weights)
            ? Optional.of(weights)
            : Optional.empty();
      }
    }
    return Optional.empty();
  }

  private double dot(double[] weights) {
    double sum = 0;
    for (int j = 0; j < rank; j++) {
      sum += weights[j] * column[j];
    }
    return sum;
  }

  private void add(double factor, double[] weights) {
    for (int j = 0; j < rank; j++) {
      weights[j] += factor * column[j];
    }
  }

  private static double length(double[] weights) {
    double square = 0;
    for (double weight : weights) {
      square += weight * weight;
    }
    return Math.sqrt(square);
  }

  private static boolean isWithin(double limit, double[] weights) {
    return length(weights) <= limit;
  }

  /** Whether the weights have a direction. */
  private static boolean normalize(double[] weights) {
    double length = length(weights);
    for (int j = 0; j < weights.length; j++) {
      weights[j] /= length;
    }
    return length > 0;
  }
}
