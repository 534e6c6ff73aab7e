package org.snmf4j.solver;

import java.util.Optional;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;
import org.snmf4j.matrix.Matrix;

/**
 * The best factorization there is, without iterations, for features that may be dense and
 * coefficients without a penalty (Gillis and Kumar, SIAM Journal on Matrix Analysis and
 * Applications 36, 2015; arXiv 1410.7220).
 *
 * <p>No factorization of rank k fits better than the truncated singular value decomposition A ≈
 * UΣVᵀ. If its row space holds a positive vector, one of the same error has Y ≥ 0: let B be an
 * orthonormal basis of the row space with that vector v as its first row and X = ABᵀ, so that A ≈
 * XB. With
 *
 * <pre>
 *   y_1 = v,                     y_j = b_j + c_j v,   c_j = max(0, max_t −b_jt / v_t)
 *   z_1 = x_1 − Σ_j&gt;1 c_j x_j,   z_j = x_j
 * </pre>
 *
 * ZY = XB. The decomposition comes from subspace iteration ({@link SvdStart}) of {@value #STEPS}
 * steps, the vector from {@link PositiveCombination}.
 */
public final class ShiftedSvd {
  /** Twice a start's: here nothing mends afterwards what the decomposition lacks. */
  private static final int STEPS = 16;

  /** Against orthonormal rows, whose Gram matrix is the identity. */
  private static final double RIDGE = 1e-12;

  /** Columns worked on at a time. */
  private static final int BLOCK = 1 << 10;

  private ShiftedSvd() {}

  /**
   * The factorization, or nothing if features must be sparse or no positive vector was found.
   *
   * @param seed of the randomized decomposition
   */
  public static Optional<Solution> fit(Problem problem, long seed, Monitor monitor) {
    if (problem.keep() < problem.neurons()) {
      return Optional.empty();
    }
    Backend backend = problem.backend();
    Features z = backend.newFeatures(problem.neurons(), problem.rank());
    Coefficients y = null;
    boolean done = false;
    try {
      y = backend.newCoefficients(problem.rank(), problem.tokens());
      LossTrace trace = new LossTrace(problem, 1, Limits.NONE, monitor);
      if (!factorize(problem, seed, monitor, z, y)) {
        return Optional.empty();
      }
      double squaredNorm = problem.activations().squaredNorm();
      trace.add(backend.residual(problem.activations(), z, y), squaredNorm);
      done = true;
      return Optional.of(new Solution(z, y, null, trace.losses(), 1, StopReason.CONVERGED));
    } finally {
      if (!done) {
        z.close();
        if (y != null) {
          y.close();
        }
      }
    }
  }

  /** Whether there is a positive vector; Z and Y are left anywhere if not. */
  private static boolean factorize(
      Problem problem, long seed, Monitor monitor, Features z, Coefficients y) {
    Backend backend = problem.backend();
    try (Matrix projector = SvdStart.projector(problem, problem.rank(), STEPS, seed, monitor)) {
      z.upload(projector);
    }
    backend.project(problem.activations(), z, y);
    try (Matrix rows = y.download()) {
      normalize(rows);
      Optional<double[]> positive = PositiveCombination.find(rows, monitor);
      if (positive.isEmpty()) {
        return false;
      }
      rotate(rows, positive.get());
      y.upload(rows);
      monitor.checkCancelled();
      try (Statistics statistics = backend.newStatistics(problem.neurons(), problem.rank())) {
        backend.denseStatistics(problem.activations(), y, statistics);
        // The rows are orthonormal up to rounding, which the solve makes up for; those beyond the
        // rank of A are zero, which takes a ridge.
        backend.ridgeSolve(statistics, RIDGE, z);
      }
      double[] shifts = shifts(rows);
      shift(rows, shifts);
      y.upload(rows);
      compensate(z, shifts);
    }
    return true;
  }

  /** Takes the singular values out of √Σ Vᵀ. */
  private static void normalize(Matrix rows) {
    double[] squares = new double[(int) rows.rows()];
    forEachBlock(
        rows,
        false,
        (block, count) -> {
          for (int j = 0; j < squares.length; j++) {
            for (int t = 0; t < count; t++) {
              squares[j] += block[j][t] * block[j][t];
            }
          }
        });
    forEachBlock(
        rows,
        true,
        (block, count) -> {
          for (int j = 0; j < squares.length; j++) {
            double scale = squares[j] > 0 ? 1 / Math.sqrt(squares[j]) : 0;
            for (int t = 0; t < count; t++) {
              block[j][t] *= scale;
            }
          }
        });
  }

  /**
   * V becomes B = HV, H = I − 2wwᵀ/‖w‖² the reflection that has α as its first row.
   *
   * @param first α, of unit length
   */
  private static void rotate(Matrix rows, double[] first) {
    double[] normal = first.clone();
    normal[0] -= 1;
    double square = 0;
    for (double entry : normal) {
      square += entry * entry;
    }
    double factor = square > 0 ? 2 / square : 0;
    forEachBlock(
        rows,
        true,
        (block, count) -> {
          for (int t = 0; t < count; t++) {
            double along = 0;
            for (int j = 0; j < normal.length; j++) {
              along += normal[j] * block[j][t];
            }
            for (int j = 0; j < normal.length; j++) {
              block[j][t] -= factor * along * normal[j];
            }
          }
        });
  }

  /** c, with c_1 = 0. */
  private static double[] shifts(Matrix rows) {
    double[] shifts = new double[(int) rows.rows()];
    forEachBlock(
        rows,
        false,
        (block, count) -> {
          for (int t = 0; t < count; t++) {
            // Columns of nothing but rounding errors need not be positive along v.
            if (block[0][t] > 0) {
              for (int j = 1; j < shifts.length; j++) {
                shifts[j] = Math.max(shifts[j], -block[j][t] / block[0][t]);
              }
            }
          }
        });
    return shifts;
  }

  private static void shift(Matrix rows, double[] shifts) {
    forEachBlock(
        rows,
        true,
        (block, count) -> {
          for (int t = 0; t < count; t++) {
            block[0][t] = Math.max(0, block[0][t]);
            for (int j = 1; j < shifts.length; j++) {
              block[j][t] = Math.max(0, block[j][t] + shifts[j] * block[0][t]);
            }
          }
        });
  }

  /** z_1 −= Σ c_j z_j. */
  private static void compensate(Features z, double[] shifts) {
    try (Matrix features = z.download()) {
      double[] row = new double[shifts.length];
      for (long i = 0; i < features.rows(); i++) {
        features.readRow(i, 0, row, 0, row.length);
        for (int j = 1; j < row.length; j++) {
          row[0] -= shifts[j] * row[j];
        }
        features.writeRow(i, 0, row, 0, row.length);
      }
      z.upload(features);
    }
  }

  /** Sees, and perhaps changes, all rows of some neighbouring columns. */
  @FunctionalInterface
  private interface BlockEdit {
    void apply(double[][] block, int count);
  }

  private static void forEachBlock(Matrix rows, boolean write, BlockEdit edit) {
    int rank = (int) rows.rows();
    int width = (int) Math.min(rows.columns(), BLOCK);
    double[][] block = new double[rank][width];
    for (long from = 0; from < rows.columns(); from += width) {
      int count = (int) Math.min(width, rows.columns() - from);
      for (int j = 0; j < rank; j++) {
        rows.readRow(j, from, block[j], 0, count);
      }
      edit.apply(block, count);
      for (int j = 0; write && j < rank; j++) {
        rows.writeRow(j, from, block[j], 0, count);
      }
    }
  }
}
