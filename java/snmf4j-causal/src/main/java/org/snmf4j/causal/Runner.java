package org.snmf4j.causal;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.LongStream;
import org.snmf4j.error.ClosedException;
import org.snmf4j.onnx.ModelRunException;
import org.snmf4j.onnx.graph.CacheEntry;
import org.snmf4j.onnx.graph.CacheLayout;
import org.snmf4j.onnx.graph.LogitsEditor;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SteeringPoint;
import org.snmf4j.onnx.runtime.GraphSession;

/**
 * A session that turns tokens into the logits of those after them. Several threads may run it at
 * once; closing waits for runs that have begun.
 */
final class Runner implements AutoCloseable {
  private final Path file;
  private final GraphSession session;
  private final List<SteeringPoint> points;
  private final Optional<CacheLayout> cache;
  private final Map<String, Input> inputs;
  private final OptionalInt fixedRows;
  private final OptionalInt fixedLength;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed;

  private enum Role {
    IDS,
    MASK,
    TYPES,
    POSITIONS,
    USE_CACHE,
    /** Fed by others: the cache, the steering, the choice of logits. */
    OTHER
  }

  private record Input(Role role, OnnxJavaType type, int axes) {}

  /**
   * Tokens to run.
   *
   * @param rows sequences
   * @param length tokens of each in this run
   * @param past tokens of each that the cache holds
   * @param ids {@code [rows, length]}
   * @param mask {@code [rows, past + length]}: 1 for tokens, 0 for padding
   * @param positions {@code [rows, length]}: of each token in its sequence
   * @param read {@code [rows]}: which token's logits are wanted, from 0 to length - 1
   */
  record Step(
      int rows, int length, int past, long[] ids, long[] mask, long[] positions, int[] read) {}

  /**
   * What a run gave.
   *
   * @param logits {@code [rows, vocabulary]}
   * @param cache the cache's tensors by the inputs that take them; empty if not asked for
   */
  record Outcome(float[] logits, Map<String, OnnxTensor> cache) {}

  /**
   * @param model an edit of {@code graph} with {@link LogitsEditor#OUTPUT} among its outputs
   */
  Runner(
      ModelGraph graph,
      ai.onnx.proto.OnnxMl.ModelProto model,
      List<SteeringPoint> points,
      Optional<CacheLayout> cache,
      int threads) {
    this.file = graph.file();
    this.points = points;
    this.cache = cache;
    this.session = GraphSession.open(graph, model, threads);
    try {
      Map<String, NodeInfo> infos = session.ort().getInputInfo();
      NodeInfo tokens = infos.get(graph.tokenInput());
      if (tokens == null) {
        throw new ModelFormatException(
            file, "does not read token ids; its inputs are " + infos.keySet());
      }
      long[] shape = ((TensorInfo) tokens.getInfo()).getShape();
      fixedRows = fixed(shape, 0);
      fixedLength = fixed(shape, 1);
      inputs = inputs(infos, graph.tokenInput());
    } catch (OrtException e) {
      session.close();
      throw new ModelFormatException(file, "ONNX Runtime refuses it: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  private static OptionalInt fixed(long[] shape, int axis) {
    return shape.length == 2 && shape[axis] > 0
        ? OptionalInt.of(Math.toIntExact(shape[axis]))
        : OptionalInt.empty();
  }

  private Map<String, Input> inputs(Map<String, NodeInfo> infos, String tokenInput) {
    Set<String> others = new LinkedHashSet<>();
    others.add(LogitsEditor.POSITIONS);
    points.forEach(
        point -> {
          others.add(point.shiftInput());
          others.add(point.keepInput());
        });
    cache.ifPresent(layout -> layout.entries().forEach(entry -> others.add(entry.past())));
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
    if (cache.flatMap(CacheLayout::useCacheInput).filter(name::equals).isPresent()) {
      return Role.USE_CACHE;
    }
    return switch (name) {
      case "attention_mask", "input_mask" -> Role.MASK;
      case "token_type_ids", "segment_ids" -> Role.TYPES;
      case "position_ids", "cache_position" -> Role.POSITIONS;
      case "use_cache_branch" -> Role.USE_CACHE;
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

  Path file() {
    return file;
  }

  List<SteeringPoint> points() {
    return points;
  }

  Optional<CacheLayout> cache() {
    return cache;
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

  boolean takesMask() {
    return has(Role.MASK);
  }

  private boolean has(Role role) {
    return inputs.values().stream().anyMatch(input -> input.role() == role);
  }

  /**
   * Runs tokens.
   *
   * @param steering tensors of the steering inputs
   * @param past tensors of the cache by input; null for an empty cache
   * @param keepCache whether the cache is wanted, which the caller then owns
   */
  Outcome run(
      Step step,
      Map<String, OnnxTensor> steering,
      Map<String, OnnxTensor> past,
      boolean keepCache) {
    Lock reading = lock.readLock();
    reading.lock();
    try (Tensors made = new Tensors()) {
      requireOpen();
      Map<String, OnnxTensor> feeds = new LinkedHashMap<>(steering);
      feed(step, feeds, made);
      cache.ifPresent(layout -> feedCache(layout, step, past, feeds, made));
      Map<String, String> presents = new LinkedHashMap<>();
      if (keepCache) {
        cache.orElseThrow().entries().forEach(e -> presents.put(e.present(), e.past()));
      }
      Set<String> wanted = new LinkedHashSet<>(presents.keySet());
      wanted.add(LogitsEditor.OUTPUT);
      // The result's tensors outlive it: it is never closed itself, they are.
      @SuppressWarnings("resource")
      OrtSession.Result result = session.ort().run(feeds, wanted);
      return outcome(result, step, presents);
    } catch (OrtException e) {
      throw new ModelRunException("ONNX Runtime fails to run " + file + ": " + e.getMessage(), e);
    } finally {
      reading.unlock();
    }
  }

  private Outcome outcome(OrtSession.Result result, Step step, Map<String, String> presents) {
    Map<String, OnnxTensor> kept = new LinkedHashMap<>();
    try (Tensors all = new Tensors()) {
      List<OnnxTensor> tensors = new ArrayList<>();
      for (Map.Entry<String, OnnxValue> output : result) {
        if (!(output.getValue() instanceof OnnxTensor tensor)) {
          result.close();
          throw new ModelRunException(file + ": '" + output.getKey() + "' is no tensor");
        }
        tensors.add(tensor);
        if (presents.containsKey(output.getKey())) {
          kept.put(presents.get(output.getKey()), tensor);
        }
      }
      tensors.forEach(all::add);
      OnnxTensor logits = (OnnxTensor) result.get(LogitsEditor.OUTPUT).orElseThrow();
      float[] values = floats(logits, step.rows());
      kept.values().forEach(all::release);
      return new Outcome(values, kept);
    }
  }

  private float[] floats(OnnxTensor logits, int rows) {
    FloatBuffer buffer = logits.getFloatBuffer();
    if (buffer == null || buffer.remaining() == 0 || buffer.remaining() % rows != 0) {
      throw new ModelRunException(
          file
              + ": the logits are "
              + logits.getInfo().type
              + Arrays.toString(logits.getInfo().getShape())
              + " but must be floats ["
              + rows
              + ", 1, vocabulary]");
    }
    if (buffer.hasArray() && buffer.array().length == buffer.remaining()) {
      return buffer.array();
    }
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  private void feed(Step step, Map<String, OnnxTensor> feeds, Tensors made) throws OrtException {
    long[] shape = {step.rows(), step.length()};
    for (Map.Entry<String, Input> entry : inputs.entrySet()) {
      Input input = entry.getValue();
      OnnxTensor tensor =
          switch (input.role()) {
            case IDS -> numbers(step.ids(), shape, input.type());
            case MASK ->
                numbers(
                    step.mask(),
                    new long[] {step.rows(), step.past() + step.length()},
                    input.type());
            case TYPES -> numbers(new long[step.ids().length], shape, input.type());
            case POSITIONS ->
                input.axes() == 1
                    ? numbers(
                        LongStream.range(step.past(), step.past() + step.length()).toArray(),
                        new long[] {step.length()},
                        input.type())
                    : numbers(step.positions(), shape, input.type());
            case USE_CACHE ->
                OnnxTensor.createTensor(session.environment(), new boolean[] {step.past() > 0});
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
                session.environment(), LongBuffer.wrap(places), new long[] {step.rows(), 1})));
  }

  private void feedCache(
      CacheLayout layout,
      Step step,
      Map<String, OnnxTensor> past,
      Map<String, OnnxTensor> feeds,
      Tensors made) {
    if (past != null) {
      feeds.putAll(past);
      return;
    }
    for (CacheEntry entry : layout.entries()) {
      ByteBuffer none = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
      OnnxJavaType type = inputs.get(entry.past()).type();
      feeds.put(entry.past(), made.add(tensor(none, entry.shape(step.rows(), 0), type)));
    }
  }

  private OnnxTensor numbers(long[] values, long[] shape, OnnxJavaType type) throws OrtException {
    if (type == OnnxJavaType.INT32) {
      int[] narrow = Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
      return OnnxTensor.createTensor(session.environment(), IntBuffer.wrap(narrow), shape);
    }
    if (type == OnnxJavaType.FLOAT) {
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = values[i];
      }
      return OnnxTensor.createTensor(session.environment(), FloatBuffer.wrap(floats), shape);
    }
    return OnnxTensor.createTensor(session.environment(), LongBuffer.wrap(values), shape);
  }

  /** A tensor that the caller closes and counts. */
  OnnxTensor tensor(ByteBuffer values, long[] shape, OnnxJavaType type) {
    try {
      return OnnxTensor.createTensor(session.environment(), values, shape, type);
    } catch (OrtException e) {
      throw new ModelRunException("ONNX Runtime makes no tensor: " + e.getMessage(), e);
    }
  }

  /** A tensor of floats that the caller closes and counts. */
  OnnxTensor tensor(float[] values, long... shape) {
    try {
      return OnnxTensor.createTensor(session.environment(), FloatBuffer.wrap(values), shape);
    } catch (OrtException e) {
      throw new ModelRunException("ONNX Runtime makes no tensor: " + e.getMessage(), e);
    }
  }

  void requireOpen() {
    if (closed) {
      throw new ClosedException("the causal model " + file + " is closed");
    }
  }

  @Override
  public void close() {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      closed = true;
      session.close();
    } finally {
      writing.unlock();
    }
  }
}
