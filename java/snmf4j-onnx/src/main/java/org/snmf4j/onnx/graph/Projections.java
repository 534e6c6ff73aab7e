package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.onnx.graph.Constants.StoredMatrix;

/** Finds a graph's products with constant matrices. */
final class Projections {
  private final GraphIndex index;
  private final Constants constants;
  private final Map<String, Projection> byOutput = new LinkedHashMap<>();

  Projections(GraphIndex index, Constants constants) {
    this.index = index;
    this.constants = constants;
    for (Node node : index.nodes()) {
      Projection projection = read(node);
      if (projection != null) {
        byOutput.put(projection.output(), projection);
      }
    }
  }

  /** All projections, in the order of their nodes. */
  List<Projection> all() {
    return new ArrayList<>(byOutput.values());
  }

  /** The projection whose result a tensor is, or null. */
  Projection ending(String tensor) {
    return byOutput.get(tensor);
  }

  private Projection read(Node node) {
    switch (node.op()) {
      case "MatMul":
        return plain(node, false, false);
      case "FusedMatMul":
        return node.integer("transA", 0) == 0
            ? plain(node, node.integer("transB", 0) != 0, false)
            : null;
      case "Gemm":
      case "FusedGemm":
      case "GemmFastGelu":
      case "FusedMatMulActivation":
        return node.integer("transA", 0) == 0
            ? plain(node, node.integer("transB", 0) != 0, !node.op().equals("Gemm"))
            : null;
      case "DynamicQuantizeMatMul":
        return plain(node, false, false);
      case "MatMulIntegerToFloat":
        return of(node, dequantized(node.input(0)), 1, false, node.output(0), false);
      case "QLinearMatMul":
        return of(node, dequantized(node.input(0)), 3, false, requantized(node.output(0)), false);
      case "MatMulInteger":
        return of(node, dequantized(node.input(0)), 1, false, scaled(node.output(0)), false);
      case "QGemm":
        return of(
            node,
            dequantized(node.input(0)),
            3,
            node.integer("transB", 0) != 0,
            requantized(node.output(0)),
            false);
      case "MatMulNBits":
      case "MatMulBnb4":
        return packed(node);
      case "Einsum":
        return einsum(node);
      case "Conv":
      case "FusedConv":
        return convolution(node);
      default:
        return null;
    }
  }

  private Projection plain(Node node, boolean transposed, boolean activated) {
    return of(node, node.input(0), 1, transposed, node.output(0), activated);
  }

  private Projection of(
      Node node, String input, int weight, boolean transposed, String output, boolean activated) {
    if (input == null || output == null || !index.isDynamic(input)) {
      return null;
    }
    String name = node.input(weight);
    if (name.isEmpty() || !index.isConstant(name)) {
      return null;
    }
    StoredMatrix matrix = constants.matrix(name);
    if (matrix == null) {
      return null;
    }
    return new Projection(node, input, output, transposed ? turned(matrix) : matrix, activated);
  }

  private static StoredMatrix turned(StoredMatrix matrix) {
    return new StoredMatrix(
        matrix.initializer(), matrix.columns(), matrix.rows(), !matrix.transposed());
  }

  /** A sum over the activations' last axis, written as an equation such as {@code bsi,io->bso}. */
  private Projection einsum(Node node) {
    String equation =
        node.attribute("equation").map(value -> value.getS().toStringUtf8()).orElse("");
    String[] sides = equation.replace(" ", "").split("->", -1);
    String[] factors = sides[0].split(",", -1);
    if (sides.length != 2 || factors.length != 2 || node.inputs().size() != 2) {
      return null;
    }
    int weight = index.isConstant(node.input(1)) ? 1 : 0;
    String activations = factors[1 - weight];
    String matrix = factors[weight];
    String result = sides[1];
    if (matrix.length() != 2 || activations.isEmpty() || result.isEmpty()) {
      return null;
    }
    String summed = activations.substring(activations.length() - 1);
    String kept = result.substring(result.length() - 1);
    String rest = activations.substring(0, activations.length() - 1);
    boolean last = result.equals(rest + kept) && !rest.contains(kept) && !summed.equals(kept);
    boolean plain = matrix.equals(summed + kept);
    if (!last || !(plain || matrix.equals(kept + summed))) {
      return null;
    }
    return of(node, node.input(1 - weight), weight, !plain, node.output(0), false);
  }

  /** A convolution of one position sees one token at a time: a product with a matrix. */
  private Projection convolution(Node node) {
    long[] shape = constants.shape(node.input(1));
    boolean single = shape != null && (shape.length == 3 || shape.length == 4);
    for (int axis = 2; single && axis < shape.length; axis++) {
      single = shape[axis] == 1;
    }
    if (!single || node.integer("group", 1) != 1 || !index.isDynamic(node.input(0))) {
      return null;
    }
    String stored = index.initializer(node.input(1)) == null ? null : node.input(1);
    StoredMatrix matrix = new StoredMatrix(stored, shape[1], shape[0], true);
    boolean activated = node.op().equals("FusedConv");
    return new Projection(node, node.input(0), node.output(0), matrix, activated, shape.length);
  }

  /** Four-bit weights in blocks, stored {@code [N, K/block, ...]}; the shape is in attributes. */
  private Projection packed(Node node) {
    long rows = node.attribute("K").map(AttributeProto::getI).orElse(0L);
    long columns = node.attribute("N").map(AttributeProto::getI).orElse(0L);
    if (rows < 1 || columns < 1 || !index.isConstant(node.input(1))) {
      return null;
    }
    StoredMatrix matrix = new StoredMatrix(node.input(1), rows, columns, true);
    return new Projection(node, node.input(0), node.output(0), matrix, false);
  }

  /** The float tensor that was quantized to give {@code tensor}, or else {@code tensor} itself. */
  private String dequantized(String tensor) {
    Node producer = index.producer(tensor);
    boolean quantized =
        producer != null
            && (producer.op().equals("DynamicQuantizeLinear")
                || producer.op().equals("QuantizeLinear"));
    return quantized ? producer.input(0) : tensor;
  }

  private String requantized(String tensor) {
    Node consumer = only(tensor);
    return consumer != null && consumer.op().equals("DequantizeLinear")
        ? consumer.output(0)
        : tensor;
  }

  /** Integer products are cast to float and multiplied by both scales. */
  private String scaled(String tensor) {
    Node cast = only(tensor);
    if (cast == null || !cast.op().equals("Cast")) {
      return null;
    }
    Node scale = only(cast.output(0));
    return scale != null && scale.op().equals("Mul") ? scale.output(0) : null;
  }

  private Node only(String tensor) {
    List<Node> consumers = index.consumers(tensor);
    return consumers.size() == 1 ? consumers.get(0) : null;
  }
}
