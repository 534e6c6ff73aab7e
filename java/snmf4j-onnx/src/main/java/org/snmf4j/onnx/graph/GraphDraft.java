package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.snmf4j.error.InvalidArgumentException;

/** A copy of a graph's nodes that is being edited; weights are shared with the original. */
final class GraphDraft {
  private static final String ROWS = "snmf4j_rows";
  private static final String LENGTH = "snmf4j_length";

  private final ModelGraph graph;
  private final List<NodeProto.Builder> nodes = new ArrayList<>();
  private final Map<Node, NodeProto.Builder> copies = new IdentityHashMap<>();
  private final Map<String, NodeProto.Builder> producers = new HashMap<>();
  private final Map<NodeProto.Builder, List<NodeProto.Builder>> before = new IdentityHashMap<>();
  private final Map<NodeProto.Builder, List<NodeProto.Builder>> after = new IdentityHashMap<>();
  private final List<ValueInfoProto> inputs = new ArrayList<>();
  private final List<NodeProto.Builder> first = new ArrayList<>();
  private final List<NodeProto.Builder> last = new ArrayList<>();
  private final Set<String> taken = new HashSet<>();

  GraphDraft(ModelGraph graph) {
    this.graph = graph;
    for (Node node : graph.index().nodes()) {
      NodeProto.Builder copy = node.proto().toBuilder();
      nodes.add(copy);
      copies.put(node, copy);
      produced(copy);
      taken.addAll(node.inputs());
      taken.addAll(node.outputs());
    }
    taken.addAll(graph.index().inputs());
    GraphProto proto = graph.proto().getGraph();
    proto.getInitializerList().forEach(initializer -> taken.add(initializer.getName()));
    proto.getSparseInitializerList().forEach(sparse -> taken.add(sparse.getValues().getName()));
  }

  static NodeProto.Builder node(String op, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .setName(output)
        .addAllInput(List.of(inputs))
        .addOutput(output);
  }

  static void attribute(NodeProto.Builder node, String name, long value) {
    node.addAttribute(
        AttributeProto.newBuilder()
            .setName(name)
            .setType(AttributeProto.AttributeType.INT)
            .setI(value));
  }

  /** A name that the graph does not use yet: {@code wish} or something like it. */
  String fresh(String wish) {
    String name = wish;
    for (int i = 1; !taken.add(name); i++) {
      name = wish + "_" + i;
    }
    return name;
  }

  /** The node that writes a tensor now, or null. */
  NodeProto.Builder producer(String tensor) {
    return producers.get(tensor);
  }

  /** The fused operator that adds a tensor of the original graph to another, or null. */
  FusedSum fusedSum(String tensor) {
    for (Node node : graph.index().consumers(tensor)) {
      if (Operators.isSkipNorm(node)
          && (node.input(0).equals(tensor) || node.input(1).equals(tensor))) {
        return new FusedSum(copies.get(node));
      }
    }
    return null;
  }

  /**
   * Gives a node's output another name, so that the old one is free for something else.
   *
   * @return the new name
   */
  String rename(String tensor, String purpose) {
    NodeProto.Builder node = producers.remove(tensor);
    String name = fresh("snmf4j/" + tensor + "/before_" + purpose);
    for (int i = 0; i < node.getOutputCount(); i++) {
      if (node.getOutput(i).equals(tensor)) {
        node.setOutput(i, name);
      }
    }
    producers.put(name, node);
    return name;
  }

  /** Adds a node before all others; those added earlier come first. */
  void first(NodeProto.Builder node) {
    first.add(node);
    produced(node);
  }

  /** Adds a node after all others. */
  void last(NodeProto.Builder node) {
    last.add(node);
    produced(node);
  }

  void before(NodeProto.Builder place, NodeProto.Builder node) {
    before.computeIfAbsent(place, none -> new ArrayList<>()).add(node);
    produced(node);
  }

  void after(NodeProto.Builder place, NodeProto.Builder node) {
    after.computeIfAbsent(place, none -> new ArrayList<>()).add(node);
    produced(node);
  }

  private void produced(NodeProto.Builder node) {
    node.getOutputList().stream()
        .filter(output -> !output.isEmpty())
        .forEach(output -> producers.put(output, node));
  }

  /** A new float32 input {@code [rows, 1, width]}, or {@code [rows, length, width]}. */
  String input(String wish, int width, boolean longer) {
    String name = fresh(wish);
    TensorShapeProto.Dimension.Builder length = TensorShapeProto.Dimension.newBuilder();
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(ROWS));
    shape.addDim(longer ? length.setDimParam(LENGTH) : length.setDimValue(1));
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(width));
    inputs.add(
        ValueInfoProto.newBuilder()
            .setName(name)
            .setType(
                TypeProto.newBuilder()
                    .setTensorType(
                        TypeProto.Tensor.newBuilder()
                            .setElemType(DataType.FLOAT.getNumber())
                            .setShape(shape)))
            .build());
    return name;
  }

  /** A new constant of int64. */
  String integers(long... values) {
    String name = fresh("snmf4j/integers");
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setDataType(DataType.INT64.getNumber()).addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    // Before IR version 4 every initializer had to be an input as well; a node always goes.
    first(
        NodeProto.newBuilder()
            .setOpType("Constant")
            .setName(name)
            .addOutput(name)
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("value")
                    .setType(AttributeProto.AttributeType.TENSOR)
                    .setT(tensor)));
    return name;
  }

  /** The model with all edits; each node comes after those whose tensors it reads. */
  ModelProto build() {
    GraphProto.Builder edited = graph.proto().getGraph().toBuilder();
    edited.clearNode();
    ordered().forEach(edited::addNode);
    inputs.forEach(edited::addInput);
    return graph.proto().toBuilder().setGraph(edited).build();
  }

  /**
   * The part of the edited model that computes one tensor.
   *
   * @param input an input that it must depend on
   * @throws InvalidArgumentException if it does not; {@code from} and {@code to} are for the
   *     message
   */
  ModelProto cut(String output, String input, String from, String to) {
    List<NodeProto.Builder> all = ordered();
    Set<String> needed = new HashSet<>(Set.of(output));
    Set<NodeProto.Builder> kept = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<String> open = new ArrayDeque<>(needed);
    while (!open.isEmpty()) {
      NodeProto.Builder node = producers.get(open.remove());
      if (node != null && kept.add(node)) {
        GraphIndex.used(new Node(node.build())).stream().filter(needed::add).forEach(open::add);
      }
    }
    if (!needed.contains(input)) {
      throw new InvalidArgumentException("tensor", to, "computed from '" + from + "'");
    }
    GraphProto original = graph.proto().getGraph();
    GraphProto.Builder piece =
        GraphProto.newBuilder().setName(original.getName()).addAllInput(inputs);
    all.stream().filter(kept::contains).forEach(piece::addNode);
    original.getInitializerList().stream()
        .filter(initializer -> needed.contains(initializer.getName()))
        .forEach(piece::addInitializer);
    original.getSparseInitializerList().stream()
        .filter(sparse -> needed.contains(sparse.getValues().getName()))
        .forEach(piece::addSparseInitializer);
    original.getInputList().stream()
        .filter(info -> needed.contains(info.getName()))
        .forEach(piece::addInput);
    piece.addOutput(ValueInfoProto.newBuilder().setName(output));
    return graph.proto().toBuilder().setGraph(piece).build();
  }

  private List<NodeProto.Builder> ordered() {
    List<NodeProto.Builder> all = new ArrayList<>(first);
    nodes.forEach(node -> add(node, all));
    all.addAll(last);
    return all;
  }

  private void add(NodeProto.Builder node, List<NodeProto.Builder> all) {
    before.getOrDefault(node, List.of()).forEach(added -> add(added, all));
    all.add(node);
    after.getOrDefault(node, List.of()).forEach(added -> add(added, all));
  }
}
