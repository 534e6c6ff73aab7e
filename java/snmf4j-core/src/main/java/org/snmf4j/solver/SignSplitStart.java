package org.snmf4j.solver;

import java.util.Arrays;
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
    double[][] leading = SvdStart.projector(problem, half, STEPS, seed, monitor);
    // Column j of the projector serves row 2j as it is and row 2j + 1 with its sign turned.
    double[][] both = new double[leading.length][problem.rank()];
    for (int i = 0; i < both.length; i++) {
      for (int j = 0; j < problem.rank(); j++) {
        both[i][j] = j % 2 == 0 ? leading[i][j / 2] : -leading[i][j / 2];
      }
    }
    return SvdStart.project(problem, both, SignSplitStart::keepPositive);
  }

  private static void keepPositive(Matrix rows) {
    int n = Math.toIntExact(rows.columns());
    double[] row = new double[n];
    for (long j = 0; j < rows.rows(); j++) {
      rows.readRow(j, 0, row, 0, n);
      double largest = Arrays.stream(row).max().orElse(0);
      // A vector beyond the rank of A is zero and would leave a dead row.
      double floor = largest > 0 ? largest * FLOOR : 1;
      for (int t = 0; t < n; t++) {
        row[t] = Math.max(row[t], floor);
      }
      rows.writeRow(j, 0, row, 0, n);
    }
  }
}
