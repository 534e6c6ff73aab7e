package org.snmf4j.solver;

import java.util.SplittableRandom;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;

/**
 * Activations in the coordinates of the subspace that holds most of them: A ≈ U·B, U {@code [d, r]}
 * orthonormal, B = UᵀA {@code [r, n]}, r = {@value #PER_FEATURE}k. There the least squares of Z
 * cost r/d as much, at hardly any loss: the coefficients lie close to the leading singular vectors,
 * and so do the features that explain them.
 *
 * <p>U is the range of A after one step of subspace iteration (Halko, Martinsson and Tropp 2011,
 * section 4.5) on some of the tokens.
 */
final class Compression implements AutoCloseable {
  private static final int PER_FEATURE = 2;

  /** Tokens per direction of U: of the first sketch, and of the step that sharpens it. */
  private static final int SKETCHED = 2;

  private static final int SHARPENED = 4;

  private final Backend backend;
  private final Features basis;
  private final Activations compressed;
  // Of the coordinates; made when first asked for.
  private Statistics statistics;
  private Features coordinates;

  private Compression(Backend backend, Features basis, Activations compressed) {
    this.backend = backend;
    this.basis = basis;
    this.compressed = compressed;
  }

  /** Whether the neurons are so many that compressing pays. */
  static boolean pays(Problem problem) {
    int width = width(problem);
    return problem.neurons() >= 4 * width && problem.tokens() >= (long) SHARPENED * width;
  }

  private static int width(Problem problem) {
    return PER_FEATURE * problem.rank();
  }

  static Compression of(Problem problem, long seed, Monitor monitor) {
    Backend backend = problem.backend();
    Features basis = backend.newFeatures(problem.neurons(), width(problem));
    try (Statistics statistics = backend.newStatistics(problem.neurons(), basis.rank())) {
      try (Activations sketched = some(problem, SKETCHED * basis.rank())) {
        SplittableRandom random = new SplittableRandom(seed);
        try (Coefficients mixed =
            Uploads.of(
                new Problem(backend, sketched, problem.rank(), problem.keep()),
                basis.rank(),
                row -> {
                  for (int t = 0; t < row.length; t++) {
                    row[t] = random.nextDouble() - 0.5;
                  }
                })) {
          span(backend, sketched, mixed, statistics, basis);
        }
      }
      monitor.checkCancelled();
      try (Activations sharpened = some(problem, SHARPENED * basis.rank());
          Coefficients projected = backend.newCoefficients(basis.rank(), sharpened.tokens())) {
        backend.project(sharpened, basis, projected);
        span(backend, sharpened, projected, statistics, basis);
      }
      monitor.checkCancelled();
      backend.orthonormalize(basis);
      return new Compression(backend, basis, backend.compress(problem.activations(), basis));
    } catch (RuntimeException | Error e) {
      basis.close();
      throw e;
    }
  }

  /** Features that span AYᵀ: AYᵀ(YYᵀ)⁻¹ is better conditioned. */
  private static void span(
      Backend backend, Activations a, Coefficients y, Statistics statistics, Features features) {
    backend.denseStatistics(a, y, statistics);
    backend.ridgeSolve(statistics, SvdStart.smallRidge(statistics.gram()), features);
  }

  private static Activations some(Problem problem, long tokens) {
    int stride = (int) Math.min(Integer.MAX_VALUE, Math.max(1, problem.tokens() / tokens));
    return problem.backend().sample(problem.activations(), stride);
  }

  /** B. */
  Activations activations() {
    return compressed;
  }

  /** Z ← U·BYᵀ(YYᵀ + ridge·I)⁻¹. All Y that a compression meets have the same rank. */
  void ridgeSolve(Activations b, Coefficients y, double ridge, Features result) {
    if (coordinates == null) {
      coordinates = backend.newFeatures(basis.rank(), y.rank());
    }
    backend.ridgeSolve(measure(b, y), ridge, coordinates);
    backend.multiply(basis, coordinates, result);
  }

  /** C ← U·BYᵀ, G and the row sums of Y. */
  void statistics(Activations b, Coefficients y, Statistics result) {
    backend.expand(basis, measure(b, y), result);
  }

  private Statistics measure(Activations b, Coefficients y) {
    if (statistics == null) {
      statistics = backend.newStatistics(basis.rank(), y.rank());
    }
    backend.denseStatistics(b, y, statistics);
    return statistics;
  }

  @Override
  public void close() {
    basis.close();
    compressed.close();
    if (statistics != null) {
      statistics.close();
    }
    if (coordinates != null) {
      coordinates.close();
    }
  }
}
