package org.snmf4j.onnx.graph;

import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import org.snmf4j.onnx.graph.Constants.StoredMatrix;

/** What a graph's lookup tables say about the token sequences that it accepts. */
final class TokenInputs {
  private static final Set<String> WALKED =
      Set.of("Unsqueeze", "Squeeze", "Reshape", "Expand", "Cast", "Identity", "Slice", "Gather");

  /** Positions are counted in a few steps; a graph made to exhaust the stack has more. */
  private static final int MAX_STEPS = 500;

  private final GraphIndex index;
  private final Constants constants;
  private final String ids;
  private final OptionalLong width;

  /**
   * @param ids name of the input that takes token ids
   * @param width the model's width, where it is known; token embeddings may be narrower
   */
  TokenInputs(GraphIndex index, Constants constants, String ids, OptionalLong width) {
    this.index = index;
    this.constants = constants;
    this.ids = ids;
    this.width = width;
  }

  /** Rows of the token embedding table. */
  OptionalLong vocabularySize() {
    StoredMatrix table = tokenTable();
    return table == null ? OptionalLong.empty() : OptionalLong.of(table.rows());
  }

  /** Longest sequence for which the table of learned positions has rows, if there is one. */
  OptionalLong contextLength() {
    StoredMatrix tokens = tokenTable();
    OptionalLong shortest = OptionalLong.empty();
    for (Node node : index.nodes()) {
      StoredMatrix table = table(node);
      // Rotary models look up sines and cosines, narrower than the model; what counts as one of
      // those and what as a table of something else, only an input named for positions tells.
      if (table == null || !(isEmbedding(table, tokens) || takesPositions(node.input(1)))) {
        continue;
      }
      OptionalLong first = firstPosition(node.input(1), new HashSet<>());
      if (first.isPresent()) {
        long length = table.rows() - first.getAsLong();
        if (shortest.isEmpty() || length < shortest.getAsLong()) {
          shortest = OptionalLong.of(length);
        }
      }
    }
    return shortest.isPresent() ? shortest : fusedContextLength();
  }

  private boolean isEmbedding(StoredMatrix table, StoredMatrix tokens) {
    return tokens != null && table.columns() == tokens.columns()
        || width.isPresent() && table.columns() == width.getAsLong();
  }

  /** Whether a lookup's indices are the positions that the caller gives. */
  private boolean takesPositions(String tensor) {
    String name = tensor;
    for (Node node = index.producer(name);
        node != null && Operators.isPassing(node);
        node = index.producer(name)) {
      name = node.input(0);
    }
    return name.equals("position_ids") && index.producer(name) == null;
  }

  private OptionalLong fusedContextLength() {
    for (Node node : index.nodes()) {
      if (node.op().equals("EmbedLayerNormalization")) {
        StoredMatrix positions = constants.matrix(node.input(3));
        return positions == null ? OptionalLong.empty() : OptionalLong.of(positions.rows());
      }
    }
    return OptionalLong.empty();
  }

  private StoredMatrix tokenTable() {
    for (Node node : index.nodes()) {
      if (node.op().equals("EmbedLayerNormalization")) {
        return constants.matrix(node.input(2));
      }
      StoredMatrix table = table(node);
      if (table != null && carriesIds(node.input(1))) {
        return table;
      }
    }
    return null;
  }

  private StoredMatrix table(Node node) {
    boolean lookup =
        (node.op().equals("Gather") || node.op().equals("GatherBlockQuantized"))
            && node.integer("axis", 0) == 0
            && node.integer("gather_axis", 0) == 0
            && index.isConstant(node.input(0))
            && index.isDynamic(node.input(1));
    return lookup ? constants.matrix(node.input(0)) : null;
  }

  private boolean carriesIds(String tensor) {
    String name = tensor;
    while (!name.equals(ids)) {
      Node producer = index.producer(name);
      if (producer == null || !(Operators.isPassing(producer))) {
        return false;
      }
      name = producer.input(0);
    }
    return true;
  }

  /**
   * The first position that a lookup of positions uses: 0 in most models, 2 in RoBERTa and OPT.
   * Empty if the indices are no positions.
   */
  private OptionalLong firstPosition(String tensor, Set<String> seen) {
    if (seen.size() > MAX_STEPS || !seen.add(tensor)) {
      return OptionalLong.empty();
    }
    if (index.isConstant(tensor)) {
      long[] values = constants.integers(tensor);
      boolean counting = values != null && values.length > 1 && values[1] == values[0] + 1;
      return counting ? OptionalLong.of(values[0]) : OptionalLong.empty();
    }
    Node producer = index.producer(tensor);
    if (producer == null) {
      return tensor.equals("position_ids") ? OptionalLong.of(0) : OptionalLong.empty();
    }
    switch (producer.op()) {
      case "Range":
        return OptionalLong.of(scalar(producer.input(0), 0));
      case "CumSum":
        return OptionalLong.of(1);
      case "Add":
      case "Sub":
        return shifted(producer, seen);
      case "Mul":
      case "Where":
        return anyInput(producer, seen);
      default:
        return WALKED.contains(producer.op())
            ? firstPosition(producer.input(0), seen)
            : OptionalLong.empty();
    }
  }

  private OptionalLong shifted(Node node, Set<String> seen) {
    int sign = node.op().equals("Add") ? 1 : -1;
    for (int i = 0; i < 2; i++) {
      String shift = node.input(1 - i);
      OptionalLong first = firstPosition(node.input(i), seen);
      if (first.isPresent()) {
        // A shift that depends on the input (a cache's length) is 0 in a fresh run.
        return OptionalLong.of(first.getAsLong() + sign * scalar(shift, 0));
      }
    }
    return OptionalLong.empty();
  }

  private OptionalLong anyInput(Node node, Set<String> seen) {
    for (String input : node.inputs()) {
      OptionalLong first = firstPosition(input, seen);
      if (first.isPresent()) {
        return first;
      }
    }
    return OptionalLong.empty();
  }

  private long scalar(String tensor, long otherwise) {
    long[] values = index.isConstant(tensor) ? constants.integers(tensor) : null;
    return values != null && values.length == 1 ? values[0] : otherwise;
  }
}
