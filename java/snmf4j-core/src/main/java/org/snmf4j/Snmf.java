package org.snmf4j;

import java.util.Optional;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Statistics;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.AlsSolver;
import org.snmf4j.solver.Limits;
import org.snmf4j.solver.MultiplicativeSolver;
import org.snmf4j.solver.Problem;
import org.snmf4j.solver.ShiftedSvd;
import org.snmf4j.solver.Solution;
import org.snmf4j.solver.Start;

/**
 * Fits semi-nonnegative matrix factorizations.
 *
 * <p>Threads: fits are independent of each other; one backend shared by several fits serializes
 * their operations. Interrupting a fitting thread neither ends nor disturbs the fit; the thread
 * stays interrupted. A fit ends early by its options' {@linkplain SnmfOptions.Builder#cancellation
 * cancellation}.
 */
public final class Snmf {
  private Snmf() {}

  /**
   * Decomposes A ≈ Z·Y on the backend that the options name.
   *
   * @param activations A {@code [d, n]}, a column per token; finite, not all zero; only read
   * @param options what to fit
   * @return the best iterate; the caller closes it
   * @throws InvalidArgumentException if the rank exceeds min(d, n) or A is all zero or too large to
   *     square
   * @throws org.snmf4j.error.NonFiniteValueException if A holds NaN or an infinity
   * @throws org.snmf4j.error.ValueRangeException if A holds a value beyond the options' precision
   * @throws org.snmf4j.error.BackendUnavailableException if a named backend cannot run here
   * @throws org.snmf4j.error.CancelledException if the options' cancellation says so
   */
  public static SnmfModel fit(Matrix activations, SnmfOptions options) {
    requireRank(activations, options.rank());
    try (Backend backend = Backends.open(options.backend(), new BackendConfig(options.threads()))) {
      return fit(activations, options, backend);
    }
  }

  /**
   * Decomposes A ≈ Z·Y on an open backend, which stays open. The options' backend and threads are
   * not looked at.
   */
  public static SnmfModel fit(Matrix activations, SnmfOptions options, Backend backend) {
    requireRank(activations, options.rank());
    long begin = System.nanoTime();
    backend.resetPeak();
    try (Activations packed = backend.pack(activations, options.precision())) {
      if (!(packed.squaredNorm() > 0)) {
        throw new InvalidArgumentException("activations", "all zero", "nonzero somewhere");
      }
      if (Double.isInfinite(packed.squaredNorm())) {
        throw new InvalidArgumentException(
            "activations",
            "of squared norm " + packed.squaredNorm(),
            "of finite squared norm; rescale them");
      }
      int keep = options.supportSize(packed.neurons());
      Problem problem = new Problem(backend, packed, options.rank(), keep);
      Limits limits =
          new Limits(
              options.targetLoss().orElse(Double.NaN), options.timeLimit().orElse(null), begin);
      try (Solution solution = solve(problem, options, limits)) {
        FitReport report =
            new FitReport(
                solution.losses().length,
                solution.bestIteration(),
                solution.losses(),
                packed.squaredNorm(),
                solution.stopReason(),
                (System.nanoTime() - begin) * 1e-9,
                options.solver(),
                options.featureDensity(),
                options.coefficientPenalty(),
                options.precision(),
                options.initialization().name(),
                backend.name(),
                backend.description(),
                backend.threads(),
                options.seed(),
                backend.memory().peak());
        Matrix features = solution.features().download();
        try {
          double[] explained = explained(problem, solution, features);
          Matrix coefficients = solution.coefficients().download();
          return SnmfModel.of(features, coefficients, explained, report, options.attributes());
        } catch (RuntimeException | Error e) {
          features.close();
          throw e;
        }
      }
    }
  }

  private static Solution solve(Problem problem, SnmfOptions options, Limits limits) {
    Start start = options.initialization().start();
    return switch (options.solver()) {
      case MULTIPLICATIVE ->
          new MultiplicativeSolver(
                  options.maxIterations(),
                  options.patience(),
                  options.tolerance(),
                  options.ridge(),
                  limits)
              .fit(
                  problem,
                  start.create(problem, options.seed(), options.monitor()),
                  options.monitor());
      case ALS -> {
        Optional<Solution> exact =
            options.coefficientPenalty() > 0
                ? Optional.empty()
                : ShiftedSvd.fit(problem, options.seed(), options.monitor());
        yield exact.orElseGet(
            () ->
                new AlsSolver(
                        options.maxIterations(),
                        options.patience(),
                        options.tolerance(),
                        options.ridge(),
                        options.coefficientPenalty(),
                        limits)
                    .fit(problem, start, options.seed(), options.monitor()));
      }
    };
  }

  /** Share of ‖A‖² that each feature explains. */
  private static double[] explained(Problem problem, Solution solution, Matrix features) {
    double squaredNorm = problem.activations().squaredNorm();
    if (solution.statistics() != null) {
      return explained(solution.statistics(), features, squaredNorm);
    }
    try (Statistics statistics =
        problem.backend().newStatistics(problem.activations().neurons(), problem.rank())) {
      problem.backend().denseStatistics(problem.activations(), solution.coefficients(), statistics);
      return explained(statistics, features, squaredNorm);
    }
  }

  private static double[] explained(Statistics statistics, Matrix features, double squaredNorm) {
    try (Matrix cross = statistics.cross()) {
      return Shares.of(features, cross, statistics.gram(), squaredNorm);
    }
  }

  private static void requireRank(Matrix activations, int rank) {
    long limit = Math.min(activations.rows(), activations.columns());
    if (rank > limit) {
      throw new InvalidArgumentException(
          "rank",
          rank,
          "between 1 and "
              + limit
              + " (the smaller side of activations ["
              + activations.rows()
              + ", "
              + activations.columns()
              + "])");
    }
  }
}
