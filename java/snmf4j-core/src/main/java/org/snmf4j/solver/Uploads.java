package org.snmf4j.solver;

import java.util.function.Consumer;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Coefficients from values that come row by row. */
final class Uploads {
  private Uploads() {}

  /**
   * Makes coefficients {@code [rows, n]}.
   *
   * @param fill sets the next stretch of values; rows follow each other, each from token 0 on
   */
  static Coefficients of(Problem problem, int rows, Consumer<double[]> fill) {
    ElementType type = problem.backend().elementType();
    long tokens = problem.tokens();
    int width = (int) Math.min(tokens, 1 << 14);
    Coefficients result = problem.backend().newCoefficients(rows, tokens);
    try (Matrix values = Matrix.allocate(type, rows, tokens)) {
      for (int j = 0; j < rows; j++) {
        for (long from = 0; from < tokens; from += width) {
          double[] stretch = new double[(int) Math.min(width, tokens - from)];
          fill.accept(stretch);
          values.writeRow(j, from, stretch, 0, stretch.length);
        }
      }
      result.upload(values);
      return result;
    } catch (RuntimeException | Error e) {
      result.close();
      throw e;
    }
  }
}
