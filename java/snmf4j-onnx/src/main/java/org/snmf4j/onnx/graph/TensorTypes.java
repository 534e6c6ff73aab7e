package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Element types and numbers of axes of a graph's tensors: as the graph states them, or else carried
 * forward through the operators that transformers are made of. What is not known stays unknown.
 */
final class TensorTypes {
  static final int UNKNOWN = -1;

  /** Operators whose result has as many axes as the input with the most. */
  private static final Set<String> BROADCASTING =
      Set.of(
          "Add",
          "Sub",
          "Mul",
          "Div",
          "Pow",
          "Sum",
          "Max",
          "Min",
          "Where",
          "MatMul",
          "FusedMatMul",
          "PRelu",
          "Mod",
          "BiasGelu",
          "FastGelu",
          "BiasAdd");

  /** Operators whose result has as many axes as input 0. */
  private static final Set<String> KEEPING =
      Set.of(
          "Identity",
          "Cast",
          "CastLike",
          "Dropout",
          "QuantizeLinear",
          "DequantizeLinear",
          "DynamicQuantizeLinear",
          "Transpose",
          "Slice",
          "Split",
          "Concat",
          "Softmax",
          "Neg",
          "Sqrt",
          "Reciprocal",
          "MatMulNBits",
          "MatMulInteger",
          "MatMulIntegerToFloat",
          "DynamicQuantizeMatMul",
          "QLinearMatMul",
          "Gemm");

  private final GraphIndex index;
  private final Constants constants;
  private final Map<String, Integer> types = new HashMap<>();
  private final Map<String, Integer> ranks = new HashMap<>();
  private final Map<String, Long> lastAxes = new HashMap<>();

  /** Elements of integer tensors with one axis: the shapes that are computed in the graph. */
  private final Map<String, Integer> lengths = new HashMap<>();

  TensorTypes(ModelGraph graph, Constants constants) {
    this.index = graph.index();
    this.constants = constants;
    GraphProto proto = graph.proto().getGraph();
    for (TensorProto initializer : proto.getInitializerList()) {
      note(initializer.getName(), initializer);
    }
    for (List<ValueInfoProto> stated :
        List.of(proto.getInputList(), proto.getValueInfoList(), proto.getOutputList())) {
      stated.forEach(this::note);
    }
    index.nodes().forEach(this::carry);
  }

  /** The type of a tensor of floating point numbers; null if it is not known or no such type. */
  DataType floatType(String tensor) {
    DataType type = DataType.forNumber(types.getOrDefault(tensor, 0));
    boolean known = type == DataType.FLOAT || type == DataType.FLOAT16 || type == DataType.BFLOAT16;
    return known ? type : null;
  }

  /** Number of axes, or {@link #UNKNOWN}. */
  int rank(String tensor) {
    return ranks.getOrDefault(tensor, UNKNOWN);
  }

  /** Length of the last axis if the graph states it, else {@link #UNKNOWN}. */
  long lastAxis(String tensor) {
    return lastAxes.getOrDefault(tensor, (long) UNKNOWN);
  }

  private void note(String name, TensorProto value) {
    types.put(name, value.getDataType());
    ranks.put(name, value.getDimsCount());
    if (value.getDimsCount() == 1 && value.getDims(0) <= Integer.MAX_VALUE) {
      lengths.put(name, (int) value.getDims(0));
    }
  }

  private void note(ValueInfoProto info) {
    if (!info.getType().hasTensorType()) {
      return;
    }
    TypeProto.Tensor type = info.getType().getTensorType();
    if (type.getElemType() != 0) {
      types.put(info.getName(), type.getElemType());
    }
    if (type.hasShape()) {
      int rank = type.getShape().getDimCount();
      ranks.put(info.getName(), rank);
      if (rank > 0 && type.getShape().getDim(rank - 1).getDimValue() > 0) {
        lastAxes.put(info.getName(), type.getShape().getDim(rank - 1).getDimValue());
      }
    }
  }

  private void carry(Node node) {
    if (node.op().equals("Constant")) {
      node.attribute("value").map(AttributeProto::getT).ifPresent(t -> note(node.output(0), t));
      node.attribute("value_ints")
          .ifPresent(ints -> putLength(node.output(0), ints.getIntsCount()));
      return;
    }
    int type = type(node);
    int rank = rank(node);
    for (String output : node.outputs()) {
      if (type > 0) {
        types.putIfAbsent(output, type);
      }
    }
    if (rank >= 0) {
      int same = node.op().equals("Split") ? node.outputs().size() : 1;
      node.outputs().stream().limit(same).forEach(output -> ranks.putIfAbsent(output, rank));
    }
    if (Operators.isSkipNorm(node) && rank >= 0) {
      ranks.putIfAbsent(node.output(3), rank);
    }
    length(node);
  }

  private int type(Node node) {
    return switch (node.op()) {
      case "Cast" -> (int) node.integer("to", 0);
      case "CastLike", "DequantizeLinear", "Where" -> typeOf(node.input(1));
      case "MatMulIntegerToFloat", "GatherBlockQuantized" -> typeOf(node.input(2));
      case "EmbedLayerNormalization" -> typeOf(node.input(2));
      case "Shape", "Size" -> DataType.INT64.getNumber();
      case "If", "Loop", "Scan", "MatMulInteger", "QuantizeLinear", "DynamicQuantizeLinear" -> 0;
      default -> typeOf(node.input(0));
    };
  }

  private int typeOf(String tensor) {
    return types.getOrDefault(tensor, 0);
  }

  private int rank(Node node) {
    String op = node.op();
    int first = rank(node.input(0));
    if (BROADCASTING.contains(op)) {
      int most = 0;
      for (String input : node.inputs()) {
        int rank = input.isEmpty() ? 0 : rank(input);
        if (rank < 0) {
          return UNKNOWN;
        }
        most = Math.max(most, rank);
      }
      return most;
    }
    boolean keeping =
        KEEPING.contains(op)
            || Operators.isFusedNorm(node)
            || Operators.isSkipNorm(node)
            || Operators.isActivation(node)
            || op.equals("Reshape") && rank(node.input(1)) == 0;
    if (keeping) {
      return first;
    }
    return switch (op) {
      case "Reshape" -> lengths.getOrDefault(node.input(1), UNKNOWN);
      case "Flatten" -> 2;
      case "Shape" -> 1;
      case "Gather" -> {
        int indices = rank(node.input(1));
        yield first < 0 || indices < 0 ? UNKNOWN : first - 1 + indices;
      }
      case "Unsqueeze" -> plus(first, axes(node));
      case "Squeeze" -> axes(node) < 0 ? UNKNOWN : plus(first, -axes(node));
      case "EmbedLayerNormalization", "GroupQueryAttention", "MultiHeadAttention", "Attention" ->
          op.equals("Attention") && !node.proto().getDomain().equals("com.microsoft") ? UNKNOWN : 3;
      default -> Operators.isReduction(node) && node.integer("keepdims", 1) == 1 ? first : UNKNOWN;
    };
  }

  private static int plus(int rank, int more) {
    return rank < 0 || more == UNKNOWN && rank + more < 0 ? UNKNOWN : rank + more;
  }

  /** How many axes a node adds or takes away, or {@link #UNKNOWN}. */
  private int axes(Node node) {
    if (node.attribute("axes").isPresent()) {
      return node.attribute("axes").get().getIntsCount();
    }
    long[] axes = node.input(1).isEmpty() ? null : constants.integers(node.input(1));
    return axes == null ? UNKNOWN : axes.length;
  }

  private void length(Node node) {
    switch (node.op()) {
      case "Shape" -> {
        boolean whole =
            node.attribute("start").isEmpty()
                && node.attribute("end").isEmpty()
                && rank(node.input(0)) >= 0;
        if (whole) {
          putLength(node.output(0), rank(node.input(0)));
        }
      }
      case "Unsqueeze" -> {
        if (rank(node.input(0)) == 0 && rank(node.output(0)) == 1) {
          putLength(node.output(0), 1);
        }
      }
      case "Identity", "Cast", "Where" -> {
        String from = node.input(node.op().equals("Where") ? 1 : 0);
        if (lengths.containsKey(from)) {
          putLength(node.output(0), lengths.get(from));
        }
      }
      case "Concat" -> {
        int sum = 0;
        for (String input : node.inputs()) {
          Integer length = lengths.get(input);
          if (length == null) {
            return;
          }
          sum += length;
        }
        putLength(node.output(0), sum);
      }
      default -> {
        // Slices and the like are left unknown.
      }
    }
  }

  private void putLength(String tensor, int length) {
    lengths.put(tensor, length);
    ranks.putIfAbsent(tensor, 1);
    types.putIfAbsent(tensor, DataType.INT64.getNumber());
  }
}
