package org.snmf4j.solver;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Resident;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/**
 * The first phase of {@link AlsSolver}: finds supports on a sample of the tokens.
 *
 * <p>Z by least squares and hard winner-take-all, then a HALS sweep of Y, extrapolated, with a
 * restart whenever the objective rises: first on a part of the sample, then on all of it. At last
 * sweeps over the columns of Z, each solved exactly. What each leaves dead has a new start in the
 * next. Without penalty, where it pays, Z comes from a {@link Compression} of the sample, but for
 * the last sweep, which sees what that leaves out. Not monotone.
 */
final class Exploration {
  /** Tokens of the sample: at least, and per feature. Fewer make supports that fit no others. */
  private static final int TOKENS = 5000;

  private static final int TOKENS_PER_FEATURE = 50;

  /** The first stage sees every so many-th panel of the sample. */
  private static final int THIN = 3;

  /** Tokens that it has to see at least, and per feature; otherwise there is one stage. */
  private static final int THIN_TOKENS = 1500;

  private static final int THIN_TOKENS_PER_FEATURE = 8;

  /** Iterations of the first stage, and of one that a compression makes cheap. */
  private static final int THIN_SOLVES = 18;

  private static final int COMPRESSED_THIN_SOLVES = 26;

  /** Iterations of the second, by least squares and by column; a last sweep ends it. */
  private static final int SOLVES = 4;

  private static final int COLUMN_SWEEPS = 1;

  /** Sweeps of the first pass over tokens that have no coefficients yet. */
  private static final int FRESH_SWEEPS = 2;

  private static final double MOMENTUM = 0.4;
  private static final double MOMENTUM_GROWTH = 1.1;
  private static final double MAX_MOMENTUM = 0.9;

  private final Problem problem;
  private final double ridge;
  private final double lambda;
  private final Workspace workspace;
  private final LossTrace trace;

  /**
   * @param problem of the sample
   * @param ridge ρ of the least squares
   * @param lambda λ of the objective
   * @param workspace where the features go; of the problem's neurons and rank
   */
  Exploration(Problem problem, double ridge, double lambda, Workspace workspace, LossTrace trace) {
    this.problem = problem;
    this.ridge = ridge;
    this.lambda = lambda;
    this.workspace = workspace;
    this.trace = trace;
  }

  /** Every so many-th panel makes a sample of the size that this phase wants; 1 for all. */
  static int stride(Problem problem) {
    long wanted = Math.max(TOKENS, (long) TOKENS_PER_FEATURE * problem.rank());
    return (int) Math.min(Integer.MAX_VALUE, Math.max(1, problem.tokens() / wanted));
  }

  /**
   * Leaves features in Z, and perhaps candidates in the workspace.
   *
   * @param iterations most passes
   * @return coefficients of the problem's tokens that fit them; null if there are none yet
   */
  Coefficients run(Start start, long seed, Monitor monitor, int iterations) {
    boolean compressing = start.isForAnyTokens() && compresses();
    int thinSolves = Math.min(compressing ? COMPRESSED_THIN_SOLVES : THIN_SOLVES, iterations);
    int solves = Math.min(SOLVES, iterations - thinSolves);
    int columnSweeps = Math.min(COLUMN_SWEEPS, iterations - thinSolves - solves);
    Activations a = problem.activations();
    if (!start.isForAnyTokens()) {
      Coefficients y = start.create(problem, seed, monitor);
      return iterate(new Source(a, null, null), y, thinSolves + solves, columnSweeps);
    }
    try (Compression compression = compressing ? Compression.of(problem, seed, monitor) : null) {
      Activations b = compression == null ? null : compression.activations();
      Source source = new Source(a, b, compression);
      long thinTokens = Math.max(THIN_TOKENS, (long) THIN_TOKENS_PER_FEATURE * problem.rank());
      if (problem.tokens() / THIN < thinTokens) {
        Coefficients y = start.create(source.forStart(problem), seed, monitor);
        return iterate(source, y, thinSolves + solves, columnSweeps);
      }
      thinOut(source, start, seed, monitor, thinSolves);
      return solves == 0 || trace.isOver() ? null : iterate(source, null, solves, columnSweeps);
    }
  }

  /**
   * Features that a few directions span overlap more than need be. The loss is the same, and that
   * is all that a fit without penalty is for; a penalty asks for features that can be told apart.
   */
  private boolean compresses() {
    return lambda == 0 && Compression.pays(problem);
  }

  private void thinOut(Source source, Start start, long seed, Monitor monitor, int solves) {
    Backend backend = problem.backend();
    try (Activations a = backend.sample(source.a(), THIN);
        Activations b = source.b() == null ? null : backend.sample(source.b(), THIN)) {
      Source thin = new Source(a, b, source.compression());
      iterate(thin, start.create(thin.forStart(problem), seed, monitor), solves, 0).close();
    }
  }

  /**
   * What an iteration reads.
   *
   * @param a activations
   * @param b the same, compressed; null if they are not
   * @param compression what compressed them, or null
   */
  private record Source(Activations a, Activations b, Compression compression) {
    /** The smallest that a start can be made for. */
    Problem forStart(Problem problem) {
      Activations smallest = b == null ? a : b;
      int keep = Math.min(problem.keep(), smallest.neurons());
      return new Problem(problem.backend(), smallest, problem.rank(), keep);
    }

    /** What a pass has to leave in the statistics. */
    Refresh refresh() {
      return compression == null ? Refresh.DENSE : Refresh.GRAM;
    }

    /** Completes the statistics of Y. */
    void complete(Coefficients y, Statistics statistics) {
      if (compression != null) {
        compression.statistics(b, y, statistics);
      }
    }
  }

  /**
   * @param start taken over; null to begin with least squares for Y, Z as it is
   * @param columnSweeps iterations by column; if there are any, one more sweep ends the stage
   */
  private Coefficients iterate(Source source, Coefficients start, int solves, int columnSweeps) {
    Backend backend = problem.backend();
    Activations a = source.a();
    Features z = workspace.features();
    Statistics statistics = workspace.statistics();
    UpdateRule step = new UpdateRule.Hals(1, 0, lambda);
    Coefficients current = start;
    Coefficients before = null;
    Coefficients next = null;
    boolean fresh = start == null;
    try {
      if (fresh) {
        current = backend.newCoefficients(problem.rank(), a.tokens());
      }
      next = backend.newCoefficients(problem.rank(), a.tokens());
      if (!fresh) {
        trace.checkCancelled();
        if (source.compression() == null) {
          backend.denseStatistics(a, current, statistics);
        }
        solve(source, current);
      }
      double beta = 0;
      double last = Double.POSITIVE_INFINITY;
      for (int i = 0; i < solves + columnSweeps; i++) {
        trace.checkCancelled();
        if (i >= solves) {
          source.complete(current, statistics);
          backend.sweepColumns(statistics, z, problem.keep(), lambda);
        } else if (i > 0) {
          solve(source, current);
        }
        boolean first = fresh && i == 0;
        UpdateRule rule = first ? new UpdateRule.LeastSquares(FRESH_SWEEPS, 0, lambda) : step;
        Momentum momentum = before == null || beta == 0 ? null : new Momentum(before, beta);
        boolean exact = columnSweeps > 0 && i == solves + columnSweeps - 1;
        Refresh refresh = exact ? Refresh.DENSE : source.refresh();
        PassResult sums =
            backend.pass(a, z, rule, current, null, momentum, next, refresh, statistics);
        trace.add(sums.loss(a.squaredNorm()), a.squaredNorm());
        double objective = sums.objective(a.squaredNorm(), lambda);
        beta = first || objective > last ? 0 : accelerated(beta);
        last = objective;
        Coefficients free =
            before == null ? backend.newCoefficients(problem.rank(), a.tokens()) : before;
        before = current;
        current = next;
        next = free;
        if (trace.isOver()) {
          break;
        }
      }
      if (last < Double.POSITIVE_INFINITY && !trace.isOver()) {
        if (columnSweeps > 0) {
          if (lambda == 0 && workspace.sparesWithCandidates()) {
            // With a penalty the supports settle sooner, and what is known of its features'
            // legibility was measured with dense sweeps alone.
            workspace.chooseCandidates(ridge);
          }
          backend.sweepColumns(statistics, z, problem.keep(), lambda);
        }
        // Whatever comes next begins with a pass, which gives them coefficients.
        backend.revive(a, statistics, z, current, problem.keep());
      }
      Coefficients result = current;
      current = null;
      return result;
    } finally {
      for (Resident resident : new Resident[] {current, before, next}) {
        if (resident != null) {
          resident.close();
        }
      }
    }
  }

  private static double accelerated(double beta) {
    return beta == 0 ? MOMENTUM : Math.min(MAX_MOMENTUM, beta * MOMENTUM_GROWTH);
  }

  /** Z by least squares and winner-take-all. */
  private void solve(Source source, Coefficients y) {
    Features z = workspace.features();
    if (source.compression() == null) {
      problem.backend().ridgeSolve(workspace.statistics(), ridge, z);
    } else {
      source.compression().ridgeSolve(source.b(), y, ridge, z);
    }
    problem.backend().winnerTakeAll(z, problem.keep());
  }
}
