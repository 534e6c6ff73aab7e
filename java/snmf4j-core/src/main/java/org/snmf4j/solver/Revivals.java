package org.snmf4j.solver;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.ReviveResult;
import org.snmf4j.backend.Statistics;

/**
 * The revivals of dead features in the course of a fit, as many as help. What killed a feature, a
 * penalty above all, may kill its successor too: then no more are tried.
 */
final class Revivals {
  /** Revivals of a fit, so that features that come and go cannot take much of its time. */
  private static final int MOST = 4;

  private int left = MOST;
  private int dead = Integer.MAX_VALUE;

  /**
   * Revives what is dead, unless that has proved useless. Never changes the objective.
   *
   * @param statistics those of Y; only G is needed
   */
  void attempt(Problem problem, Statistics statistics, Features z, Coefficients y) {
    if (left == 0) {
      return;
    }
    ReviveResult result =
        problem.backend().revive(problem.activations(), statistics, z, y, problem.keep());
    if (result.dead() == 0) {
      dead = Integer.MAX_VALUE;
      return;
    }
    boolean helps = result.revived() > 0 && result.dead() < dead;
    left = helps ? left - 1 : 0;
    dead = result.dead();
  }
}
