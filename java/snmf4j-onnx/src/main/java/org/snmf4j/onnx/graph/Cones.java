package org.snmf4j.onnx.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Computes, for every tensor of a graph, what it depends on: one pass in the order of the nodes.
 */
final class Cones {
  private final GraphIndex index;
  private final Projections projections;
  private final Map<String, Cone> cones = new HashMap<>();

  Cones(GraphIndex index, Projections projections) {
    this.index = index;
    this.projections = projections;
    for (Node node : index.nodes()) {
      Cone cone = compute(node);
      for (String output : node.outputs()) {
        Projection projection = projections.ending(output);
        cones.put(output, projection == null ? cone : Cone.from(projection));
      }
    }
  }

  Cone of(String tensor) {
    if (index.isConstant(tensor)) {
      return Cone.CONSTANT;
    }
    return cones.getOrDefault(tensor, Cone.OPEN);
  }

  /**
   * Whether a node divides activations by a statistic of them (or multiplies by its inverse), or
   * takes the mean away: a step of a norm that was not fused.
   */
  boolean isNormStep(Node node) {
    if (!(Operators.isProduct(node) || node.op().equals("Sub"))) {
      return false;
    }
    return index.isDynamic(node.input(0))
        && index.isDynamic(node.input(1))
        && isStatistic(node.input(0)) != isStatistic(node.input(1));
  }

  boolean isStatistic(String tensor) {
    return of(tensor).statistic();
  }

  /** A lookup at constant places, as exporters write x[..., 0, :]. */
  private boolean picksParts(Node node) {
    return node.op().equals("Gather")
        && index.isDynamic(node.input(0))
        && index.isConstant(node.input(1));
  }

  private Cone compute(Node node) {
    List<String> inputs = index.dynamicInputs(node);
    if (inputs.isEmpty()) {
      return index.isConstant(node.output(0)) ? Cone.CONSTANT : Cone.OPEN;
    }
    if (Operators.isPassing(node) || Operators.isSelecting(node) || picksParts(node)) {
      return of(node.input(0));
    }
    if (Operators.isFusedNorm(node)) {
      return of(node.input(0)).withoutStatistic();
    }
    if (Operators.isReduction(node)) {
      return of(node.input(0)).withStatistic();
    }
    if (isNormStep(node)) {
      boolean first = isStatistic(node.input(0));
      return of(node.input(first ? 1 : 0));
    }
    boolean product = Operators.isProduct(node);
    if (!product && !Operators.isActivation(node) && !Operators.isLinear(node)) {
      return Cone.OPEN;
    }
    List<Cone> parts = new ArrayList<>();
    inputs.forEach(input -> parts.add(of(input)));
    Cone union = Cone.union(parts);
    boolean nonlinear = product ? inputs.size() > 1 : Operators.isActivation(node);
    return nonlinear && !union.open() ? union.withNonlinear() : union;
  }

  Projections projections() {
    return projections;
  }
}
