package org.snmf4j.solver;

import java.util.ArrayDeque;
import java.util.Deque;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;

/**
 * The current iterate, the next one being written, and the best so far. They trade places instead
 * of being copied; a third pair is allocated only once an iterate fails to improve.
 */
final class Iterates {
  private final Problem problem;
  private final Deque<Coefficients> freeCoefficients = new ArrayDeque<>();
  private final Deque<Features> freeFeatures = new ArrayDeque<>();
  private Coefficients current;
  private Coefficients next;
  private Coefficients best;
  private Features features;
  private Features bestFeatures;
  private double bestLoss = Double.POSITIVE_INFINITY;
  private int iteration;
  private int bestIteration;

  Iterates(Problem problem, Coefficients start) {
    this.problem = problem;
    this.current = start;
  }

  /** Y. */
  Coefficients coefficients() {
    return current;
  }

  /** Where Y′ goes. */
  Coefficients next() {
    if (next == null) {
      next =
          freeCoefficients.isEmpty()
              ? problem.backend().newCoefficients(problem.rank(), problem.tokens())
              : freeCoefficients.pop();
    }
    return next;
  }

  /** Where this iteration's Z goes. */
  Features features() {
    if (features == null) {
      features =
          freeFeatures.isEmpty()
              ? problem.backend().newFeatures(problem.neurons(), problem.rank())
              : freeFeatures.pop();
    }
    return features;
  }

  /** Y′ and Z become the current iterate, and the best if their loss is the lowest. */
  void advance(double loss) {
    iteration++;
    if (current != best) {
      freeCoefficients.push(current);
    }
    current = next;
    next = null;
    if (loss < bestLoss) {
      bestLoss = loss;
      bestIteration = iteration;
      if (best != null) {
        freeCoefficients.push(best);
        freeFeatures.push(bestFeatures);
      }
      best = current;
      bestFeatures = features;
    } else {
      freeFeatures.push(features);
    }
    features = null;
  }

  /** The best iterate; everything else is closed. */
  Solution best(double[] losses, StopReason reason) {
    Coefficients coefficients = best;
    Features z = bestFeatures;
    if (current == best) {
      current = null;
    }
    best = null;
    bestFeatures = null;
    closeAll();
    return new Solution(z, coefficients, null, losses, bestIteration, reason);
  }

  void closeAll() {
    close(current);
    close(next);
    close(best);
    close(features);
    close(bestFeatures);
    freeCoefficients.forEach(Coefficients::close);
    freeFeatures.forEach(Features::close);
  }

  private static void close(org.snmf4j.backend.Resident resident) {
    if (resident != null) {
      resident.close();
    }
  }
}
