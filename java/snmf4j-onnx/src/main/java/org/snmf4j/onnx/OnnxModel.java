package org.snmf4j.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.MlpLayer;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;

/**
 * A transformer in an ONNX file, encoder or decoder.
 *
 * <p>Holds the graph, and the weights if they lie in the same file, on the heap until {@link
 * #close()}; use afterwards throws {@link ClosedException}. Native sessions live only as long as an
 * {@link Extractor} runs. Safe for use by several threads.
 */
public final class OnnxModel implements AutoCloseable {
  private final Path file;
  private final ModelOptions options;
  private volatile ModelGraph graph;

  private OnnxModel(ModelGraph graph, ModelOptions options) {
    this.file = graph.file();
    this.graph = graph;
    this.options = options;
  }

  /** Opens a model with default options; see {@link #open(Path, ModelOptions)}. */
  public static OnnxModel open(Path file) {
    return open(file, ModelOptions.DEFAULT);
  }

  /**
   * Opens a model: reads its graph and finds its transformer blocks.
   *
   * @param file a {@code .onnx} file, its external data, if any, beside it
   * @throws org.snmf4j.onnx.graph.ModelFormatException if it is no ONNX model or damaged
   * @throws org.snmf4j.error.FileAccessException if it cannot be read
   */
  public static OnnxModel open(Path file, ModelOptions options) {
    return new OnnxModel(ModelGraph.read(file), options);
  }

  /** Path the model was read from. */
  public Path file() {
    return file;
  }

  /** The graph with its transformer blocks. */
  public ModelGraph graph() {
    ModelGraph current = graph;
    if (current == null) {
      throw new ClosedException("the model " + file + " is closed");
    }
    return current;
  }

  /** Number of transformer blocks found; 0 if no MLP was. */
  public int layers() {
    return graph().layers().size();
  }

  /**
   * Longest sequence that the model takes: the caller's limit or that of its table of positions,
   * whichever is shorter. Empty if neither is there.
   */
  public OptionalInt contextLength() {
    OptionalLong table = graph().contextLength();
    OptionalInt given = options.contextLength();
    if (table.isEmpty()) {
      return given;
    }
    int positions = (int) Math.min(Integer.MAX_VALUE, table.getAsLong());
    return OptionalInt.of(Math.min(positions, given.orElse(positions)));
  }

  /** Rows of the token embedding table, if it was found. */
  public OptionalLong vocabularySize() {
    return graph().vocabularySize();
  }

  /**
   * The tensor of a site: named by hand in the options or else found.
   *
   * @throws org.snmf4j.onnx.graph.SiteNotFoundException if neither is the case
   * @throws InvalidArgumentException if the model has fewer layers
   */
  public SiteTensor siteTensor(Site site, int layer) {
    String named = options.siteTensor(site, layer);
    return named == null ? graph().site(site, layer) : graph().tensor(named);
  }

  /** How many tokens' activations fit into one buffer of ONNX Runtime's Java API, 2 GiB. */
  int maxTokensPerRun() {
    long widest =
        graph().layers().stream()
            .map(MlpLayer::downProjection)
            .mapToLong(weight -> Math.max(weight.neurons(), weight.width()))
            .max()
            .orElse(1);
    return (int) Math.max(1, Integer.MAX_VALUE / Float.BYTES / widest);
  }

  /** How it was opened. */
  public ModelOptions options() {
    return options;
  }

  /** A session of the part of the model that yields the given sites. */
  ModelSession session(Collection<SiteLayer> wanted) {
    Map<SiteLayer, SiteTensor> tensors = new LinkedHashMap<>();
    for (SiteLayer key : wanted) {
      tensors.put(key, siteTensor(key.site(), key.layer()));
    }
    ModelProto cut = GraphEditor.cut(graph(), tensors.values());
    Map<SiteLayer, String> outputs = new LinkedHashMap<>();
    tensors.forEach((key, tensor) -> outputs.put(key, tensor.name()));
    return ModelSession.create(graph(), cut, options, outputs);
  }

  @Override
  public void close() {
    graph = null;
  }
}
