package org.snmf4j.causal;

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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.LongStream;
import org.snmf4j.onnx.graph.CacheEntry;
import org.snmf4j.onnx.graph.CacheLayout;
import org.snmf4j.onnx.graph.LogitsEditor;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.SteeringPoint;

/** What a session reads, and how a step becomes that. */
final class StepInputs {
  private final Path file;
  private final List<CacheEntry> cached;
  private final String useCacheInput;
  private final Map<String, Input> inputs;
  private final OptionalInt fixedRows;
  private final OptionalInt fixedLength;

  private enum Role {
    IDS,
    MASK,
    TYPES,
    POSITIONS,
    USE_CACHE,
    /** The cache, the steering, the choice of logits. */
    OTHER
  }

  private record Input(Role role, OnnxJavaType type, int axes) {}

  /**
   * @throws ModelFormatException if an input is of no known kind
   */
  StepInputs(
      Path file,
      Map<String, NodeInfo> infos,
      String tokenInput,
      List<SteeringPoint> points,
      Optional<CacheLayout> cache) {
    this.file = file;
    this.cached = cache.map(CacheLayout::entries).orElse(List.of());
    this.useCacheInput = cache.flatMap(CacheLayout::useCacheInput).orElse("use_cache_branch");
    NodeInfo tokens = infos.get(tokenInput);
    if (tokens == null
        || !(tokens.getInfo() instanceof TensorInfo tensor)
        || tensor.getShape().length != 2) {
      throw new ModelFormatException(
          file, "does not read token ids [rows, length]; its inputs are " + infos.keySet());
    }
    this.fixedRows = fixed(tensor.getShape()[0]);
    this.fixedLength = fixed(tensor.getShape()[1]);
    this.inputs = inputs(infos, tokenInput, points);
  }

  private static OptionalInt fixed(long axis) {
    return axis > 0 ? OptionalInt.of(Math.toIntExact(axis)) : OptionalInt.empty();
  }

  private Map<String, Input> inputs(
      Map<String, NodeInfo> infos, String tokenInput, List<SteeringPoint> points) {
    Set<String> others = new HashSet<>();
    others.add(LogitsEditor.POSITIONS);
    points.forEach(
        point -> {
          others.add(point.shiftInput());
          others.add(point.keepInput());
        });
    cached.forEach(entry -> others.add(entry.past()));
    Map<String, Input> found = new LinkedHashMap<>();
    for (NodeInfo info : infos.values()) {
      String name = info.getName();
      if (!(info.getInfo() instanceof TensorInfo tensor)) {
        throw unknown(name);
      }
      Role role = others.contains(name) ? Role.OTHER : role(name, tokenInput);
      found.put(name, new Input(role, tensor.type, tensor.getShape().length));
    }
    return found;
  }

  private Role role(String name, String tokenInput) {
    if (name.equals(tokenInput)) {
      return Role.IDS;
    }
    if (name.equals(useCacheInput)) {
      return Role.USE_CACHE;
    }
    return switch (name) {
      case "attention_mask", "input_mask" -> Role.MASK;
      case "token_type_ids", "segment_ids" -> Role.TYPES;
      case "position_ids", "cache_position" -> Role.POSITIONS;
      default -> throw unknown(name);
    };
  }

  private ModelFormatException unknown(String name) {
    return new ModelFormatException(
        file,
        "its input '"
            + name
            + "' is none of token ids, attention_mask, token_type_ids, position_ids,"
            + " cache_position, use_cache_branch and a key/value cache");
  }

  /** How many sequences a run must have, if the model was exported for one number. */
  OptionalInt fixedRows() {
    return fixedRows;
  }

  /** How many tokens a run must have, if the model was exported for one number. */
  OptionalInt fixedLength() {
    return fixedLength;
  }

  /** Whether the model can be told which tokens are padding and at which position a token is. */
  boolean takesMaskAndPositions() {
    return has(Role.MASK)
        && inputs.values().stream()
            .anyMatch(input -> input.role() == Role.POSITIONS && input.axes() == 2);
  }

  private boolean has(Role role) {
    return inputs.values().stream().anyMatch(input -> input.role() == role);
  }

  /**
   * Adds a tensor per input but those of steering.
   *
   * @param past tensors of the cache by input, which stay the caller's; null for an empty cache
   * @param made takes the tensors that are made
   */
  void feed(
      OrtEnvironment environment,
      Step step,
      Map<String, OnnxTensor> past,
      Map<String, OnnxTensor> feeds,
      Tensors made)
      throws OrtException {
    long[] shape = {step.rows(), step.length()};
    for (Map.Entry<String, Input> entry : inputs.entrySet()) {
      Input input = entry.getValue();
      OnnxTensor tensor =
          switch (input.role()) {
            case IDS -> numbers(environment, step.ids(), shape, input.type());
            case MASK ->
                numbers(
                    environment,
                    step.mask(),
                    new long[] {step.rows(), step.past() + step.length()},
                    input.type());
            case TYPES -> numbers(environment, new long[step.ids().length], shape, input.type());
            case POSITIONS ->
                input.axes() == 1
                    ? numbers(
                        environment,
                        LongStream.range(step.past(), step.past() + step.length()).toArray(),
                        new long[] {step.length()},
                        input.type())
                    : numbers(environment, step.positions(), shape, input.type());
            case USE_CACHE -> OnnxTensor.createTensor(environment, new boolean[] {step.past() > 0});
            case OTHER -> null;
          };
      if (tensor != null) {
        feeds.put(entry.getKey(), made.add(tensor));
      }
    }
    long[] places = new long[step.rows()];
    Arrays.setAll(places, row -> (long) row * step.length() + step.read()[row]);
    feeds.put(
        LogitsEditor.POSITIONS,
        made.add(
            OnnxTensor.createTensor(
                environment, LongBuffer.wrap(places), new long[] {step.rows(), 1})));
    feedCache(environment, step, past, feeds, made);
  }

  private void feedCache(
      OrtEnvironment environment,
      Step step,
      Map<String, OnnxTensor> past,
      Map<String, OnnxTensor> feeds,
      Tensors made)
      throws OrtException {
    if (past != null) {
      feeds.putAll(past);
      return;
    }
    for (CacheEntry entry : cached) {
      ByteBuffer none = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
      OnnxJavaType type = inputs.get(entry.past()).type();
      feeds.put(
          entry.past(),
          made.add(OnnxTensor.createTensor(environment, none, entry.shape(step.rows(), 0), type)));
    }
  }

  private static OnnxTensor numbers(
      OrtEnvironment environment, long[] values, long[] shape, OnnxJavaType type)
      throws OrtException {
    if (type == OnnxJavaType.INT32) {
      int[] narrow = Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
      return OnnxTensor.createTensor(environment, IntBuffer.wrap(narrow), shape);
    }
    if (type == OnnxJavaType.FLOAT) {
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = values[i];
      }
      return OnnxTensor.createTensor(environment, FloatBuffer.wrap(floats), shape);
    }
    return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape);
  }
}
