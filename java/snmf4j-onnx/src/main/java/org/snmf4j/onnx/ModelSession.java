package org.snmf4j.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.runtime.GraphSession;
import org.snmf4j.onnx.runtime.NativeCounts;

/**
 * A running model whose outputs are activations.
 *
 * <p>Owns a native session until {@link #close()}. For use by one thread.
 */
final class ModelSession implements AutoCloseable {
  private final Path file;
  private final GraphSession session;
  private final SessionInputs inputs;
  private final Map<SiteLayer, String> outputs;

  private ModelSession(
      Path file, GraphSession session, SessionInputs inputs, Map<SiteLayer, String> outputs) {
    this.file = file;
    this.session = session;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /**
   * Activations of a batch at one site of one layer.
   *
   * @param values {@code [rows, length, dimension]}
   * @param dimension d
   */
  record Activations(float[] values, int dimension) {}

  static ModelSession create(
      ModelGraph graph, ModelProto model, ModelOptions options, Map<SiteLayer, String> outputs) {
    Path file = graph.file();
    GraphSession session = GraphSession.open(graph, model, options.session());
    try {
      Map<String, NodeInfo> info = session.ort().getInputInfo();
      SessionInputs inputs = SessionInputs.of(file, info, graph.tokenInput());
      return new ModelSession(file, session, inputs, outputs);
    } catch (OrtException e) {
      session.close();
      throw new ModelFormatException(file, "ONNX Runtime refuses it: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  /** How many rows a batch must have, if the model was exported for one number. */
  OptionalInt fixedRows() {
    return inputs.fixedRows();
  }

  /** How long a row must be, if the model was exported for one length. */
  OptionalInt fixedLength() {
    return inputs.fixedLength();
  }

  /** Whether the model can be told which tokens are padding. */
  boolean takesMask() {
    return inputs.takesMask();
  }

  /** Runs a batch and returns the activations of every site and layer of this session. */
  Map<SiteLayer, Activations> run(TokenBatch batch) {
    Set<String> names = new LinkedHashSet<>(outputs.values());
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try {
      inputs.fill(session.environment(), batch, feeds);
      NativeCounts.tensorsOpened(feeds.size());
      try (OrtSession.Result result = session.ort().run(feeds, names)) {
        NativeCounts.tensorsOpened(names.size());
        try {
          Map<SiteLayer, Activations> all = new LinkedHashMap<>();
          for (Map.Entry<SiteLayer, String> output : outputs.entrySet()) {
            OnnxValue value = result.get(output.getValue()).orElseThrow();
            all.put(output.getKey(), read(output.getKey(), output.getValue(), value, batch));
          }
          return all;
        } finally {
          NativeCounts.tensorsClosed(names.size());
        }
      } finally {
        NativeCounts.tensorsClosed(feeds.size());
      }
    } catch (OrtException e) {
      throw new ModelRunException(
          "ONNX Runtime fails to run "
              + file
              + " on sentences from "
              + batch.sequences().get(0).sentence()
              + " on: "
              + e.getMessage(),
          e);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  private static Activations read(SiteLayer site, String name, OnnxValue value, TokenBatch batch) {
    if (!(value instanceof OnnxTensor tensor)) {
      throw new ModelRunException("'" + name + "' is no tensor");
    }
    int rows = batch.rows();
    int length = batch.length();
    TensorInfo info = tensor.getInfo();
    long[] shape = info.getShape();
    boolean flat = Arrays.equals(Arrays.copyOf(shape, 1), new long[] {(long) rows * length});
    boolean sentenceFirst = Arrays.equals(Arrays.copyOf(shape, 2), new long[] {rows, length});
    boolean positionFirst = Arrays.equals(Arrays.copyOf(shape, 2), new long[] {length, rows});
    boolean readable = shape.length == 2 ? flat : shape.length == 3;
    FloatBuffer buffer =
        readable && (flat || sentenceFirst || positionFirst) ? tensor.getFloatBuffer() : null;
    if (buffer == null) {
      throw new ModelRunException(
          "tensor '"
              + name
              + "' of site "
              + site.site().id()
              + ", layer "
              + site.layer()
              + " is "
              + info.type
              + Arrays.toString(shape)
              + " but must be floats ["
              + rows
              + ", "
              + length
              + ", d] or ["
              + rows * length
              + ", d]");
    }
    int dimension = Math.toIntExact(shape[shape.length - 1]);
    float[] values;
    if (shape.length == 2 || sentenceFirst) {
      values = array(buffer);
    } else {
      values = new float[buffer.remaining()];
      for (int position = 0; position < length; position++) {
        for (int row = 0; row < rows; row++) {
          buffer.get(values, (row * length + position) * dimension, dimension);
        }
      }
    }
    return new Activations(values, dimension);
  }

  /** The array behind a buffer, which ONNX Runtime has just filled for us, or a copy. */
  private static float[] array(FloatBuffer buffer) {
    if (buffer.hasArray() && buffer.array().length == buffer.remaining()) {
      return buffer.array();
    }
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  @Override
  public void close() {
    session.close();
  }
}
