package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Writes small graphs, operator by operator. */
public final class GraphBuilder {
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("test");
  private final Random random = new Random(3);
  private int names;

  /** A graph with the input {@code input_ids}. */
  public static GraphBuilder ofTokens() {
    GraphBuilder builder = new GraphBuilder();
    builder.graph.addInput(info("input_ids", TensorProto.DataType.INT64, "batch", "sequence"));
    return builder;
  }

  private static ValueInfoProto info(String name, TensorProto.DataType type, String... axes) {
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

  /** One more input. */
  public String input(String name, TensorProto.DataType type, String... axes) {
    graph.addInput(info(name, type, axes));
    return name;
  }

  /** One more input; axes of length -1 take the next of the names. */
  public String input(String name, TensorProto.DataType type, List<Long> shape, String... open) {
    TensorShapeProto.Builder axes = TensorShapeProto.newBuilder();
    int next = 0;
    for (long length : shape) {
      TensorShapeProto.Dimension.Builder axis = TensorShapeProto.Dimension.newBuilder();
      axes.addDim(length < 0 ? axis.setDimParam(open[next++]) : axis.setDimValue(length));
    }
    ValueInfoProto.Builder input = info(name, type).toBuilder();
    input.getTypeBuilder().getTensorTypeBuilder().setShape(axes);
    graph.addInput(input);
    return name;
  }

  /** A random float initializer. */
  public String weight(long... shape) {
    String name = "weight" + names++;
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber());
    long size = 1;
    for (long axis : shape) {
      tensor.addDims(axis);
      size *= axis;
    }
    for (long i = 0; i < size; i++) {
      tensor.addFloatData((float) random.nextGaussian() * 0.3f);
    }
    graph.addInitializer(tensor);
    return name;
  }

  public String integers(long... values) {
    String name = "integers" + names++;
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.INT64.getNumber())
            .addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    graph.addInitializer(tensor);
    return name;
  }

  public String scalar(long value) {
    String name = "scalar" + names++;
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.INT64.getNumber())
            .addInt64Data(value));
    return name;
  }

  /** An initializer made by the caller. */
  public String add(TensorProto tensor) {
    graph.addInitializer(tensor);
    return tensor.getName();
  }

  /** A node made by the caller. */
  public void add(NodeProto node) {
    graph.addNode(node);
  }

  /** A node with one output, whose name is returned. */
  public String node(String op, String... inputs) {
    return node(op, List.of(), inputs);
  }

  /** A node with one output, whose name is returned. */
  public String node(String op, List<AttributeProto> attributes, String... inputs) {
    String name = op + names++;
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(op)
            .addAllInput(List.of(inputs))
            .addOutput(name)
            .addAllAttribute(attributes));
    return name;
  }

  /** A node whose one output has a given name. */
  public void named(String op, String output, String... inputs) {
    graph.addNode(
        NodeProto.newBuilder().setOpType(op).addAllInput(List.of(inputs)).addOutput(output));
  }

  /** A node of ONNX Runtime's own domain. */
  public void fused(
      String op, List<String> inputs, List<String> outputs, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(op)
            .setDomain("com.microsoft")
            .addAllAttribute(List.of(attributes))
            .addAllInput(inputs)
            .addAllOutput(outputs));
  }

  public static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  public static AttributeProto real(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  public static AttributeProto list(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  /** Attention without heads: softmax(q·kᵀ)·v, projected. */
  public String attention(String x, int width) {
    String query = node("MatMul", x, weight(width, width));
    String key = node("MatMul", x, weight(width, width));
    String value = node("MatMul", x, weight(width, width));
    String scores = node("MatMul", query, node("Transpose", List.of(list("perm", 0, 2, 1)), key));
    String mixed = node("MatMul", node("Softmax", scores), value);
    return node("MatMul", mixed, weight(width, width));
  }

  public String norm(String x, int width) {
    return node("LayerNormalization", x, weight(width), weight(width));
  }

  /** Declares the output and builds the model. */
  public ModelProto model(String output) {
    GraphProto.Builder complete =
        graph
            .clone()
            .addOutput(
                ValueInfoProto.newBuilder()
                    .setName(output)
                    .setType(
                        TypeProto.newBuilder()
                            .setTensorType(
                                TypeProto.Tensor.newBuilder()
                                    .setElemType(TensorProto.DataType.FLOAT.getNumber()))));
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("com.microsoft").setVersion(1))
        .setGraph(complete)
        .build();
  }

  /** Declares the output and writes the model. */
  public Path write(Path file, String output) {
    return write(file, model(output));
  }

  public static Path write(Path file, ModelProto model) {
    try {
      return Files.write(file, model.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
