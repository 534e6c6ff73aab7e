package org.snmf4j.onnx.graph;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What a tensor is computed from, back to the nearest products with constant matrices.
 *
 * @param sources those products
 * @param open whether something else is among the sources: an input, attention, a lookup
 * @param nonlinear whether a non-linearity lies on the way
 * @param statistic whether the tensor is a mean or a norm rather than activations
 */
record Cone(Set<Projection> sources, boolean open, boolean nonlinear, boolean statistic) {
  static final Cone CONSTANT = new Cone(Set.of(), false, false, false);
  static final Cone OPEN = new Cone(Set.of(), true, false, false);

  /** More sources than any MLP has; stops sets from growing along the residual stream. */
  private static final int MAX_SOURCES = 8;

  static Cone from(Projection projection) {
    return new Cone(Set.of(projection), false, projection.activated(), false);
  }

  /** The union; a statistic only if all parts are. */
  static Cone union(Collection<Cone> parts) {
    Set<Projection> sources = new LinkedHashSet<>();
    boolean nonlinear = false;
    boolean statistic = !parts.isEmpty();
    for (Cone part : parts) {
      if (part.open) {
        // Norms on the residual stream still have to be told from activations.
        return parts.stream().allMatch(Cone::statistic)
            ? new Cone(Set.of(), true, false, true)
            : OPEN;
      }
      sources.addAll(part.sources);
      nonlinear |= part.nonlinear;
      statistic &= part.statistic;
    }
    boolean open = sources.size() > MAX_SOURCES;
    return new Cone(open ? Set.of() : sources, open, nonlinear, statistic);
  }

  Cone withNonlinear() {
    return new Cone(sources, open, true, statistic);
  }

  Cone withStatistic() {
    return new Cone(sources, open, nonlinear, true);
  }

  Cone withoutStatistic() {
    return new Cone(sources, open, nonlinear, false);
  }
}
