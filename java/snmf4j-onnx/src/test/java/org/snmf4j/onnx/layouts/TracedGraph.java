package org.snmf4j.onnx.layouts;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.snmf4j.onnx.graph.GraphBuilder;

/**
 * A graph that is computed in double precision while it is written.
 *
 * <p>Every step writes the nodes of one exporter's form and computes their result in plain Java, so
 * that what ONNX Runtime returns for a site can be compared with something that knows neither the
 * graph nor the finder.
 */
final class TracedGraph {
  static final int WIDTH = 16;
  static final int NEURONS = 48;
  static final int VOCABULARY = 16;
  static final double EPSILON = 1e-5;
  static final long[][] IDS = {{1, 2, 3, 4}, {5, 6, 7, 1}};

  final GraphBuilder graph = GraphBuilder.ofTokens();
  private final Random random = new Random(11);
  private int opset = 17;
  private int names;

  String name(String stem) {
    return stem + "_" + names++;
  }

  /** A constant {@code [rows, columns]} of normal numbers. */
  Value matrix(int rows, int columns) {
    return constant(normal(rows, columns, 0.25), rows, columns);
  }

  /** A constant vector around {@code centre}. */
  Value vector(int length, double centre) {
    double[][] values = normal(1, length, 0.2);
    Arrays.setAll(values[0], j -> (float) (values[0][j] + centre));
    return constant(values, length);
  }

  double[][] normal(int rows, int columns, double scale) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      Arrays.setAll(row, j -> (float) (random.nextGaussian() * scale));
    }
    return values;
  }

  /** A float constant of the given shape, which holds the values in row-major order. */
  Value constant(double[][] values, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name("constant"))
            .setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long axis : shape) {
      tensor.addDims(axis);
    }
    for (double[] row : values) {
      for (double value : row) {
        tensor.addFloatData((float) value);
      }
    }
    return new Value(graph.add(tensor.build()), values);
  }

  Value scalar(double value) {
    return constant(new double[][] {{(float) value}});
  }

  /** A node of the standard operators with one output. */
  String node(String op, List<AttributeProto> attributes, String... inputs) {
    return graph.node(op, attributes, inputs);
  }

  String node(String op, String... inputs) {
    return graph.node(op, inputs);
  }

  /** A node of ONNX Runtime's own operators with one output. */
  String fused(String op, List<AttributeProto> attributes, String... inputs) {
    String output = name(op);
    graph.fused(op, List.of(inputs), List.of(output), attributes.toArray(AttributeProto[]::new));
    return output;
  }

  /** A node with several outputs. */
  void node(String op, List<AttributeProto> attributes, List<String> inputs, List<String> outputs) {
    graph.add(
        NodeProto.newBuilder()
            .setOpType(op)
            .addAllAttribute(attributes)
            .addAllInput(inputs)
            .addAllOutput(outputs)
            .build());
  }

  Value unary(String op, Value x, DoubleUnaryOperator function, AttributeProto... attributes) {
    return new Value(node(op, List.of(attributes), x.name()), x.map(function));
  }

  Value binary(String op, Value a, Value b, DoubleBinaryOperator function) {
    return new Value(node(op, a.name(), b.name()), a.with(b, function));
  }

  Value add(Value a, Value b) {
    return binary("Add", a, b, Double::sum);
  }

  Value multiply(Value a, Value b) {
    return binary("Mul", a, b, (x, y) -> x * y);
  }

  Value product(Value x, Value matrix) {
    return new Value(node("MatMul", x.name(), matrix.name()), x.times(matrix));
  }

  /** The token embeddings of {@link #IDS}. */
  Value embed() {
    return embed("input_ids");
  }

  Value embed(String ids) {
    Value table = constant(normal(VOCABULARY, WIDTH, 1), VOCABULARY, WIDTH);
    double[][] rows =
        Arrays.stream(IDS)
            .flatMapToLong(Arrays::stream)
            .mapToObj(id -> table.rows()[(int) id])
            .toArray(double[][]::new);
    return new Value(node("Gather", table.name(), ids), rows);
  }

  Value layerNorm(Value x) {
    Value scale = vector(x.columns(), 1);
    Value shift = vector(x.columns(), 0);
    String output =
        node(
            "LayerNormalization",
            List.of(GraphBuilder.integer("axis", -1), GraphBuilder.real("epsilon", 1e-5f)),
            x.name(),
            scale.name(),
            shift.name());
    return new Value(output, affine(x.normed(true, EPSILON), scale, shift));
  }

  static double[][] affine(double[][] normed, Value scale, Value shift) {
    double[][] scaled = new Value("", normed).with(scale, (a, b) -> a * b);
    return new Value("", scaled).with(shift, Double::sum);
  }

  /** Mean square, root, quotient and scale, a node each, as older exporters write Llama's norm. */
  Value rmsNorm(Value x) {
    Value scale = vector(x.columns(), 1);
    String square = node("Pow", x.name(), scalar(2).name());
    String mean =
        node(
            "ReduceMean",
            List.of(GraphBuilder.list("axes", -1), GraphBuilder.integer("keepdims", 1)),
            square);
    String root = node("Sqrt", node("Add", mean, scalar(EPSILON).name()));
    String inverse = node("Div", scalar(1).name(), root);
    Value normed = new Value(node("Mul", x.name(), inverse), x.normed(false, EPSILON));
    return multiply(scale, normed);
  }

  /** Softmax(q·kᵀ)·v within each sentence, projected; node by node. */
  Value attention(Value x) {
    Value query = product(x, matrix(WIDTH, WIDTH));
    Value key = product(x, matrix(WIDTH, WIDTH));
    Value value = product(x, matrix(WIDTH, WIDTH));
    String turned = node("Transpose", List.of(GraphBuilder.list("perm", 0, 2, 1)), key.name());
    String weights = node("Softmax", node("MatMul", query.name(), turned));
    Value mixed =
        new Value(
            node("MatMul", weights, value.name()),
            Heads.attend(query.rows(), key.rows(), value.rows(), 1, 1, 1.0, false));
    return product(mixed, matrix(WIDTH, WIDTH));
  }

  /** Newer operators need a newer set; those of ONNX Runtime stay as they are. */
  void opset(int version) {
    opset = version;
  }

  ModelProto model(String... outputs) {
    ModelProto.Builder model = graph.model(outputs[0]).toBuilder();
    for (int i = 1; i < outputs.length; i++) {
      model
          .getGraphBuilder()
          .addOutput(model.getGraph().getOutput(0).toBuilder().setName(outputs[i]));
    }
    model.setOpsetImport(0, OperatorSetIdProto.newBuilder().setVersion(opset));
    return model.setIrVersion(opset > 20 ? 10 : 8).build();
  }

  Path write(Path file, Value output) {
    return GraphBuilder.write(file, model(output.name()));
  }
}
