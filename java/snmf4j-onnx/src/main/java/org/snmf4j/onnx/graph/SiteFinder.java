package org.snmf4j.onnx.graph;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds a model's MLPs by structure.
 *
 * <p>A down-projection is a product with a constant matrix whose input comes, through a
 * non-linearity and nothing else than elementwise steps, from other products with constant matrices
 * (the up-projection, or gate and up), and whose result is added to the residual stream.
 * Attention's output projection is told apart by the product of two activations before it,
 * classifier heads by the missing sum.
 */
final class SiteFinder {
  private final GraphIndex index;
  private final Projections projections;
  private final Cones cones;
  private final Norms norms;
  private final List<Projection> routed = new ArrayList<>();

  SiteFinder(GraphIndex index, Constants constants) {
    this.index = index;
    this.projections = new Projections(index, constants);
    this.cones = new Cones(index, projections);
    this.norms = new Norms(index, cones);
  }

  /**
   * The blocks in the order of computation; empty if no MLP was found, or if some are mixtures of
   * experts, so that the others would be counted wrongly.
   */
  List<MlpLayer> layers() {
    if (index.nodes().stream().anyMatch(Operators::isMixture)) {
      return List.of();
    }
    List<MlpLayer> found = new ArrayList<>();
    for (Projection projection : projections.all()) {
      Cone cone = cones.of(projection.input());
      if (cone.open() || !cone.nonlinear() || cone.sources().isEmpty()) {
        continue;
      }
      BlockTrace trace = new BlockTrace(index, norms, projections, projection, cone.sources());
      MlpLayer layer = trace.block(found.size());
      if (trace.routed()) {
        routed.add(projection);
      }
      if (layer != null) {
        found.add(layer);
      }
    }
    List<MlpLayer> wide = withoutAdapters(found);
    return wide.stream().anyMatch(this::besideExperts) ? List.of() : wide;
  }

  /** Whether experts of the same width were found, so that blocks would be missing. */
  private boolean besideExperts(MlpLayer layer) {
    long width = layer.downProjection().width();
    return routed.stream().anyMatch(expert -> expert.weight().columns() == width);
  }

  /** Whether some MLPs' results are weighted or distributed by other activations. */
  boolean hasExperts() {
    return !routed.isEmpty();
  }

  /** Bottleneck adapters look like MLPs, but narrow where MLPs widen. */
  private static List<MlpLayer> withoutAdapters(List<MlpLayer> found) {
    List<MlpLayer> wide =
        found.stream()
            .filter(layer -> layer.downProjection().neurons() >= layer.downProjection().width())
            .toList();
    if (wide.isEmpty() || wide.size() == found.size()) {
      return List.copyOf(found);
    }
    List<MlpLayer> numbered = new ArrayList<>();
    for (MlpLayer layer : wide) {
      numbered.add(
          new MlpLayer(
              numbered.size(),
              layer.mlp(),
              layer.mlpOut(),
              layer.residual(),
              layer.downProjection()));
    }
    return List.copyOf(numbered);
  }

  /**
   * Tensors that a user may mean by the site {@code mlp}: inputs of products that read a
   * non-linearity's result, then those of products that narrow, else of all.
   */
  List<String> candidates() {
    Set<String> names = new LinkedHashSet<>();
    List<Projection> all = projections.all();
    all.stream()
        .filter(projection -> cones.of(projection.input()).nonlinear())
        .forEach(projection -> names.add(projection.input()));
    all.stream()
        .filter(projection -> projection.weight().rows() > projection.weight().columns())
        .forEach(projection -> names.add(projection.input()));
    if (names.isEmpty()) {
      all.forEach(projection -> names.add(projection.input()));
    }
    return List.copyOf(names);
  }
}
