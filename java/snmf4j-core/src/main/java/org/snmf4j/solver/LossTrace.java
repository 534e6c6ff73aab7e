package org.snmf4j.solver;

import java.util.Arrays;
import org.snmf4j.error.BackendFailureException;

/** The losses of a fit so far; tells the monitor about each. */
final class LossTrace {
  private final Problem problem;
  private final int maxIterations;
  private final Limits limits;
  private final Monitor monitor;
  private final long begin = System.nanoTime();
  private double[] losses = new double[64];
  private int count;
  private boolean reachedTarget;

  LossTrace(Problem problem, int maxIterations, Limits limits, Monitor monitor) {
    this.problem = problem;
    this.maxIterations = maxIterations;
    this.limits = limits;
    this.monitor = monitor;
  }

  void checkCancelled() {
    monitor.checkCancelled();
  }

  /**
   * Notes the loss of the iteration just done; that of a sample is scaled to all tokens.
   *
   * @param loss ‖A − ZY‖² over some tokens
   * @param norm ‖A‖² over the same tokens
   */
  void add(double loss, double norm) {
    double squaredNorm = problem.activations().squaredNorm();
    if (!Double.isFinite(loss)) {
      throw new BackendFailureException(
          "the loss became "
              + loss
              + " at iteration "
              + (count + 1)
              + "; the activations' scale (squared norm "
              + squaredNorm
              + ") is beyond what "
              + problem.backend().elementType()
              + " arithmetic bears: rescale them");
    }
    losses = count < losses.length ? losses : Arrays.copyOf(losses, 2 * count);
    // That of a sample says too little about the others to end a fit.
    reachedTarget = norm == squaredNorm && limits.isReachedBy(loss / norm);
    losses[count++] = norm == squaredNorm ? loss : loss / norm * squaredNorm;
    double seconds = (System.nanoTime() - begin) * 1e-9;
    monitor.progress().accept(new FitProgress(count, maxIterations, loss / norm, seconds));
  }

  /** Whether the last iteration saw all tokens and left them at the target loss. */
  boolean reachedTarget() {
    return reachedTarget;
  }

  /** Whether the target is reached or the time is up. */
  boolean isOver() {
    return reachedTarget || timeIsUp();
  }

  boolean timeIsUp() {
    return limits.timeIsUp();
  }

  boolean isFull() {
    return count >= maxIterations;
  }

  int iterations() {
    return count;
  }

  double[] losses() {
    return Arrays.copyOf(losses, count);
  }
}
