package org.snmf4j.solver;

import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;
import org.snmf4j.linalg.Cholesky;
import org.snmf4j.linalg.SymmetricEigen;
import org.snmf4j.matrix.Matrix;

/**
 * Y = max(√Σ Vᵀ, {@value #FLOOR}) from the k leading singular triplets, as in the authors' code;
 * the sign of a row, which a decomposition leaves open, is such that its positive part is the
 * larger.
 *
 * <p>The triplets come from subspace iteration with {@value #OVERSAMPLING} extra directions and
 * {@value #STEPS} steps (Halko, Martinsson and Tropp 2011). A step is C = AYᵀ, Z = C G⁻¹, Y = ZᵀA:
 * the least-squares solve in place of an orthogonalization spans the same space and stays
 * well-conditioned.
 */
public final class SvdStart implements Start {
  private static final int STEPS = 8;
  private static final int OVERSAMPLING = 16;
  private static final double FLOOR = 1e-6;

  @Override
  public Coefficients create(Problem problem, long seed, Monitor monitor) {
    try (Matrix projector = projector(problem, problem.rank(), STEPS, seed, monitor)) {
      return project(problem, projector, SvdStart::clamp);
    }
  }

  /**
   * Coefficients {@code [k, n]} from the rows of MᵀA.
   *
   * @param projector M {@code [d, k]}
   * @param edit makes the rows non-negative, in place
   */
  static Coefficients project(Problem problem, Matrix projector, Consumer<Matrix> edit) {
    Backend backend = problem.backend();
    Coefficients start = backend.newCoefficients(problem.rank(), problem.tokens());
    try {
      try (Features z = backend.newFeatures(problem.neurons(), problem.rank())) {
        z.upload(projector);
        backend.project(problem.activations(), z, start);
      }
      try (Matrix rows = start.download()) {
        edit.accept(rows);
        start.upload(rows);
      }
      return start;
    } catch (RuntimeException | Error e) {
      start.close();
      throw e;
    }
  }

  /**
   * Features M {@code [d, rank]} such that MᵀA = √Σ Vᵀ of the leading singular triplets.
   *
   * @param rank how many; columns beyond the rank of A are zero
   * @param steps of the subspace iteration; the more, the closer to the true triplets
   */
  static Matrix projector(Problem problem, int rank, int steps, long seed, Monitor monitor) {
    return projector(problem, rank, steps, seed, monitor, UnaryOperator.identity());
  }

  /**
   * @param arrange makes the rows of the result from those of M, in the same way each
   */
  static Matrix projector(
      Problem problem,
      int rank,
      int steps,
      long seed,
      Monitor monitor,
      UnaryOperator<double[]> arrange) {
    Backend backend = problem.backend();
    int width =
        (int) Math.min(rank + (long) OVERSAMPLING, Math.min(problem.neurons(), problem.tokens()));
    SplittableRandom random = new SplittableRandom(seed);
    double[][] gram;
    Matrix cross;
    try (Coefficients y =
            Uploads.of(
                problem,
                width,
                row -> {
                  for (int t = 0; t < row.length; t++) {
                    row[t] = random.nextDouble() - 0.5;
                  }
                });
        Statistics statistics = backend.newStatistics(problem.neurons(), width)) {
      try (Features z = backend.newFeatures(problem.neurons(), width)) {
        for (int step = 0; step < steps; step++) {
          monitor.checkCancelled();
          backend.denseStatistics(problem.activations(), y, statistics);
          backend.ridgeSolve(statistics, smallRidge(statistics.gram()), z);
          backend.project(problem.activations(), z, y);
        }
      }
      monitor.checkCancelled();
      backend.denseStatistics(problem.activations(), y, statistics);
      gram = statistics.gram();
      cross = statistics.cross();
    }
    try (cross) {
      return projector(gram, cross, rank, arrange);
    }
  }

  static double smallRidge(double[][] gram) {
    double largest = 0;
    for (int j = 0; j < gram.length; j++) {
      largest = Math.max(largest, gram[j][j]);
    }
    return Math.max(largest * 1e-12, Double.MIN_NORMAL);
  }

  /**
   * Features M {@code [d, k]} such that MᵀA = √Σ Vᵀ: with G = LLᵀ the rows L⁻¹Y are orthonormal, B
   * = C L⁻ᵀ is A restricted to them, BᵀB = U Σ² Uᵀ, and M = B U Σ^(-3/2). C and M may be larger
   * than the heap: they are read and written row by row.
   */
  private static Matrix projector(
      double[][] gram, Matrix cross, int k, UnaryOperator<double[]> arrange) {
    Cholesky factor = Cholesky.ofRegularized(gram, smallRidge(gram));
    int width = gram.length;
    SymmetricEigen eigen = SymmetricEigen.of(restricted(cross, factor));
    double floor = Math.max(0, eigen.value(0)) * 1e-12;
    // M = C W with W = L⁻ᵀ U Σ^(-3/2), {@code [width, k]}.
    double[][] weights = new double[width][k];
    double[] scales = new double[k];
    for (int j = 0; j < Math.min(k, width); j++) {
      double square = eigen.value(j);
      scales[j] = square > floor ? Math.pow(square, -0.75) : 0;
      double[] direction = eigen.vector(j);
      for (int l = 0; l < width; l++) {
        weights[l][j] = direction[l];
      }
    }
    factor.backwardRows(weights);
    for (double[] weight : weights) {
      for (int j = 0; j < k; j++) {
        weight[j] *= scales[j];
      }
    }
    Matrix projector =
        Matrix.allocate(cross.type(), cross.rows(), arrange.apply(new double[k]).length);
    try {
      double[] c = new double[width];
      for (long i = 0; i < cross.rows(); i++) {
        cross.readRow(i, 0, c, 0, width);
        double[] row = new double[k];
        for (int l = 0; l < width; l++) {
          add(c[l], weights[l], row, k);
        }
        double[] arranged = arrange.apply(row);
        projector.writeRow(i, 0, arranged, 0, arranged.length);
      }
      return projector;
    } catch (RuntimeException | Error e) {
      projector.close();
      throw e;
    }
  }

  /** BᵀB = L⁻¹ CᵀC L⁻ᵀ. */
  private static double[][] restricted(Matrix cross, Cholesky factor) {
    int width = (int) cross.columns();
    double[][] product = new double[width][width];
    double[] row = new double[width];
    for (long i = 0; i < cross.rows(); i++) {
      cross.readRow(i, 0, row, 0, width);
      for (int j = 0; j < width; j++) {
        add(row[j], row, product[j], j + 1);
      }
    }
    for (int j = 0; j < width; j++) {
      for (int l = 0; l < j; l++) {
        product[l][j] = product[j][l];
      }
    }
    // Solves from both sides: columns first, then, by symmetry, rows.
    factor.forwardRows(product);
    for (int j = 0; j < width; j++) {
      for (int l = 0; l < j; l++) {
        double swapped = product[j][l];
        product[j][l] = product[l][j];
        product[l][j] = swapped;
      }
    }
    factor.forwardRows(product);
    return product;
  }

  /** target += factor · source for the first entries; a loop that compilers vectorize. */
  private static void add(double factor, double[] source, double[] target, int count) {
    for (int l = 0; l < count; l++) {
      target[l] += factor * source[l];
    }
  }

  private static void clamp(Matrix rows) {
    int width = (int) Math.min(rows.columns(), 1 << 14);
    double[] stretch = new double[width];
    for (long j = 0; j < rows.rows(); j++) {
      double balance = 0;
      for (long from = 0; from < rows.columns(); from += width) {
        int length = (int) Math.min(width, rows.columns() - from);
        rows.readRow(j, from, stretch, 0, length);
        for (int t = 0; t < length; t++) {
          balance += stretch[t] * Math.abs(stretch[t]);
        }
      }
      double sign = balance < 0 ? -1 : 1;
      for (long from = 0; from < rows.columns(); from += width) {
        int length = (int) Math.min(width, rows.columns() - from);
        rows.readRow(j, from, stretch, 0, length);
        for (int t = 0; t < length; t++) {
          stretch[t] = Math.max(sign * stretch[t], FLOOR);
        }
        rows.writeRow(j, from, stretch, 0, length);
      }
    }
  }
}
