package org.snmf4j.solver;

import java.util.SplittableRandom;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Y ~ U(0, 1), drawn row by row; the same for every backend. */
public final class RandomStart implements Start {
  @Override
  public Coefficients create(Problem problem, long seed, Monitor monitor) {
    SplittableRandom random = new SplittableRandom(seed);
    return Uploads.of(
        problem,
        problem.rank(),
        row -> {
          for (int t = 0; t < row.length; t++) {
            row[t] = random.nextDouble();
          }
        });
  }

  /** Fills stretches of rows of a coefficient matrix, in order, and uploads it. */
  static final class Uploads {
    private Uploads() {}

    interface Filler {
      void fill(double[] stretch);
    }

    static Coefficients of(Problem problem, int rank, Filler filler) {
      ElementType type = problem.backend().elementType();
      long tokens = problem.tokens();
      int width = (int) Math.min(tokens, 1 << 14);
      try (Matrix values = Matrix.allocate(type, rank, tokens)) {
        for (int j = 0; j < rank; j++) {
          for (long from = 0; from < tokens; from += width) {
            double[] stretch = new double[(int) Math.min(width, tokens - from)];
            filler.fill(stretch);
            values.writeRow(j, from, stretch, 0, stretch.length);
          }
        }
        Coefficients result = problem.backend().newCoefficients(rank, tokens);
        result.upload(values);
        return result;
      }
    }
  }
}
