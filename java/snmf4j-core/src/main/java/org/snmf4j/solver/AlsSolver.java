package org.snmf4j.solver;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/**
 * Alternating least squares in two phases, for the objective ½‖A − ZY‖² + λ Σ_j ‖z_j‖‖y_j‖₁ with λ
 * = coefficient penalty · ‖A‖/√n.
 *
 * <p><i>Explore</i>, on a sample of the tokens: Z by least squares and hard winner-take-all, a HALS
 * sweep of Y, extrapolated, with a restart whenever the objective rises. Not monotone, but good at
 * finding supports.
 *
 * <p><i>Exploit</i>, on all tokens, in rounds: one sweep over the columns of Z, each solved exactly
 * under its sparsity; least squares of Z on its support; a new start for features that are dead;
 * then passes that update Y and refit Z on the fixed support. Every step lowers the objective.
 *
 * <p>A sweep over all entries of Z needs the dense C, which costs several passes. Without a
 * penalty, sweeps over a few candidates per column, for which a pass can leave C at little cost,
 * take the place of every second one of them and come as often as every other pass. Without a
 * penalty, too, the steps of Y and Z are over-relaxed, which needs fewer passes to a given loss;
 * what is known of the legibility of penalized features was measured without.
 */
public final class AlsSolver {
  /** HALS sweeps of a pass, and of the first one over tokens that have no coefficients yet. */
  private static final int SWEEPS = 2;

  private static final int FRESH_SWEEPS = 3;

  /** The same without a penalty, where sweeps and least squares go beyond the minimum. */
  private static final int RELAXED_SWEEPS = 1;

  private static final int RELAXED_FRESH_SWEEPS = 2;

  /** How far beyond, of Y and of Z: no step raises the objective for any factor below 2. */
  private static final double RELAXATION = 1.6;

  /** Passes between two sweeps over the columns of Z. */
  private static final int ROUND = 6;

  /** The pass of a round that leaves the dense C which the sweep needs. */
  private static final int DENSE_PASS = 3;

  /** The same where sweeps over candidates come between. */
  private static final int CANDIDATE_ROUND = 12;

  private static final int CANDIDATE_DENSE_PASS = 8;

  /** Every so many-th pass, from the first, leaves C at the candidates, for a sweep over them. */
  private static final int CANDIDATE_SWEEP = 2;

  private final int maxIterations;
  private final int patience;
  private final double tolerance;
  private final double ridge;
  private final double penalty;
  private final Limits limits;

  /**
   * @param maxIterations most passes, those of the first phase included; at least 1
   * @param patience passes without improvement before stopping; at least 1
   * @param tolerance relative improvement that counts; at least 0
   * @param ridge ρ of the first phase's least squares; positive
   * @param penalty coefficient penalty, as a fraction of the root mean square token norm
   * @param limits where to stop all the same
   */
  public AlsSolver(
      int maxIterations,
      int patience,
      double tolerance,
      double ridge,
      double penalty,
      Limits limits) {
    this.maxIterations = maxIterations;
    this.patience = patience;
    this.tolerance = tolerance;
    this.ridge = ridge;
    this.penalty = penalty;
    this.limits = limits;
  }

  /**
   * Runs the fit.
   *
   * @param start makes the first Y; called for the problem that the first phase samples
   */
  public Solution fit(Problem problem, Start start, long seed, Monitor monitor) {
    Backend backend = problem.backend();
    LossTrace trace = new LossTrace(problem, maxIterations, limits, monitor);
    Workspace workspace = new Workspace(problem);
    Coefficients coefficients = null;
    try {
      coefficients = explore(problem, start, seed, monitor, workspace, trace);
      boolean fresh = coefficients == null;
      if (fresh) {
        coefficients = backend.newCoefficients(problem.rank(), problem.tokens());
      }
      StopReason reason = exploit(problem, workspace, coefficients, fresh, trace);
      workspace.dropCandidates();
      return new Solution(
          workspace.features(),
          coefficients,
          workspace.statistics(),
          trace.losses(),
          trace.iterations(),
          reason);
    } catch (RuntimeException | Error e) {
      workspace.close();
      if (coefficients != null) {
        coefficients.close();
      }
      throw e;
    }
  }

  private double lambda(Activations a) {
    return penalty * Math.sqrt(a.squaredNorm() / a.tokens());
  }

  /**
   * Leaves Z in the workspace.
   *
   * @return coefficients of all tokens to go on from; null if none fit those features yet
   */
  private Coefficients explore(
      Problem problem,
      Start start,
      long seed,
      Monitor monitor,
      Workspace workspace,
      LossTrace trace) {
    int iterations = maxIterations / 2;
    int stride = start.isForAnyTokens() ? Exploration.stride(problem) : 1;
    if (stride == 1) {
      return new Exploration(problem, ridge, lambda(problem.activations()), workspace, trace)
          .run(start, seed, monitor, iterations);
    }
    try (Activations sample = problem.backend().sample(problem.activations(), stride)) {
      Problem part = new Problem(problem.backend(), sample, problem.rank(), problem.keep());
      Coefficients y =
          new Exploration(part, ridge, lambda(sample), workspace, trace)
              .run(start, seed, monitor, iterations);
      if (y != null) {
        y.close();
      }
      return null;
    }
  }

  private StopReason exploit(
      Problem problem, Workspace workspace, Coefficients y, boolean fresh, LossTrace trace) {
    Backend backend = problem.backend();
    Features z = workspace.features();
    Statistics statistics = workspace.statistics();
    Activations a = problem.activations();
    double lambda = lambda(a);
    StoppingRule stopping = new StoppingRule(patience, tolerance);
    Revivals revivals = new Revivals();
    boolean relaxed = lambda == 0;
    UpdateRule first =
        new UpdateRule.LeastSquares(relaxed ? RELAXED_FRESH_SWEEPS : FRESH_SWEEPS, 0, lambda);
    UpdateRule rule =
        relaxed
            ? new UpdateRule.Hals(RELAXED_SWEEPS, 0, lambda, RELAXATION)
            : new UpdateRule.Hals(SWEEPS, 0, lambda);
    for (int pass = 0; ; pass++) {
      trace.checkCancelled();
      Features candidates = workspace.candidates();
      int round = candidates == null ? ROUND : CANDIDATE_ROUND;
      int densePass = candidates == null ? DENSE_PASS : CANDIDATE_DENSE_PASS;
      if (pass > 0) {
        boolean sweep = pass % round == densePass + 1;
        if (sweep) {
          if (candidates != null) {
            workspace.chooseCandidates(ridge);
          }
          backend.sweepColumns(statistics, z, problem.keep(), lambda);
        } else if (candidates != null && pass % CANDIDATE_SWEEP == 1) {
          backend.sweepColumns(statistics, z, problem.keep(), lambda, candidates);
        }
        backend.refit(statistics, z, lambda, relaxed ? RELAXATION : 1);
        if (sweep) {
          // Last before the pass, for the steps above would zero them again.
          revivals.attempt(problem, statistics, z, y);
        }
      }
      Refresh refresh = pass % round == densePass ? Refresh.DENSE : Refresh.SUPPORT;
      boolean more = refresh == Refresh.SUPPORT && pass % CANDIDATE_SWEEP == 0;
      Features support = more ? candidates : null;
      UpdateRule update = fresh && pass == 0 ? first : rule;
      PassResult sums = backend.pass(a, z, update, y, null, null, y, refresh, statistics, support);
      double loss = sums.loss(a.squaredNorm());
      if (loss < MultiplicativeSolver.CANCELLATION * a.squaredNorm()) {
        loss = backend.residual(a, z, y);
      }
      trace.add(loss, a.squaredNorm());
      StopReason reason = stopping.after(trace, sums.objective(a.squaredNorm(), lambda));
      if (reason != null) {
        return reason;
      }
    }
  }
}
