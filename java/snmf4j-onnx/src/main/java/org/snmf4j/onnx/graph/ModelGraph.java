package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataLocation;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;

/**
 * An ONNX model's graph, with its transformer blocks found.
 *
 * <p>Blocks are numbered in the order of computation. A graph that holds an encoder and a decoder
 * has the encoder's blocks first; a weight that several blocks share counts once per use. Of a
 * decoder merged of two (Optimum's {@code use_cache_branch}) the branch without a cache is read.
 *
 * <p>Limits. Mixtures of experts have no sites, whether they are one operator or written out, for
 * no tensor has the same neurons for every token; written-out experts are known by the product or
 * the scattering that distributes their results. Where a graph adds a down-projection's bias only
 * after the sum with the residual stream, the sites {@code mlp_out} and {@code residual} are
 * without that bias.
 *
 * <p>Weights inside the file are held in memory; weights in external files are not read. Immutable
 * and safe for use by several threads.
 */
public final class ModelGraph {
  /**
   * Name of the metadata property that lists token ids, separated by commas, with which the model
   * ends a text besides those that its tokenizer's names tell.
   */
  public static final String END_OF_TEXT_IDS = "end_of_text_ids";

  private final Path file;
  private final ModelProto model;
  private final GraphIndex index;
  private final List<MlpLayer> layers;
  private final List<String> candidates;
  private final MissingSites missing;
  private final TokenInputs tokenInputs;

  private ModelGraph(Path file, ModelProto model, GraphIndex index) {
    this.file = file;
    this.model = model;
    this.index = index;
    Constants constants = new Constants(index);
    SiteFinder finder = new SiteFinder(index, constants);
    this.layers = finder.layers();
    this.candidates = finder.candidates();
    this.missing = new MissingSites(file, index, candidates, finder.hasExperts());
    OptionalLong width =
        layers.isEmpty()
            ? OptionalLong.empty()
            : OptionalLong.of(layers.get(0).downProjection().width());
    this.tokenInputs = new TokenInputs(index, constants, tokenInput(), width);
  }

  /**
   * Reads a model.
   *
   * @param file a {@code .onnx} file; external data is expected beside it
   * @throws ModelFormatException if the file is no ONNX model, truncated or inconsistent
   * @throws FileAccessException if it cannot be read
   */
  public static ModelGraph read(Path file) {
    ModelProto model = parse(file, bytes(file));
    if (!model.hasGraph() || model.getGraph().getNodeCount() == 0) {
      throw new ModelFormatException(
          file, "holds no graph: not an ONNX model, or one that is cut short");
    }
    if (model.getOpsetImportCount() == 0) {
      throw new ModelFormatException(
          file, "names no operator set: not an ONNX model, or one that is cut short");
    }
    if (model.getGraph().getOutputCount() == 0) {
      throw new ModelFormatException(file, "its graph has no outputs");
    }
    try {
      ModelProto inlined = MergedDecoder.withoutCache(FunctionInliner.inline(model));
      ModelProto flat = Bfloat16.widened(inlined);
      ModelGraph graph = new ModelGraph(file, flat, new GraphIndex(flat.getGraph()));
      graph.requireExternalData();
      return graph;
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(file, e.getMessage(), e);
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    } catch (OutOfMemoryError e) {
      throw new ModelFormatException(
          file, "too large to be read whole; keep its weights in external data", e);
    }
  }

  private static ModelProto parse(Path file, byte[] bytes) {
    try {
      // Aliasing makes the weights views of the file's bytes instead of copies.
      CodedInputStream input = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
      input.enableAliasing(true);
      return ModelProto.parseFrom(input);
    } catch (InvalidProtocolBufferException e) {
      throw new ModelFormatException(
          file, "not an ONNX model, or one that is cut short: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  /** Path the model was read from. */
  public Path file() {
    return file;
  }

  /** The transformer blocks in order; empty if no MLP was found. */
  public List<MlpLayer> layers() {
    return layers;
  }

  /**
   * The tensor of a site.
   *
   * @param layer 0-based
   * @throws SiteNotFoundException if the model's MLPs were not found
   * @throws InvalidArgumentException if the model has fewer layers
   */
  public SiteTensor site(Site site, int layer) {
    if (layers.isEmpty()) {
      throw missing.site(site, layer);
    }
    if (layer < 0 || layer >= layers.size()) {
      throw new InvalidArgumentException(
          "layer", layer, "between 0 and " + (layers.size() - 1) + " for " + file.getFileName());
    }
    return layers.get(layer).tensor(site);
  }

  /**
   * A tensor by name.
   *
   * @throws SiteNotFoundException if the graph has no such tensor
   */
  public SiteTensor tensor(String name) {
    if (!index.isDefined(name)) {
      throw missing.tensor(name);
    }
    return SiteTensor.existing(name);
  }

  /** Names of tensors that may be meant by the site {@code mlp}. */
  public List<String> candidates() {
    return candidates;
  }

  /** Rows of the token embedding table; ids must be smaller. Empty if there is no such table. */
  public OptionalLong vocabularySize() {
    return tokenInputs.vocabularySize();
  }

  /**
   * Longest sequence that the table of learned positions allows, or the one length that the model
   * was exported for; empty in models without either (rotary or relative positions).
   */
  public OptionalLong contextLength() {
    OptionalLong positions = tokenInputs.contextLength();
    OptionalLong fixed = fixedLength();
    if (positions.isEmpty() || fixed.isEmpty()) {
      return positions.isPresent() ? positions : fixed;
    }
    return OptionalLong.of(Math.min(positions.getAsLong(), fixed.getAsLong()));
  }

  private OptionalLong fixedLength() {
    return fixed(1);
  }

  /** Length of an axis of the token ids, if the model was exported for one. */
  OptionalLong fixed(int axis) {
    return model.getGraph().getInputList().stream()
        .filter(input -> input.getName().equals(tokenInput()))
        .map(input -> input.getType().getTensorType().getShape())
        .filter(shape -> shape.getDimCount() == 2 && shape.getDim(axis).hasDimValue())
        .mapToLong(shape -> shape.getDim(axis).getDimValue())
        .filter(length -> length > 0)
        .findFirst();
  }

  /** Name of the input that takes token ids. */
  public String tokenInput() {
    if (index.inputs().contains("input_ids")) {
      return "input_ids";
    }
    for (ValueInfoProto input : model.getGraph().getInputList()) {
      TypeProto.Tensor type = input.getType().getTensorType();
      boolean integer =
          type.getElemType() == TensorProto.DataType.INT64.getNumber()
              || type.getElemType() == TensorProto.DataType.INT32.getNumber();
      if (integer && type.getShape().getDimCount() == 2) {
        return input.getName();
      }
    }
    return "input_ids";
  }

  /**
   * Token ids with which the model ends a text, by its metadata property {@value #END_OF_TEXT_IDS};
   * empty if it has none.
   *
   * @throws ModelFormatException if the property is no list of token ids
   */
  public int[] endOfTextIds() {
    return model.getMetadataPropsList().stream()
        .filter(property -> property.getKey().equals(END_OF_TEXT_IDS))
        .flatMap(property -> Arrays.stream(property.getValue().split(",")))
        .mapToInt(this::tokenId)
        .toArray();
  }

  private int tokenId(String text) {
    if (!text.strip().matches("[0-9]{1,9}")) {
      throw new ModelFormatException(
          file, "metadata property " + END_OF_TEXT_IDS + " holds '" + text + "', no token id");
    }
    return Integer.parseInt(text.strip());
  }

  /**
   * How the model takes and returns the keys and values of earlier tokens; empty if it has no such
   * cache.
   *
   * @throws ModelFormatException if it has cache inputs that go with no output or are of no known
   *     layout
   */
  public Optional<CacheLayout> cacheLayout() {
    return new CacheFinder(this).layout();
  }

  /**
   * Name of the output {@code [rows, length, vocabulary]} that scores the next token.
   *
   * @throws LogitsNotFoundException if there is none: the model is no causal language model, or was
   *     exported without its head
   */
  public String logitsOutput() {
    return new LogitsFinder(this).output();
  }

  /**
   * Whether the model rounds activations to steps of their range in a run (dynamic quantization). A
   * token's results then depend a little on every other token of the run, earlier or later, and on
   * the sequences beside its own.
   */
  public boolean quantizesByRun() {
    return index.nodes().stream().anyMatch(Operators::isDynamicQuantization);
  }

  ModelProto proto() {
    return model;
  }

  GraphIndex index() {
    return index;
  }

  /** Whether some weights lie in files beside the model. */
  public boolean hasExternalData() {
    return model.getGraph().getInitializerList().stream().anyMatch(ModelGraph::isExternal);
  }

  private static boolean isExternal(TensorProto tensor) {
    return tensor.getDataLocation() == DataLocation.EXTERNAL;
  }

  private void requireExternalData() {
    ExternalData data = new ExternalData(file);
    model.getGraph().getInitializerList().stream()
        .filter(ModelGraph::isExternal)
        .forEach(data::require);
  }
}
