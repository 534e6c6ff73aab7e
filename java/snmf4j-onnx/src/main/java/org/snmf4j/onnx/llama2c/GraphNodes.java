package org.snmf4j.onnx.llama2c;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.List;

/** Assembles a graph node by node; a node's name is that of its first output. */
final class GraphNodes {
  private final GraphProto.Builder graph = GraphProto.newBuilder();

  GraphProto graph(String name) {
    return graph.setName(name).build();
  }

  /**
   * Declares an input.
   *
   * @param axes a number for a fixed axis, a name for one that may vary
   */
  void input(String name, DataType type, Object... axes) {
    graph.addInput(tensor(name, type, axes));
  }

  /** Declares a float32 output. */
  void output(String name, Object... axes) {
    graph.addOutput(tensor(name, DataType.FLOAT, axes));
  }

  private static ValueInfoProto tensor(String name, DataType type, Object... axes) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (Object axis : axes) {
      TensorShapeProto.Dimension.Builder dimension = shape.addDimBuilder();
      if (axis instanceof Integer size) {
        dimension.setDimValue(size);
      } else {
        dimension.setDimParam((String) axis);
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  /** Adds a node with one output and returns that. */
  String add(String op, String output, String... inputs) {
    return add(op, output, List.of(), inputs);
  }

  String add(String op, String output, List<AttributeProto> attributes, String... inputs) {
    add(op, List.of(output), attributes, List.of(inputs));
    return output;
  }

  void add(String op, List<String> outputs, List<AttributeProto> attributes, List<String> inputs) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(op)
            .setName(outputs.get(0) + "/" + op)
            .addAllInput(inputs)
            .addAllOutput(outputs)
            .addAllAttribute(attributes));
  }

  /** A constant float32 scalar. */
  void real(String name, float value) {
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.FLOAT.getNumber())
            .addFloatData(value));
  }

  /** A constant int64 scalar. */
  void scalar(String name, long value) {
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.INT64.getNumber())
            .addInt64Data(value));
  }

  /** A constant int64 vector. */
  void integers(String name, long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.INT64.getNumber())
            .addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    graph.addInitializer(tensor);
  }

  static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  static AttributeProto list(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }
}
