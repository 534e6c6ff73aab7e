package org.snmf4j.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BiConsumer;
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
  private final Map<SiteLayer, String> names;
  private final Map<String, SessionOutput> outputs = new LinkedHashMap<>();

  private ModelSession(
      Path file, GraphSession session, SessionInputs inputs, Map<SiteLayer, String> names) {
    this.file = file;
    this.session = session;
    this.inputs = inputs;
    this.names = names;
    // Two sites may be one tensor.
    names.forEach((site, name) -> outputs.putIfAbsent(name, new SessionOutput(site, name)));
  }

  /**
   * Activations of a batch at one site of one layer.
   *
   * @param values {@code [rows, length, dimension]}; the next run overwrites them
   * @param dimension d
   */
  record Activations(FloatBuffer values, int dimension) {}

  static ModelSession create(
      ModelGraph graph, ModelProto model, ModelOptions options, Map<SiteLayer, String> names) {
    Path file = graph.file();
    GraphSession session = GraphSession.open(graph, model, options.session());
    try {
      Map<String, NodeInfo> info = session.ort().getInputInfo();
      SessionInputs inputs = SessionInputs.of(file, info, graph.tokenInput());
      return new ModelSession(file, session, inputs, names);
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

  /** Runs a batch and hands over the activations of every site and layer of this session. */
  void run(TokenBatch batch, BiConsumer<SiteLayer, Activations> taker) {
    // Inputs, and outputs whose memory is ours.
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    Map<String, OnnxTensor> targets = new LinkedHashMap<>();
    try {
      inputs.fill(session.environment(), batch, feeds);
      for (SessionOutput output : outputs.values()) {
        OnnxTensor target = output.target(session.environment(), batch);
        if (target != null) {
          targets.put(output.name(), target);
        }
      }
      Map<String, Activations> found = run(batch, feeds, targets);
      names.forEach((site, name) -> taker.accept(site, found.get(name)));
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
      targets.values().forEach(OnnxTensor::close);
    }
  }

  private Map<String, Activations> run(
      TokenBatch batch, Map<String, OnnxTensor> feeds, Map<String, OnnxTensor> targets)
      throws OrtException {
    Set<String> others = new LinkedHashSet<>(outputs.keySet());
    others.removeAll(targets.keySet());
    int tensors = feeds.size() + targets.size();
    NativeCounts.tensorsOpened(tensors);
    try (OrtSession.Result result = session.ort().run(feeds, others, targets)) {
      NativeCounts.tensorsOpened(others.size());
      try {
        Map<String, Activations> found = new LinkedHashMap<>();
        for (SessionOutput output : outputs.values()) {
          OnnxTensor target = targets.get(output.name());
          OnnxValue value = target == null ? result.get(output.name()).orElseThrow() : null;
          found.put(output.name(), output.read(target, value, batch));
        }
        return found;
      } finally {
        NativeCounts.tensorsClosed(others.size());
      }
    } finally {
      NativeCounts.tensorsClosed(tensors);
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
