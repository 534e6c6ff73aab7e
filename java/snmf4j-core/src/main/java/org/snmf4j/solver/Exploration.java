package org.snmf4j.solver;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/**
 * The first phase of {@link AlsSolver}: finds supports, on a sample of the tokens. Z by least
 * squares and hard winner-take-all, then HALS sweeps of Y, extrapolated, with a restart whenever
 * the objective rises; at last some sweeps over the columns of Z, each solved exactly. Not
 * monotone.
 */
final class Exploration {
  static final int SOLVES = Integer.getInteger("x.n1", 14);
  static final int SOLVES2 = Integer.getInteger("x.n2", 6);
  static final int COLUMN_SWEEPS = Integer.getInteger("x.n3", 2);
  private static final int SWEEPS = Integer.getInteger("x.sw", 2);
  static double prop(String n, double d) { return Double.parseDouble(System.getProperty(n, "" + d)); }
  static final double BM = prop("x.bm", 0.9), B0 = prop("x.b0", 0.4), BG = prop("x.bg", 1.1);

  private final Problem problem;
  private final Features z;
  private final Statistics statistics;
  private final LossTrace trace;
  private final double ridge;
  private final double penalty;

  Exploration(
      Problem problem,
      Features z,
      Statistics statistics,
      LossTrace trace,
      double ridge,
      double penalty) {
    this.problem = problem;
    this.z = z;
    this.statistics = statistics;
    this.trace = trace;
    this.ridge = ridge;
    this.penalty = penalty;
  }

  /** Leaves Z; returns the sample's coefficients. */
  Coefficients run(Start start, long seed, Monitor monitor) {
    if (!Compression.pays(problem) || Boolean.getBoolean("x.nocomp")) {
      Coefficients y = start.create(problem, seed, monitor);
      return iterate(problem.activations(), null, null, y, true, SOLVES + SOLVES2, COLUMN_SWEEPS);
    }
    Backend backend = problem.backend();
    Activations a = problem.activations();
    try (Compression compression = Compression.of(problem, seed, monitor)) {
      Activations b = compression.activations();
      if (T) System.out.printf("  compressed @%.1f%n", (System.nanoTime()-T0)/1e6);
      int half = Integer.getInteger("x.half", 2);
      try (Activations a2 = backend.sample(a, half); Activations b2 = backend.sample(b, half)) {
        Coefficients y = start.create(new Problem(backend, b2, problem.rank(), problem.keep()), seed, monitor);
      if (T) System.out.printf("  started @%.1f%n", (System.nanoTime()-T0)/1e6);
        iterate(a2, b2, compression, y, true, SOLVES, 0).close();
      }
      if (T) System.out.printf("  phase 1 @%.1f%n", (System.nanoTime()-T0)/1e6);
      Coefficients y2 = backend.newCoefficients(problem.rank(), a.tokens());
      return iterate(a, b, compression, y2, false, SOLVES2, COLUMN_SWEEPS);
    } finally {
      if (T) System.out.printf("  explored @%.1f%n", (System.nanoTime()-T0)/1e6);
    }
  }
  static void t(String w) { if (T) System.out.printf("  %s @%.1f%n", w, (System.nanoTime()-T0)/1e6); }
  static final boolean T = Boolean.getBoolean("x.time"); static long T0;

  private Coefficients iterate(Activations a, Activations b, Compression c, Coefficients start, boolean cold, int solves, int columnSweeps) {
    Backend backend = problem.backend();
    double lambda = penalty * Math.sqrt(a.squaredNorm() / a.tokens());
    UpdateRule rule = new UpdateRule.Hals(SWEEPS, 0, lambda);
    Coefficients current = start;
    Coefficients before = null;
    Coefficients next = null;
    try {
      next = backend.newCoefficients(problem.rank(), a.tokens());
      double beta = 0;
      double last = Double.POSITIVE_INFINITY;
      if (cold && c == null) backend.denseStatistics(a, current, statistics);
      int n = solves + columnSweeps;
      for (int i = 0; i < n; i++) {
        trace.checkCancelled();
        boolean fresh = i == 0 && !cold;
        if (!fresh) {
          if (i < solves) {
            if (c == null) backend.ridgeSolve(statistics, ridge, z);
            else c.ridgeSolve(b, current, ridge, z);
            backend.winnerTakeAll(z, problem.keep());
          } else {
            if (c != null && i + 1 < Integer.getInteger("x.exact", 99)) c.statistics(b, current, statistics);
            backend.sweepColumns(statistics, z, problem.keep(), lambda);
            if (Boolean.getBoolean("x.refit")) backend.refit(statistics, z, lambda);
          }
        }
        Refresh refresh = c == null ? Refresh.DENSE : Refresh.GRAM;
        Momentum momentum = before == null || beta == 0 ? null : new Momentum(before, beta);
        PassResult sums = backend.pass(a, z, fresh ? new UpdateRule.LeastSquares(Integer.getInteger("x.ls", 2), 0, lambda) : rule, current, null, momentum, next, refresh, statistics);
        double objective = sums.objective(a.squaredNorm(), lambda);
        trace.add(sums.loss(a.squaredNorm()), a.squaredNorm());
        beta = objective > last ? 0 : Math.min(BM, beta == 0 ? B0 : beta * BG);
        last = objective;
        Coefficients free = before == null ? backend.newCoefficients(problem.rank(), a.tokens()) : before;
        before = current;
        current = next;
        next = free;
        if (fresh) { beta = 0; }
        if (trace.reachedTarget() || trace.timeIsUp()) {
          break;
        }
      }
      return current;
    } catch (RuntimeException | Error e) {
      current.close();
      throw e;
    } finally {
      if (before != null) before.close();
      if (next != null) next.close();
    }
  }
}
