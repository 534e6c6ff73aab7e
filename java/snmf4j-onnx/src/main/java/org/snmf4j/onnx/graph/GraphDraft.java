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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A copy of a graph's nodes that is being edited; weights are shared with the original. */
final class GraphDraft {
  private static final String ROWS = "snmf4j_rows";

  private final ModelGraph graph;
  private final List<NodeProto.Builder> nodes = new ArrayList<>();
  private final Map<Node, NodeProto.Builder> copies = new IdentityHashMap<>();
  private final Map<String, NodeProto.Builder> producers = new HashMap<>();
  private final Map<NodeProto.Builder, List<NodeProto.Builder>> before = new IdentityHashMap<>();
  private final Map<NodeProto.Builder, List<NodeProto.Builder>> after = new IdentityHashMap<>();
  private final List<ValueInfoProto> inputs = new ArrayList<>();
  private final List<NodeProto.Builder> constants = new ArrayList<>();
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

  /** A new float32 input {@code [rows, 1, width]}, rows as the model's batches have. */
  String input(String wish, int width) {
    String name = fresh(wish);
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(ROWS));
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(1));
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
    constants.add(
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
    constants.forEach(edited::addNode);
    nodes.forEach(node -> add(node, edited));
    inputs.forEach(edited::addInput);
    return graph.proto().toBuilder().setGraph(edited).build();
  }

  private void add(NodeProto.Builder node, GraphProto.Builder edited) {
    before.getOrDefault(node, List.of()).forEach(added -> add(added, edited));
    edited.addNode(node);
    after.getOrDefault(node, List.of()).forEach(added -> add(added, edited));
  }
}
