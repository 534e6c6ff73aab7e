package org.snmf4j.solver;

import java.util.Arrays;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;

/**
 * The algorithm of arXiv 2506.10920, iterate for iterate:
 *
 * <ol>
 *   <li>Z ← C (G + ρI)⁻¹
 *   <li>keep the largest magnitudes of every column of Z (hard winner-take-all)
 *   <li>normalize the rows of Y, scale the columns of Z by the same norms
 *   <li>Y ← Y ⊙ √((P⁺ + Q⁻Y) / (P⁻ + Q⁺Y + ε))
 *   <li>loss ‖A‖² − 2⟨P,Y⟩ + ⟨Q,G⟩; keep the best iterate; stop by patience
 * </ol>
 *
 * <p>One iteration reads A once: the pass that updates Y also gathers the C and G that the next
 * iteration starts from.
 */
public final class MultiplicativeSolver {
  /** ε of the multiplicative step, as in the authors' code. */
  public static final double EPSILON = 1e-6;

  /** Below this relative loss the Gram form has lost too many digits. */
  static final double CANCELLATION = 1e-4;

  private final int maxIterations;
  private final int patience;
  private final double tolerance;
  private final double ridge;
  private final Limits limits;

  /** Without limits; see {@link #MultiplicativeSolver(int, int, double, double, Limits)}. */
  public MultiplicativeSolver(int maxIterations, int patience, double tolerance, double ridge) {
    this(maxIterations, patience, tolerance, ridge, Limits.NONE);
  }

  /**
   * @param maxIterations at least 1
   * @param patience iterations without improvement before stopping; at least 1
   * @param tolerance relative improvement that counts; at least 0
   * @param ridge ρ; positive
   * @param limits where to stop all the same
   */
  public MultiplicativeSolver(
      int maxIterations, int patience, double tolerance, double ridge, Limits limits) {
    this.maxIterations = maxIterations;
    this.patience = patience;
    this.tolerance = tolerance;
    this.ridge = ridge;
    this.limits = limits;
  }

  /**
   * Runs the fit.
   *
   * @param start Y, non-negative; overwritten and closed
   * @throws org.snmf4j.error.CancelledException if the monitor says so
   */
  public Solution fit(Problem problem, Coefficients start, Monitor monitor) {
    Iterates iterates = new Iterates(problem, start);
    try (Statistics statistics =
        problem.backend().newStatistics(problem.neurons(), problem.rank())) {
      return iterate(problem, iterates, statistics, monitor);
    } catch (RuntimeException | Error e) {
      iterates.closeAll();
      throw e;
    }
  }

  private Solution iterate(
      Problem problem, Iterates iterates, Statistics statistics, Monitor monitor) {
    Backend backend = problem.backend();
    UpdateRule rule = new UpdateRule.Multiplicative(EPSILON);
    StoppingRule stopping = new StoppingRule(patience, tolerance);
    StopReason reason = null;
    double squaredNorm = problem.activations().squaredNorm();
    LossTrace trace = new LossTrace(problem, maxIterations, limits, monitor);
    trace.checkCancelled();
    backend.denseStatistics(problem.activations(), iterates.coefficients(), statistics);
    while (reason == null) {
      trace.checkCancelled();
      Features z = iterates.features();
      backend.ridgeSolve(statistics, ridge, z);
      backend.winnerTakeAll(z, problem.keep());
      // Y itself may be the best iterate, which must stay; the pass normalizes while reading.
      double[] norms = statistics.rowNorms();
      backend.scaleColumns(z, norms);
      // The last iteration needs no C for a next one.
      Refresh refresh = trace.iterations() + 1 == maxIterations ? Refresh.GRAM : Refresh.DENSE;
      PassResult sums =
          backend.pass(
              problem.activations(),
              z,
              rule,
              iterates.coefficients(),
              Arrays.stream(norms).map(norm -> 1 / norm).toArray(),
              null,
              iterates.next(),
              refresh,
              statistics);
      double loss = sums.loss(squaredNorm);
      if (loss < CANCELLATION * squaredNorm) {
        loss = backend.residual(problem.activations(), z, iterates.next());
      }
      trace.add(loss, squaredNorm);
      iterates.advance(loss);
      reason = stopping.after(trace, loss);
    }
    return iterates.best(trace.losses(), reason);
  }
}
