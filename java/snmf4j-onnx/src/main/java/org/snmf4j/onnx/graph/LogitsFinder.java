package org.snmf4j.onnx.graph;

import java.util.OptionalLong;

/**
 * Finds a language model's logits: the output that comes from a product with a constant matrix as
 * wide as the vocabulary, perhaps scaled, capped or shifted afterwards.
 */
final class LogitsFinder {
  /** A cap, a scale, a bias, casts and selections are a few steps. */
  private static final int MAX_STEPS = 64;

  private final ModelGraph graph;
  private final GraphIndex index;
  private final Projections projections;

  LogitsFinder(ModelGraph graph) {
    this.graph = graph;
    this.index = graph.index();
    this.projections = new Projections(index, new Constants(index));
  }

  String output() {
    for (var output : graph.proto().getGraph().getOutputList()) {
      Projection head = head(output.getName());
      if (head != null && isVocabulary(head.weight().columns())) {
        return output.getName();
      }
    }
    throw new LogitsNotFoundException(
        graph.file()
            + ": no causal language model: none of its outputs "
            + graph.proto().getGraph().getOutputList().stream()
                .map(output -> "'" + output.getName() + "'")
                .toList()
            + " has a value per token of the vocabulary"
            + (graph.vocabularySize().isPresent()
                ? " of " + graph.vocabularySize().getAsLong()
                : "")
            + "; export the model together with its language modeling head");
  }

  /** Heads may be padded beyond the vocabulary, or tables beyond the head. */
  private boolean isVocabulary(long columns) {
    OptionalLong vocabulary = graph.vocabularySize();
    long width = graph.layers().isEmpty() ? 1 : graph.layers().get(0).downProjection().width();
    if (vocabulary.isEmpty()) {
      return columns > width;
    }
    long size = vocabulary.getAsLong();
    return columns == size || Math.abs(columns - size) <= Math.max(1, size / 8) && columns > width;
  }

  private Projection head(String output) {
    String tensor = output;
    for (int i = 0; i < MAX_STEPS; i++) {
      Projection projection = projections.ending(tensor);
      if (projection != null) {
        return projection;
      }
      Node node = index.producer(tensor);
      if (node == null) {
        return null;
      }
      boolean one = index.dynamicInputs(node).size() == 1;
      boolean step =
          Operators.isPassing(node)
              || Operators.isSelecting(node)
              || node.op().equals("Tanh")
              || node.op().equals("Gather")
              || node.op().equals("GatherND")
              || one && (Operators.isProduct(node) || Operators.isSum(node));
      if (!step) {
        return null;
      }
      tensor = index.isDynamic(node.input(0)) ? node.input(0) : node.input(1);
    }
    return null;
  }
}
