package org.snmf4j.causal;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.snmf4j.error.ClosedException;
import org.snmf4j.onnx.ModelRunException;
import org.snmf4j.onnx.graph.CacheLayout;
import org.snmf4j.onnx.graph.LogitsEditor;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SteeringPoint;
import org.snmf4j.onnx.runtime.GraphSession;
import org.snmf4j.onnx.runtime.SessionSettings;

/**
 * A session that turns tokens into the logits of those after them. Several threads may run it at
 * once; closing waits for runs that have begun.
 */
final class Runner implements AutoCloseable {
  private final Path file;
  private final GraphSession session;
  private final List<SteeringPoint> points;
  private final Optional<CacheLayout> cache;
  private final StepInputs inputs;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private volatile boolean closed;

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
      ModelProto model,
      List<SteeringPoint> points,
      Optional<CacheLayout> cache,
      SessionSettings settings) {
    this.file = graph.file();
    this.points = points;
    this.cache = cache;
    this.session = GraphSession.open(graph, model, settings);
    try {
      inputs =
          new StepInputs(file, session.ort().getInputInfo(), graph.tokenInput(), points, cache);
    } catch (OrtException e) {
      session.close();
      throw new ModelFormatException(file, "ONNX Runtime refuses it: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  Path file() {
    return file;
  }

  List<SteeringPoint> points() {
    return points;
  }

  /** What the model reads besides steering. */
  StepInputs inputs() {
    return inputs;
  }

  Optional<CacheLayout> cache() {
    return cache;
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
      inputs.feed(session.environment(), step, past, feeds, made);
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
