package org.snmf4j.causal;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Models of a few operators, and edits of real ones. */
final class ToyModels {
  private static final int WORDS = 11;
  private static final int WIDTH = 5;

  private ToyModels() {}

  /** Logits depend on the token itself only. */
  static Path bigram(Path directory) {
    GraphProto.Builder graph = tokens();
    head(graph, "embedded");
    return write(directory, "bigram", graph);
  }

  /** Every token sees the mean of all. */
  static Path bidirectional(Path directory) {
    GraphProto.Builder graph = tokens();
    graph.addNode(
        node("ReduceMean", "mean", "embedded")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("axes")
                    .setType(AttributeProto.AttributeType.INTS)
                    .addInts(1)));
    graph.addNode(node("Add", "mixed", "embedded", "mean"));
    head(graph, "mixed");
    return write(directory, "bidirectional", graph);
  }

  /** Reads something besides tokens. */
  static Path withInput(Path directory, String name) {
    GraphProto.Builder graph = tokens();
    graph.addInput(info(name, DataType.FLOAT, "a", "b", "c"));
    graph.addNode(node("Add", "mixed", "embedded", name));
    head(graph, "mixed");
    return write(directory, "input", graph);
  }

  /** A model with a cache that counts positions itself, from the length of its cache. */
  static Path countingPositions(Path directory, Path original) {
    ModelProto model = read(original);
    GraphProto.Builder graph = model.getGraph().toBuilder();
    List<NodeProto> nodes = graph.getNodeList();
    graph.clearNode();
    for (int i = graph.getInputCount() - 1; i >= 0; i--) {
      if (graph.getInput(i).getName().equals("position_ids")) {
        graph.removeInput(i);
      }
    }
    graph.addInitializer(integers("axis2", 2));
    graph.addInitializer(integers("axis1", 1));
    graph.addInitializer(integers("one", 1).toBuilder().clearDims().build());
    graph.addInitializer(integers("axis0", 0));
    graph.addInitializer(integers("scalar", -1).toBuilder().setDims(0, 0).clearInt64Data().build());
    graph.addNode(node("Shape", "past_shape", "past_key_values.0.key"));
    graph.addNode(node("Gather", "past_length", "past_shape", "axis2"));
    graph.addNode(node("Reshape", "past_scalar", "past_length", "scalar"));
    graph.addNode(node("Shape", "ids_shape", "input_ids"));
    graph.addNode(node("Gather", "ids_length", "ids_shape", "axis1"));
    graph.addNode(node("Reshape", "ids_scalar", "ids_length", "scalar"));
    graph.addNode(node("Add", "end", "past_scalar", "ids_scalar"));
    graph.addNode(node("Range", "counted", "past_scalar", "end", "one"));
    graph.addNode(node("Unsqueeze", "counted_row", "counted", "axis0"));
    graph.addNode(node("Expand", "position_ids", "counted_row", "ids_shape"));
    nodes.forEach(graph::addNode);
    return write(directory, "counting", model.toBuilder().setGraph(graph).build());
  }

  /** A model that keeps keys and values of a layer in one tensor, {@code [2, batch, …]}. */
  static Path stackedCache(Path directory, Path original) {
    ModelProto model = read(original);
    GraphProto.Builder graph = model.getGraph().toBuilder();
    List<NodeProto> nodes = graph.getNodeList();
    List<ValueInfoProto> inputs = graph.getInputList();
    List<ValueInfoProto> outputs = graph.getOutputList();
    graph.clearNode().clearInput().clearOutput();
    graph.addInitializer(integers("first", 0).toBuilder().clearDims().build());
    graph.addInitializer(integers("second", 1).toBuilder().clearDims().build());
    graph.addInitializer(integers("stack_axis", 0));
    inputs.stream().filter(info -> !info.getName().startsWith("past")).forEach(graph::addInput);
    outputs.stream()
        .filter(info -> !info.getName().startsWith("present"))
        .forEach(graph::addOutput);
    for (int layer = 0; layer < 3; layer++) {
      String key = "past_key_values." + layer + ".key";
      ValueInfoProto one =
          inputs.stream().filter(info -> info.getName().equals(key)).findFirst().orElseThrow();
      graph.addInput(stacked(one, "past_" + layer, "past"));
      graph.addOutput(stacked(one, "present_" + layer, "total"));
      graph.addNode(node("Gather", key, "past_" + layer, "first"));
      graph.addNode(
          node("Gather", "past_key_values." + layer + ".value", "past_" + layer, "second"));
    }
    nodes.forEach(graph::addNode);
    for (int layer = 0; layer < 3; layer++) {
      String present = "present." + layer;
      graph.addNode(node("Unsqueeze", present + ".k", present + ".key", "stack_axis"));
      graph.addNode(node("Unsqueeze", present + ".v", present + ".value", "stack_axis"));
      graph.addNode(
          node("Concat", "present_" + layer, present + ".k", present + ".v")
              .addAttribute(
                  AttributeProto.newBuilder()
                      .setName("axis")
                      .setType(AttributeProto.AttributeType.INT)
                      .setI(0)));
    }
    return write(directory, "stacked", model.toBuilder().setGraph(graph).build());
  }

  private static ValueInfoProto stacked(ValueInfoProto one, String name, String length) {
    TypeProto.Tensor type = one.getType().getTensorType();
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(2));
    shape.addDim(type.getShape().getDim(0));
    shape.addDim(type.getShape().getDim(1));
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(length));
    shape.addDim(type.getShape().getDim(3));
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(type.toBuilder().setShape(shape)))
        .build();
  }

  private static ModelProto read(Path file) {
    try {
      return ModelProto.parseFrom(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static GraphProto.Builder tokens() {
    GraphProto.Builder graph = GraphProto.newBuilder().setName("toy");
    graph.addInput(info("input_ids", DataType.INT64, "batch", "sequence"));
    graph.addInitializer(floats("table", WORDS, WIDTH));
    graph.addNode(node("Gather", "embedded", "table", "input_ids"));
    return graph;
  }

  private static void head(GraphProto.Builder graph, String hidden) {
    graph.addInitializer(floats("head", WIDTH, WORDS));
    graph.addNode(node("MatMul", "logits", hidden, "head"));
    graph.addOutput(info("logits", DataType.FLOAT, "batch", "sequence", "words"));
  }

  private static NodeProto.Builder node(String op, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .setName(output)
        .addAllInput(List.of(inputs))
        .addOutput(output);
  }

  private static TensorProto integers(String name, long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(DataType.INT64.getNumber());
    tensor.addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    return tensor.build();
  }

  private static TensorProto floats(String name, int rows, int columns) {
    Random random = new Random(name.hashCode());
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.FLOAT.getNumber())
            .addDims(rows)
            .addDims(columns);
    for (int i = 0; i < rows * columns; i++) {
      tensor.addFloatData((float) random.nextGaussian());
    }
    return tensor.build();
  }

  private static ValueInfoProto info(String name, DataType type, String... axes) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (String axis : axes) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(axis));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  private static Path write(Path directory, String name, GraphProto.Builder graph) {
    return write(
        directory,
        name,
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build());
  }

  private static Path write(Path directory, String name, ModelProto model) {
    try {
      return Files.write(directory.resolve(name + ".onnx"), model.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
