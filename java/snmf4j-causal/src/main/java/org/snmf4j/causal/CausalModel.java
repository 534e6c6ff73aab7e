package org.snmf4j.causal;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.ContextOverflowException;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.TokenizerMismatchException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.CacheLayout;
import org.snmf4j.onnx.graph.LogitsEditor;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;
import org.snmf4j.onnx.graph.SteeredModel;
import org.snmf4j.onnx.graph.SteeredSite;
import org.snmf4j.onnx.graph.SteeringEditor;
import org.snmf4j.onnx.graph.SteeringPoint;

/**
 * A causal language model that is ready to run, whole, and to be steered at chosen sites.
 *
 * <p>Sequences run in parallel. Those of different lengths share a run if the model takes an
 * attention mask and positions and was seen to give the same logits with padding as without, or if
 * it has no key/value cache; else those of equal length do. A model that quantizes activations
 * dynamically ({@link ModelGraph#quantizesByRun}) runs every sequence alone, so that its text does
 * not depend on what runs beside it; with and without a cache its logits still differ by the
 * rounding.
 *
 * <p>Owns one native session until {@link #close()}, which waits for runs that have begun; use
 * afterwards throws {@link org.snmf4j.error.ClosedException}. The {@link OnnxModel} is the caller's
 * and is needed only to open. Safe for use by several threads.
 */
public final class CausalModel implements AutoCloseable {
  private final Runner runner;
  private final boolean cached;
  private final OptionalInt contextLength;
  private final OptionalLong embeddings;
  private final int vocabularySize;
  private final int[] endOfTextIds;

  /** Whether every sequence runs alone. */
  private final boolean alone;

  /** Whether sequences of different lengths may run together from their beginnings. */
  private final boolean padsRight;

  /** Whether sequences of different lengths may grow together. */
  private final boolean mixing;

  private CausalModel(Runner runner, OnnxModel model, boolean useCache) {
    this.runner = runner;
    this.contextLength = model.contextLength();
    this.embeddings = model.vocabularySize();
    this.endOfTextIds = model.graph().endOfTextIds();
    this.alone = model.graph().quantizesByRun();
    Probe probe = new Probe(runner, embeddings, contextLength, alone);
    this.vocabularySize = probe.vocabularySize();
    this.cached = useCache && runner.cache().isPresent();
    if (cached && runner.inputs().fixedLength().isPresent()) {
      throw new ModelFormatException(
          runner.file(),
          "has a key/value cache but takes "
              + runner.inputs().fixedLength().getAsInt()
              + " tokens in every run; export it with open axes, or open it without the cache");
    }
    if (cached && runner.inputs().fixedRows().orElse(1) > 1) {
      throw new ModelFormatException(
          runner.file(),
          "has a key/value cache but takes "
              + runner.inputs().fixedRows().getAsInt()
              + " sequences in every run; export it with open axes, or open it without the cache");
    }
    // Fused grouped-query attention takes the tokens of a row to be side by side.
    this.padsRight = !runner.cache().map(CacheLayout::grouped).orElse(false);
    this.mixing = padsRight && !alone && (!cached || probe.padsOnTheLeft());
  }

  /** Opens a model that is not to be steered, with its cache if it has one. */
  public static CausalModel open(OnnxModel model) {
    return builder(model).open();
  }

  /** Starts to describe how to open a model. */
  public static Builder builder(OnnxModel model) {
    return new Builder(model);
  }

  /** Longest sequence that the model takes, if it is known; see {@link OnnxModel#contextLength}. */
  public OptionalInt contextLength() {
    return contextLength;
  }

  /** How many logits the model gives. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** Token ids with which the model ends a text; see {@link ModelGraph#endOfTextIds}. */
  public int[] endOfTextIds() {
    return endOfTextIds.clone();
  }

  /** Whether earlier tokens' keys and values are kept; if not, every token costs all before it. */
  public boolean usesCache() {
    return cached;
  }

  /** Whether every sequence runs alone, because the model quantizes activations dynamically. */
  boolean runsAlone() {
    return alone;
  }

  /** Whether sequences of different lengths grow in one run. */
  boolean mixesLengths() {
    return mixing;
  }

  /**
   * Logits of the token after each sequence.
   *
   * @param sequences {@code [rows][length]} token ids, at least one row, at least one id in each
   * @param steerings one per row, or one for all
   * @return {@code [rows][vocabulary]}
   * @throws InvalidArgumentException as {@link #check}, like the others there
   * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails
   */
  public float[][] nextLogits(int[][] sequences, List<Steering> steerings) {
    List<Steering> perRow = perRow(sequences, steerings);
    float[][] logits = new float[sequences.length][];
    for (int[] group : groups(sequences, padsRight)) {
      try (Batch batch = new PlainBatch(runner, pick(sequences, group), pick(perRow, group))) {
        for (int i = 0; i < group.length; i++) {
          logits[group[i]] = batch.logits(i);
        }
      }
    }
    return logits;
  }

  /**
   * Runs sequences that are to grow.
   *
   * @param sequences {@code [rows][length]} token ids, at least one row, at least one id in each
   * @param steerings one per row, or one for all; they stay with their rows
   * @throws InvalidArgumentException as {@link #check}, like the others there
   * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails
   */
  public Decoding decode(int[][] sequences, List<Steering> steerings) {
    List<Steering> perRow = perRow(sequences, steerings);
    List<Batch> batches = new ArrayList<>();
    Decoding.Place[] places = new Decoding.Place[sequences.length];
    try {
      for (int[] group : groups(sequences, mixing)) {
        Batch batch = batch(pick(sequences, group), pick(perRow, group));
        batches.add(batch);
        for (int i = 0; i < group.length; i++) {
          places[group[i]] = new Decoding.Place(batch, i, sequences[group[i]].length);
        }
      }
      return new Decoding(this, batches, List.of(places));
    } catch (RuntimeException | Error e) {
      batches.forEach(Batch::close);
      throw e;
    }
  }

  private Batch batch(int[][] sequences, List<Steering> steerings) {
    return cached
        ? new CachedBatch(runner, sequences, steerings, contextLength.orElse(Integer.MAX_VALUE))
        : new PlainBatch(runner, sequences, steerings);
  }

  /** Rows that may run together. */
  private List<int[]> groups(int[][] sequences, boolean mixed) {
    int most = alone ? 1 : runner.inputs().fixedRows().orElse(sequences.length);
    Map<Integer, List<Integer>> byLength = new LinkedHashMap<>();
    for (int row = 0; row < sequences.length; row++) {
      int key = mixed ? 0 : sequences[row].length;
      byLength.computeIfAbsent(key, none -> new ArrayList<>()).add(row);
    }
    List<int[]> groups = new ArrayList<>();
    for (List<Integer> rows : byLength.values()) {
      for (int from = 0; from < rows.size(); from += most) {
        int to = Math.min(rows.size(), from + most);
        groups.add(rows.subList(from, to).stream().mapToInt(Integer::intValue).toArray());
      }
    }
    return groups;
  }

  private static int[][] pick(int[][] all, int[] rows) {
    return Arrays.stream(rows).mapToObj(row -> all[row]).toArray(int[][]::new);
  }

  private static List<Steering> pick(List<Steering> all, int[] rows) {
    return Arrays.stream(rows).mapToObj(all::get).toList();
  }

  private List<Steering> perRow(int[][] sequences, List<Steering> steerings) {
    check(sequences, steerings);
    if (steerings.size() == sequences.length) {
      return steerings;
    }
    if (steerings.size() == 1) {
      return Collections.nCopies(sequences.length, steerings.get(0));
    }
    throw new InvalidArgumentException(
        "steerings", steerings.size() + " for " + sequences.length + " sequences", "one per row");
  }

  /**
   * Throws what running these would throw, without running anything.
   *
   * @throws InvalidArgumentException if there is no sequence or an empty one, an id is negative, or
   *     a steering's site, layer or width is none that the model was opened for
   * @throws TokenizerMismatchException if an id is not in the vocabulary
   * @throws ContextOverflowException if a sequence is longer than the context
   * @throws org.snmf4j.error.ClosedException after {@link #close()}
   */
  public void check(int[][] sequences, List<Steering> steerings) {
    runner.requireOpen();
    if (sequences.length == 0) {
      throw new InvalidArgumentException("sequences", "empty", "at least one sequence");
    }
    for (int row = 0; row < sequences.length; row++) {
      if (sequences[row].length == 0) {
        throw new InvalidArgumentException("sequence " + row, "empty", "at least one token");
      }
      for (int id : sequences[row]) {
        requireId(row, id);
      }
      requireLength(row, sequences[row].length);
    }
    steerings.stream().distinct().forEach(this::require);
  }

  void requireId(int sequence, int id) {
    if (id < 0) {
      throw new InvalidArgumentException("token id of sequence " + sequence, id, "at least 0");
    }
    if (id >= embeddings.orElse(vocabularySize)) {
      throw new TokenizerMismatchException(sequence, id, embeddings.orElse(vocabularySize));
    }
  }

  void requireLength(int sequence, int length) {
    if (contextLength.isPresent() && length > contextLength.getAsInt()) {
      throw new ContextOverflowException(sequence, length, contextLength.getAsInt());
    }
  }

  private void require(Steering steering) {
    if (steering.isNone()) {
      return;
    }
    Direction direction = steering.direction();
    for (int layer : steering.layers()) {
      SteeringPoint point =
          runner.points().stream()
              .filter(p -> p.site() == direction.site() && p.layer() == layer)
              .findFirst()
              .orElseThrow(
                  () ->
                      new InvalidArgumentException(
                          "steered site",
                          direction.site().id() + " of layer " + layer,
                          "among those that the model was opened for: " + opened()));
      if (direction.size() != point.width()) {
        throw new InvalidArgumentException(
            "direction " + direction.name(),
            "of " + direction.size() + " values",
            "as wide as " + direction.site().id() + " of layer " + layer + ": " + point.width());
      }
    }
  }

  private String opened() {
    return runner.points().isEmpty()
        ? "none"
        : runner.points().stream()
            .map(point -> point.site().id() + " of layer " + point.layer())
            .collect(Collectors.joining(", "));
  }

  /** Frees the native session; later calls do nothing. */
  @Override
  public void close() {
    runner.close();
  }

  /** Describes how to open a model. Not safe for use by several threads. */
  public static final class Builder {
    private final OnnxModel model;
    private final Map<SteeredSite, SiteTensor> steerable = new LinkedHashMap<>();
    private boolean useCache = true;

    private Builder(OnnxModel model) {
      this.model = model;
    }

    /**
     * Makes a site of some layers steerable, which costs a product and a sum per layer and token
     * whether it is steered or not. Nothing is by default.
     *
     * @param layers 0-based
     * @throws InvalidArgumentException if the model has fewer layers
     * @throws org.snmf4j.onnx.graph.SiteNotFoundException if the model's sites are not known
     */
    public Builder steerable(Site site, int... layers) {
      for (int layer : layers) {
        steerable.put(new SteeredSite(site, layer), model.siteTensor(site, layer));
      }
      return this;
    }

    /** Makes a site of all layers steerable. */
    public Builder steerable(Site site) {
      return steerable(site, IntStream.range(0, model.layers()).toArray());
    }

    /** Whether to keep earlier tokens' keys and values if the model can; true by default. */
    public Builder useCache(boolean wanted) {
      useCache = wanted;
      return this;
    }

    /**
     * Opens the model.
     *
     * @throws org.snmf4j.onnx.graph.LogitsNotFoundException if it has no logits: it is no causal
     *     language model
     * @throws ModelFormatException if its inputs are not known, ONNX Runtime refuses it, or a
     *     token's logits depend on later tokens: it is no causal language model
     * @throws org.snmf4j.onnx.graph.SiteNotSteerableException if a site's tensor cannot be changed
     */
    public CausalModel open() {
      ModelGraph graph = model.graph();
      String logits = graph.logitsOutput();
      Optional<CacheLayout> cache = graph.cacheLayout();
      SteeredModel steered = SteeringEditor.steer(graph, steerable);
      ModelProto edited = LogitsEditor.choose(steered.model(), logits);
      Runner runner = new Runner(graph, edited, steered.points(), cache, model.options().session());
      try {
        return new CausalModel(runner, model, useCache);
      } catch (RuntimeException | Error e) {
        runner.close();
        throw e;
      }
    }
  }
}
