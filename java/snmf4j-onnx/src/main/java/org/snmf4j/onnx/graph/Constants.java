package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataLocation;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/** Shapes and small integer values of a graph's constants. */
final class Constants {
  /** Operators that hand a constant on, perhaps in another type. */
  static final Set<String> ALIASES =
      Set.of("Identity", "Cast", "CastLike", "DequantizeLinear", "QuantizeLinear");

  private static final Set<String> SHAPERS =
      Set.of("Unsqueeze", "Squeeze", "Reshape", "Expand", "Flatten");

  private static final int MAX_VALUES = 1 << 20;

  private final GraphIndex index;
  private final ConstantShapes shapes;

  Constants(GraphIndex index) {
    this.index = index;
    this.shapes = new ConstantShapes(index, this);
  }

  /**
   * Where a two-dimensional constant is stored.
   *
   * @param initializer its initializer, or null if the values lie inside a node or are computed
   * @param rows rows as used
   * @param columns columns as used
   * @param transposed whether it is stored as {@code [columns, rows]}
   */
  record StoredMatrix(String initializer, long rows, long columns, boolean transposed) {}

  /**
   * The matrix that a constant tensor is, or null if it is none or its shape is not known. A stack
   * of one matrix counts as that matrix.
   */
  StoredMatrix matrix(String tensor) {
    ConstantShapes.Stored stored = shapes.of(tensor);
    if (stored == null) {
      return null;
    }
    int rank = stored.shape().length;
    for (int axis = 0; axis < rank - 2; axis++) {
      if (stored.shape()[axis] != 1) {
        return null;
      }
    }
    return rank < 2
        ? null
        : new StoredMatrix(
            stored.initializer(),
            stored.shape()[rank - 2],
            stored.shape()[rank - 1],
            stored.transposed());
  }

  /** The shape of a constant tensor, or null if it is not known. */
  long[] shape(String tensor) {
    ConstantShapes.Stored stored = shapes.of(tensor);
    return stored == null ? null : stored.shape();
  }

  /** The elements of a constant integer tensor, or null if it is none or too large to matter. */
  long[] integers(String tensor) {
    String name = tensor;
    while (true) {
      TensorProto initializer = index.initializer(name);
      if (initializer != null) {
        return integers(initializer);
      }
      Node producer = index.producer(name);
      if (producer == null) {
        return null;
      }
      if (producer.op().equals("Constant")) {
        return inNode(producer);
      }
      if (!ALIASES.contains(producer.op()) && !SHAPERS.contains(producer.op())) {
        return null;
      }
      name = producer.input(0);
    }
  }

  private static long[] inNode(Node constant) {
    for (AttributeProto attribute : constant.proto().getAttributeList()) {
      switch (attribute.getName()) {
        case "value":
          return integers(attribute.getT());
        case "value_int":
          return new long[] {attribute.getI()};
        case "value_ints":
          return attribute.getIntsList().stream().mapToLong(Long::longValue).toArray();
        default:
          break;
      }
    }
    return null;
  }

  private static long[] integers(TensorProto tensor) {
    if (tensor.getDataLocation() == DataLocation.EXTERNAL) {
      return null;
    }
    ByteString raw = tensor.getRawData();
    ByteBuffer bytes = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.getDataType() == DataType.INT64.getNumber()) {
      if (raw.isEmpty()) {
        return tensor.getInt64DataList().stream().mapToLong(Long::longValue).toArray();
      }
      int count = Math.min(raw.size() / Long.BYTES, MAX_VALUES);
      long[] values = new long[count];
      bytes.asLongBuffer().get(values);
      return values;
    }
    if (tensor.getDataType() == DataType.INT32.getNumber()) {
      if (raw.isEmpty()) {
        return tensor.getInt32DataList().stream().mapToLong(Integer::longValue).toArray();
      }
      int count = Math.min(raw.size() / Integer.BYTES, MAX_VALUES);
      long[] values = new long[count];
      for (int i = 0; i < count; i++) {
        values[i] = bytes.getInt(i * Integer.BYTES);
      }
      return values;
    }
    return null;
  }
}
