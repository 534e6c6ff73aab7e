package org.snmf4j.solver;

import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;

/**
 * Z and the statistics of a fit, made when first asked for: what makes the start needs the room.
 */
final class Workspace implements AutoCloseable {
  /** Per neuron that a feature keeps. Twice as many change little more, and cost more. */
  private static final int CANDIDATES = 4;

  private final Problem problem;
  private Features features;
  private Statistics statistics;
  private Features candidates;

  Workspace(Problem problem) {
    this.problem = problem;
  }

  Features features() {
    if (features == null) {
      features = problem.backend().newFeatures(problem.neurons(), problem.rank());
    }
    return features;
  }

  Statistics statistics() {
    if (statistics == null) {
      statistics = problem.backend().newStatistics(problem.neurons(), problem.rank());
    }
    return statistics;
  }

  /** Whether candidates are so few that C on them costs less than all of it. */
  boolean sparesWithCandidates() {
    return CANDIDATES * (long) problem.keep() <= problem.neurons() / 4;
  }

  /**
   * Features whose nonzeros are where Z's may soon be; null before {@link #chooseCandidates}, and
   * after {@link #dropCandidates}.
   */
  Features candidates() {
    return candidates;
  }

  /**
   * Takes as candidates the neurons that have most weight in the features of least squares, {@value
   * #CANDIDATES} times as many as a feature keeps.
   *
   * <p>Only where {@link #sparesWithCandidates}.
   *
   * @param ridge ρ of the least squares
   */
  void chooseCandidates(double ridge) {
    if (candidates == null) {
      candidates = problem.backend().newFeatures(problem.neurons(), problem.rank());
    }
    problem.backend().ridgeSolve(statistics, ridge, candidates);
    problem.backend().winnerTakeAll(candidates, CANDIDATES * problem.keep());
  }

  void dropCandidates() {
    if (candidates != null) {
      candidates.close();
      candidates = null;
    }
  }

  /** Frees all; not to be called once Z and the statistics have a new owner. */
  @Override
  public void close() {
    dropCandidates();
    if (features != null) {
      features.close();
    }
    if (statistics != null) {
      statistics.close();
    }
  }
}
