package org.snmf4j.solver;

import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;

/**
 * Z and the statistics of a fit, made when first asked for: what makes the start needs the room.
 */
final class Workspace implements AutoCloseable {
  private final Problem problem;
  private Features features;
  private Statistics statistics;

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

  /** Frees both; not to be called once they have a new owner. */
  @Override
  public void close() {
    if (features != null) {
      features.close();
    }
    if (statistics != null) {
      statistics.close();
    }
  }
}
