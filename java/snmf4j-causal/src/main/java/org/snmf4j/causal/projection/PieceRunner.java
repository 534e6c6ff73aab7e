package org.snmf4j.causal.projection;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snmf4j.onnx.ModelRunException;
import org.snmf4j.onnx.graph.CacheEntry;
import org.snmf4j.onnx.graph.CacheLayout;
import org.snmf4j.onnx.graph.GraphPiece;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.runtime.GraphSession;
import org.snmf4j.onnx.runtime.NativeCounts;
import org.snmf4j.onnx.runtime.SessionSettings;

/** Runs a piece of a model on one vector, as if it were all that a sequence has. */
final class PieceRunner implements AutoCloseable {
  private final ModelGraph graph;
  private final GraphPiece piece;
  private final GraphSession session;
  private final Optional<CacheLayout> cache;

  PieceRunner(ModelGraph graph, GraphPiece piece, SessionSettings settings) {
    this.graph = graph;
    this.piece = piece;
    this.cache = graph.cacheLayout();
    this.session = GraphSession.open(graph, piece.model(), settings);
  }

  /** The piece's result for a vector: its last axis. */
  float[] run(float[] vector) {
    OrtSession ort = session.ort();
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try {
      for (NodeInfo info : ort.getInputInfo().values()) {
        String name = info.getName();
        OnnxTensor feed =
            name.equals(piece.input())
                ? repeated(vector)
                : other(name, (TensorInfo) info.getInfo());
        feeds.put(name, feed);
        NativeCounts.tensorsOpened(1);
      }
      try (OrtSession.Result result = ort.run(feeds, Set.of(piece.output()))) {
        NativeCounts.tensorsOpened(1);
        try {
          return last((OnnxTensor) result.get(0));
        } finally {
          NativeCounts.tensorsClosed(1);
        }
      }
    } catch (OrtException e) {
      throw new ModelRunException(
          "ONNX Runtime fails to run a piece of " + graph.file() + ": " + e.getMessage(), e);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
      NativeCounts.tensorsClosed(feeds.size());
    }
  }

  private static float[] last(OnnxTensor output) {
    long[] shape = output.getInfo().getShape();
    FloatBuffer values = output.getFloatBuffer();
    int columns = Math.toIntExact(shape[shape.length - 1]);
    float[] result = new float[columns];
    values.get(values.limit() - columns, result);
    return result;
  }

  private OnnxTensor repeated(float[] vector) throws OrtException {
    int tokens = piece.rows() * piece.length();
    FloatBuffer values = FloatBuffer.allocate(tokens * vector.length);
    for (int i = 0; i < tokens; i++) {
      values.put(vector);
    }
    long[] shape = {piece.rows(), piece.length(), vector.length};
    return OnnxTensor.createTensor(session.environment(), values.flip(), shape);
  }

  /** Inputs of the whole model that are left: only their lengths matter to what comes after. */
  private OnnxTensor other(String name, TensorInfo info) throws OrtException {
    OrtEnvironment environment = session.environment();
    Optional<CacheEntry> entry =
        cache.stream()
            .flatMap(layout -> layout.entries().stream())
            .filter(candidate -> candidate.past().equals(name))
            .findFirst();
    if (entry.isPresent()) {
      long[] shape = entry.get().shape(piece.rows(), 0);
      return OnnxTensor.createTensor(environment, bytes(0), shape, info.type);
    }
    if (info.type == OnnxJavaType.BOOL) {
      return OnnxTensor.createTensor(environment, new boolean[] {false});
    }
    long[] axes = info.getShape();
    long[] shape =
        axes.length == 1 ? new long[] {piece.length()} : new long[] {piece.rows(), piece.length()};
    boolean fed = axes.length == 1 || axes.length == 2;
    int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    boolean mask = name.endsWith("mask");
    boolean positions = name.endsWith("position_ids") || name.equals("cache_position");
    ByteBuffer values = bytes(count * info.type.size);
    for (int i = 0; fed && i < count; i++) {
      int value = mask ? 1 : positions ? i % piece.length() : 0;
      switch (info.type) {
        case INT64 -> values.putLong(value);
        case INT32 -> values.putInt(value);
        case FLOAT -> values.putFloat(value);
        default -> fed = false;
      }
    }
    if (!fed) {
      throw new ModelRunException(
          "a piece of "
              + graph.file()
              + " needs input '"
              + name
              + "' "
              + info.type
              + Arrays.toString(axes)
              + ", which is neither token ids, mask, positions nor cache");
    }
    return OnnxTensor.createTensor(environment, values.flip(), shape, info.type);
  }

  private static ByteBuffer bytes(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    session.close();
  }
}
