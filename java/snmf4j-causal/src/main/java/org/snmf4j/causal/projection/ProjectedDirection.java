package org.snmf4j.causal.projection;

import java.util.List;

/**
 * The tokens that a direction and its opposite speak for most.
 *
 * @param positive tokens of f, the highest score first; of equal scores the smaller id first
 * @param negative tokens of -f, likewise; their scores are those of -f
 */
public record ProjectedDirection(List<TokenScore> positive, List<TokenScore> negative) {
  /** Copies the lists. */
  public ProjectedDirection {
    positive = List.copyOf(positive);
    negative = List.copyOf(negative);
  }
}
