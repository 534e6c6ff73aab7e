package org.snmf4j.onnx.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds a graph's norms, one fused operator or the many small ones of older exports. */
final class Norms {
  private final GraphIndex index;
  private final Cones cones;
  private final Map<String, String> outputBySource = new HashMap<>();

  Norms(GraphIndex index, Cones cones) {
    this.index = index;
    this.cones = cones;
    for (Node node : index.nodes()) {
      if (Operators.isFusedNorm(node) && index.isDynamic(node.input(0))) {
        add(node.input(0), node.output(0));
      } else if (Operators.isProduct(node) && cones.isNormStep(node)) {
        boolean first = cones.isStatistic(node.input(0));
        add(uncentred(node.input(first ? 1 : 0)), scaled(node.output(0)));
      }
    }
  }

  /** The norm of a tensor, or null if nobody takes one. */
  String of(String tensor) {
    return outputBySource.get(root(tensor));
  }

  /** The tensor whose values {@code tensor} carries in another shape or type. */
  String root(String tensor) {
    String name = tensor;
    for (Node node = index.producer(name);
        node != null && (Operators.isPassing(node) || Operators.isReshaping(node));
        node = index.producer(name)) {
      name = node.input(0);
    }
    return name;
  }

  private void add(String source, String output) {
    // The first norm of a tensor is the one that its own block takes.
    outputBySource.putIfAbsent(root(source), output);
  }

  /** The tensor from which a layer norm took the mean away. */
  private String uncentred(String tensor) {
    Node producer = index.producer(root(tensor));
    if (producer != null && producer.op().equals("Sub") && cones.isNormStep(producer)) {
      return producer.input(0);
    }
    return tensor;
  }

  /** The norm's result after its learned scale and shift, where it has them. */
  private String scaled(String tensor) {
    String result = tensor;
    String name = tensor;
    boolean scaled = false;
    while (true) {
      List<Node> consumers = index.consumers(name);
      if (consumers.size() != 1) {
        return result;
      }
      Node consumer = consumers.get(0);
      boolean affine = index.dynamicInputs(consumer).size() == 1;
      if (Operators.isPassing(consumer)) {
        name = consumer.output(0);
      } else if (affine && !scaled && consumer.op().equals("Mul")) {
        scaled = true;
        name = consumer.output(0);
        result = name;
      } else if (affine && consumer.op().equals("Add")) {
        return consumer.output(0);
      } else {
        return result;
      }
    }
  }
}
