package org.snmf4j.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.LongStream;
import org.snmf4j.onnx.graph.ModelFormatException;

/** What a session wants to be fed, and how a batch becomes that. */
final class SessionInputs {
  private final Map<String, Input> inputs;
  private final OptionalInt fixedRows;
  private final OptionalInt fixedLength;

  private enum Role {
    IDS,
    MASK,
    TYPES,
    POSITIONS,
    CACHE,
    USE_CACHE
  }

  private record Input(Role role, OnnxJavaType type, long[] shape, String[] names) {}

  private SessionInputs(Map<String, Input> inputs, OptionalInt fixedRows, OptionalInt fixedLength) {
    this.inputs = inputs;
    this.fixedRows = fixedRows;
    this.fixedLength = fixedLength;
  }

  static SessionInputs of(Path file, Map<String, NodeInfo> infos, String tokenInput) {
    Map<String, Input> inputs = new LinkedHashMap<>();
    OptionalInt rows = OptionalInt.empty();
    OptionalInt length = OptionalInt.empty();
    for (NodeInfo info : infos.values()) {
      String name = info.getName();
      if (!(info.getInfo() instanceof TensorInfo tensor)) {
        throw unknown(file, name);
      }
      Role role = role(file, name, tokenInput);
      long[] shape = tensor.getShape();
      if (role == Role.IDS && shape.length == 2) {
        rows = shape[0] > 0 ? OptionalInt.of(Math.toIntExact(shape[0])) : rows;
        length = shape[1] > 0 ? OptionalInt.of(Math.toIntExact(shape[1])) : length;
      }
      inputs.put(name, new Input(role, tensor.type, shape, tensor.getDimensionNames()));
    }
    if (inputs.values().stream().noneMatch(input -> input.role() == Role.IDS)) {
      throw new ModelFormatException(
          file, "the wanted tensors do not depend on token ids; its inputs are " + infos.keySet());
    }
    return new SessionInputs(inputs, rows, length);
  }

  private static Role role(Path file, String name, String tokenInput) {
    if (name.equals(tokenInput)) {
      return Role.IDS;
    }
    if (name.startsWith("past")) {
      return Role.CACHE;
    }
    return switch (name) {
      case "attention_mask", "input_mask" -> Role.MASK;
      case "token_type_ids", "segment_ids" -> Role.TYPES;
      case "position_ids", "cache_position" -> Role.POSITIONS;
      case "use_cache_branch" -> Role.USE_CACHE;
      default -> throw unknown(file, name);
    };
  }

  private static ModelFormatException unknown(Path file, String name) {
    return new ModelFormatException(
        file,
        "its input '"
            + name
            + "' is none of token ids, attention_mask, token_type_ids, position_ids,"
            + " cache_position, past_key_values and use_cache_branch");
  }

  OptionalInt fixedRows() {
    return fixedRows;
  }

  OptionalInt fixedLength() {
    return fixedLength;
  }

  boolean takesMask() {
    return inputs.values().stream().anyMatch(input -> input.role() == Role.MASK);
  }

  /** Adds a tensor per input to {@code feeds}, which the caller closes, also after a failure. */
  void fill(OrtEnvironment environment, TokenBatch batch, Map<String, OnnxTensor> feeds)
      throws OrtException {
    for (Map.Entry<String, Input> entry : inputs.entrySet()) {
      feeds.put(entry.getKey(), tensor(environment, batch, entry.getKey(), entry.getValue()));
    }
  }

  private OnnxTensor tensor(OrtEnvironment environment, TokenBatch batch, String name, Input input)
      throws OrtException {
    long[] shape = {batch.rows(), batch.length()};
    return switch (input.role()) {
      case IDS -> numbers(environment, batch.ids(), shape, input.type());
      case MASK -> numbers(environment, batch.mask(), shape, input.type());
      case POSITIONS ->
          input.shape().length == 1
              ? numbers(
                  environment,
                  LongStream.range(0, batch.length()).toArray(),
                  new long[] {batch.length()},
                  input.type())
              : numbers(environment, batch.positions(), shape, input.type());
      case TYPES ->
          numbers(environment, new long[batch.rows() * batch.length()], shape, input.type());
      case USE_CACHE -> OnnxTensor.createTensor(environment, new boolean[] {false});
      case CACHE -> emptyCache(environment, batch, name, input);
    };
  }

  private static OnnxTensor numbers(
      OrtEnvironment environment, long[] values, long[] shape, OnnxJavaType type)
      throws OrtException {
    if (type == OnnxJavaType.INT32) {
      IntBuffer narrow = IntBuffer.allocate(values.length);
      Arrays.stream(values).forEach(value -> narrow.put((int) value));
      return OnnxTensor.createTensor(environment, narrow.flip(), shape);
    }
    if (type == OnnxJavaType.FLOAT) {
      FloatBuffer floats = FloatBuffer.allocate(values.length);
      Arrays.stream(values).forEach(value -> floats.put(value));
      return OnnxTensor.createTensor(environment, floats.flip(), shape);
    }
    return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape);
  }

  /**
   * A cache of no tokens, whichever axes the model left open: that of the batch is the one that the
   * model names so, else the first; in a stack of keys and values, {@code [2, batch, heads, length,
   * width]}, the second. Every other open axis counts tokens.
   */
  private static OnnxTensor emptyCache(
      OrtEnvironment environment, TokenBatch batch, String name, Input input) throws OrtException {
    long[] shape = input.shape().clone();
    int rows = batchAxis(input);
    long size = 1;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] < 0) {
        shape[axis] = axis == rows ? batch.rows() : 0;
      }
      size *= shape[axis];
    }
    if (size > 0) {
      throw new ModelRunException(
          "cache '"
              + name
              + "' has the fixed shape "
              + Arrays.toString(shape)
              + ": only models whose cache can be empty can be run");
    }
    ByteBuffer none = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    return OnnxTensor.createTensor(environment, none, shape, input.type());
  }

  private static int batchAxis(Input input) {
    for (int axis = 0; axis < input.names().length; axis++) {
      if (input.names()[axis].contains("batch")) {
        return axis;
      }
    }
    return input.shape().length == 5 ? 1 : 0;
  }
}
