package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Shapes of constants, also of those that a graph computes from others: weights that are turned,
 * cast, dequantized, reshaped or joined before they are used.
 */
final class ConstantShapes {
  private static final Set<String> ELEMENTWISE = Set.of("Add", "Sub", "Mul", "Div");

  /** Weights are prepared in a few steps; a graph made to exhaust the stack has more. */
  private static final int MAX_STEPS = 100;

  private final GraphIndex index;
  private final Constants constants;

  ConstantShapes(GraphIndex index, Constants constants) {
    this.index = index;
    this.constants = constants;
  }

  /**
   * A constant's shape and where its values are.
   *
   * @param initializer null if the values lie inside a node or are computed
   * @param shape as used
   * @param transposed whether the initializer has the last two axes the other way round
   */
  record Stored(String initializer, long[] shape, boolean transposed) {
    Stored computed(long... other) {
      return new Stored(null, other, false);
    }
  }

  /** Null if the tensor is no constant or its shape is not known. */
  Stored of(String tensor) {
    return of(tensor, 0);
  }

  private Stored of(String tensor, int steps) {
    TensorProto initializer = index.initializer(tensor);
    if (initializer != null) {
      return stored(tensor, initializer);
    }
    Node node = index.producer(tensor);
    if (node == null || steps > MAX_STEPS || !index.isConstant(tensor)) {
      return null;
    }
    if (node.op().equals("Constant")) {
      Optional<AttributeProto> value = node.attribute("value");
      return value.map(attribute -> stored(null, attribute.getT())).orElse(null);
    }
    Stored source = of(node.input(0), steps + 1);
    Stored result = source == null ? null : derived(node, source, steps);
    return result == null ? declared(tensor) : result;
  }

  private Stored derived(Node node, Stored source, int steps) {
    if (Constants.ALIASES.contains(node.op())) {
      return source;
    }
    if (ELEMENTWISE.contains(node.op())) {
      Stored other = of(node.input(1), steps + 1);
      return other == null ? null : broadcast(source, other);
    }
    return switch (node.op()) {
      case "Transpose" -> transposed(source, node.attribute("perm"));
      case "Reshape" -> reshaped(source, constants.integers(node.input(1)));
      case "Concat" -> concatenated(node, source, steps);
      default -> null;
    };
  }

  private static Stored stored(String name, TensorProto tensor) {
    long[] shape = tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
    return new Stored(name, shape, false);
  }

  private static Stored transposed(Stored source, Optional<AttributeProto> attribute) {
    long[] from = source.shape();
    int rank = from.length;
    long[] axes = new long[rank];
    Arrays.setAll(axes, axis -> rank - 1 - axis);
    if (attribute.isPresent()) {
      List<Long> perm = attribute.get().getIntsList();
      if (perm.size() != rank || perm.stream().anyMatch(axis -> axis < 0 || axis >= rank)) {
        return null;
      }
      axes = perm.stream().mapToLong(Long::longValue).toArray();
    }
    long[] shape = Arrays.stream(axes).map(axis -> from[(int) axis]).toArray();
    long[] moved = Arrays.stream(axes).filter(axis -> from[(int) axis] != 1).toArray();
    // Axes of length 1 may go anywhere: what matters is the order of the two others.
    boolean swapped = moved.length == 2 && moved[0] > moved[1];
    boolean ordered = true;
    for (int i = 1; i < moved.length; i++) {
      ordered &= moved[i] > moved[i - 1];
    }
    if (!swapped && !ordered) {
      return source.computed(shape);
    }
    return new Stored(source.initializer(), shape, source.transposed() ^ swapped);
  }

  private static Stored reshaped(Stored source, long[] wanted) {
    if (wanted == null) {
      return null;
    }
    long size = size(source.shape());
    long[] shape = wanted.clone();
    long known = 1;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] == 0 && axis < source.shape().length) {
        shape[axis] = source.shape()[axis];
      }
      known *= shape[axis] > 0 ? shape[axis] : 1;
    }
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] < 0) {
        shape[axis] = size / known;
      }
    }
    if (size(shape) != size) {
      return null;
    }
    return source.transposed()
        ? source.computed(shape)
        : new Stored(source.initializer(), shape, false);
  }

  private static long size(long[] shape) {
    long size = 1;
    for (long axis : shape) {
      size *= axis;
    }
    return size;
  }

  private Stored concatenated(Node node, Stored first, int steps) {
    long[] shape = first.shape().clone();
    int axis = (int) node.integer("axis", 0);
    axis += axis < 0 ? shape.length : 0;
    if (axis < 0 || axis >= shape.length) {
      return null;
    }
    for (String input : node.inputs().subList(1, node.inputs().size())) {
      Stored next = of(input, steps + 1);
      if (next == null || next.shape().length != shape.length) {
        return null;
      }
      shape[axis] += next.shape()[axis];
    }
    return first.computed(shape);
  }

  private static Stored broadcast(Stored left, Stored right) {
    int rank = Math.max(left.shape().length, right.shape().length);
    long[] shape = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      shape[axis] = Math.max(at(left, axis, rank), at(right, axis, rank));
    }
    return left.computed(shape);
  }

  private static long at(Stored stored, int axis, int rank) {
    int own = axis - (rank - stored.shape().length);
    return own < 0 ? 1 : stored.shape()[own];
  }

  /** The shape that the graph declares, for weights that are unpacked in ways not known here. */
  private Stored declared(String tensor) {
    ValueInfoProto info = index.declared(tensor);
    if (info == null || !info.getType().getTensorType().hasShape()) {
      return null;
    }
    List<TensorShapeProto.Dimension> axes = info.getType().getTensorType().getShape().getDimList();
    if (axes.stream().anyMatch(axis -> axis.getDimValue() < 1)) {
      return null;
    }
    long[] shape = axes.stream().mapToLong(TensorShapeProto.Dimension::getDimValue).toArray();
    return new Stored(null, shape, false);
  }
}
