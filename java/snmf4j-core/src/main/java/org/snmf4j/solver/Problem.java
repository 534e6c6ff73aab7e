package org.snmf4j.solver;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;

/**
 * What is to be factorized, where.
 *
 * @param backend computes and owns the activations
 * @param activations A {@code [d, n]}
 * @param rank k
 * @param keep most nonzeros of a feature, ties aside; at most d
 */
public record Problem(Backend backend, Activations activations, int rank, int keep) {
  int neurons() {
    return activations.neurons();
  }

  long tokens() {
    return activations.tokens();
  }
}
