package org.snmf4j.solver;

import java.util.SplittableRandom;
import org.snmf4j.backend.Coefficients;

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
}
