package org.snmf4j.solver;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.matrix.Matrix;

/**
 * The first ⌈k/2⌉ right singular vectors, each scaled by √σ and giving two rows of Y: its positive
 * part and its negative part, floored at {@value #FLOOR} times the row's maximum. Deterministic but
 * for the seed of the randomized decomposition.
 */
public final class SignSplitStart implements Start {
  private static final double FLOOR = 1e-6;

  /** A start need not be exact. */
  private static final int STEPS = 2;

  @Override
  public Coefficients create(Problem problem, long seed, Monitor monitor) {
    int half = (problem.rank() + 1) / 2;
    try (Matrix projector =
        SvdStart.projector(
            problem, half, STEPS, seed, monitor, row -> bothSigns(row, problem.rank()))) {
      return SvdStart.project(problem, projector, SignSplitStart::keepPositive);
    }
  }

  /** Value j as value 2j, and with its sign turned as value 2j + 1. */
  private static double[] bothSigns(double[] row, int rank) {
    double[] both = new double[rank];
    for (int j = 0; j < rank; j++) {
      both[j] = j % 2 == 0 ? row[j / 2] : -row[j / 2];
    }
    return both;
  }

  private static void keepPositive(Matrix rows) {
    int n = Math.toIntExact(rows.columns());
    double[] row = new double[n];
    for (long j = 0; j < rows.rows(); j++) {
      rows.readRow(j, 0, row, 0, n);
      double largest = row[0];
      for (double entry : row) {
        largest = Math.max(largest, entry);
      }
      // A vector beyond the rank of A is zero and would leave a dead row.
      double floor = largest > 0 ? largest * FLOOR : 1;
      for (int t = 0; t < n; t++) {
        row[t] = Math.max(row[t], floor);
      }
      rows.writeRow(j, 0, row, 0, n);
    }
  }
}
