package org.snmf4j.onnx;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.ModelSource;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.activations.TokenTable;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * Runs sentences through a model and collects the activations of their tokens.
 *
 * <p>All sites and layers come from one pass. Sentences of similar length run together; the result
 * is in the order of the input. Padding and the special tokens that a tokenizer adds are dropped;
 * with given ids every token that the mask does not exclude is kept.
 *
 * <p>A model that quantizes activations dynamically ({@link
 * org.snmf4j.onnx.graph.ModelGraph#quantizesByRun}) rounds them by the range of all tokens of a
 * batch, so that they depend a little on its size.
 *
 * <p>Immutable; an extraction may run several times, also at once. The model and the tokenizer must
 * stay open meanwhile.
 */
public final class Extractor {
  private final OnnxModel model;
  private final TextTokenizer tokenizer;
  private final DataSet dataSet;
  private final long[][] ids;
  private final long[][] mask;
  private final List<SiteLayer> wanted;
  private final int maxBatchTokens;
  private final boolean truncate;
  private final ProgressListener listener;
  private final BooleanSupplier cancelled;

  private Extractor(Builder builder) {
    model = builder.model;
    tokenizer = builder.tokenizer;
    dataSet = builder.dataSet;
    ids = builder.ids;
    mask = builder.mask;
    maxBatchTokens = builder.maxBatchTokens;
    truncate = builder.truncate;
    listener = builder.listener;
    cancelled = builder.cancelled;
    wanted = new ArrayList<>();
    for (Site site : builder.sites) {
      for (int layer : builder.layers) {
        wanted.add(new SiteLayer(site, layer));
      }
    }
  }

  /** Starts to describe an extraction from a model. */
  public static Builder builder(OnnxModel model) {
    return new Builder(model);
  }

  /**
   * Extracts into memory: n·d floats per site and layer, off the heap.
   *
   * @return the activations, which the caller closes
   * @throws ContextOverflowException if a sentence is longer than the model's positions and
   *     truncation was not asked for
   * @throws TokenizerMismatchException if a token is not in the model's vocabulary
   * @throws CancelledException if the caller cancelled
   * @throws ModelRunException if ONNX Runtime fails
   */
  public Activations extract() {
    try (MemorySink memory = new MemorySink()) {
      extractTo(memory);
      return memory.release();
    }
  }

  /**
   * Extracts into a directory, batch by batch. It appears when all is done; after a failure or a
   * cancellation nothing is left.
   *
   * @param directory missing, empty or an activation store, which is replaced; its parent must
   *     exist
   * @return the store
   * @throws InvalidArgumentException if the directory holds something else
   * @throws org.snmf4j.error.FileAccessException if it cannot be written
   * @throws ContextOverflowException as {@link #extract()}, like the others there
   */
  public ActivationStore extractTo(Path directory) {
    try (StoreSink store = new StoreSink(directory, ModelSource.of(model.file()))) {
      extractTo(store);
      return store.commit();
    }
  }

  /**
   * Extracts into a consumer, sentence by sentence. Memory for the activations of one batch is used
   * again and again.
   *
   * @param consumer called on this thread
   * @return the tokens, which the consumer has heard of before
   * @throws ContextOverflowException as {@link #extract()}, like the others there
   */
  public TokenTable extractTo(ActivationConsumer consumer) {
    Objects.requireNonNull(consumer, "consumer");
    for (SiteLayer key : wanted) {
      model.siteTensor(key.site(), key.layer());
    }
    requireNotCancelled(0);
    SequenceBuilder builder =
        new SequenceBuilder(model.contextLength(), truncate, model.vocabularySize());
    fill(builder);
    TokenTable table = builder.table();
    if (table.size() == 0) {
      throw new InvalidArgumentException(
          "input", "without tokens besides padding and special tokens", "at least one token");
    }
    consumer.begin(table);
    try (ModelSession session = model.session(wanted)) {
      Batcher batcher =
          new Batcher(
              Math.min(maxBatchTokens, model.maxTokensPerRun()),
              session.fixedRows(),
              session.fixedLength(),
              session.takesMask());
      int total = builder.sequences().size();
      int done = 0;
      listener.progress(done, total);
      for (TokenBatch batch : batcher.batches(builder.sequences())) {
        requireNotCancelled(done);
        session.run(batch, (key, activations) -> pass(batch, key, activations, consumer));
        done += batch.sequences().size();
        listener.progress(done, total);
      }
      requireNotCancelled(done);
      return table;
    }
  }

  private void fill(SequenceBuilder builder) {
    if (ids == null) {
      int number = 0;
      for (DataSet.Sentence sentence : dataSet.sentences()) {
        if (number++ % 256 == 0) {
          requireNotCancelled(0);
        }
        builder.addText(sentence, tokenizer);
      }
    } else {
      for (int row = 0; row < ids.length; row++) {
        builder.addIds(ids[row], mask == null ? null : mask[row]);
      }
    }
  }

  /** Hands the kept tokens of a batch on, in stretches that lie side by side. */
  private static void pass(
      TokenBatch batch,
      SiteLayer key,
      ModelSession.Activations activations,
      ActivationConsumer consumer) {
    int dimension = activations.dimension();
    for (int row = 0; row < batch.sequences().size(); row++) {
      TokenSequence sequence = batch.sequences().get(row);
      BitSet kept = sequence.kept();
      int token = sequence.firstToken();
      for (int from = kept.nextSetBit(0); from >= 0; ) {
        int to = kept.nextClearBit(from);
        int at = (row * batch.length() + from) * dimension;
        int count = to - from;
        FloatBuffer values = activations.values().slice(at, count * dimension).asReadOnlyBuffer();
        consumer.accept(
            new ActivationBlock(key.site(), key.layer(), token, count, dimension, values));
        token += count;
        from = kept.nextSetBit(to);
      }
    }
  }

  private void requireNotCancelled(int done) {
    if (cancelled.getAsBoolean()) {
      throw new CancelledException("the extraction was cancelled after " + done + " sentences");
    }
  }

  /** Collects what to extract. Not safe for use by several threads. */
  public static final class Builder {
    private final OnnxModel model;
    private TextTokenizer tokenizer;
    private DataSet dataSet;
    private long[][] ids;
    private long[][] mask;
    private Set<Site> sites = Set.of(Site.MLP);
    private final Set<Integer> layers = new TreeSet<>();
    private int maxBatchTokens = 2048;
    private boolean truncate;
    private ProgressListener listener = (done, total) -> {};
    private BooleanSupplier cancelled = () -> false;

    private Builder(OnnxModel model) {
      this.model = model;
    }

    /** The sentences, as text. Excludes {@link #tokenIds}. */
    public Builder text(DataSet sentences, TextTokenizer with) {
      dataSet = sentences;
      tokenizer = with;
      return this;
    }

    /**
     * The sentences, tokenized elsewhere. Excludes {@link #text}. The arrays are not copied.
     *
     * @param tokens ids {@code [sentences][length]}; rows may differ in length
     * @param attentionMask of the same shape, 1 for tokens and 0 for padding; null if nothing is
     *     padding
     */
    public Builder tokenIds(long[][] tokens, long[][] attentionMask) {
      ids = tokens;
      mask = attentionMask;
      return this;
    }

    /** The sites; {@link Site#MLP} by default. */
    public Builder sites(Collection<Site> wanted) {
      if (wanted.isEmpty()) {
        throw new InvalidArgumentException("sites", "empty", "at least one site");
      }
      sites = new TreeSet<>(wanted);
      return this;
    }

    /** The layers, 0-based; by default all that were found or are named by hand. */
    public Builder layers(Collection<Integer> wanted) {
      if (wanted.isEmpty()) {
        throw new InvalidArgumentException("layers", "empty", "at least one layer");
      }
      layers.clear();
      layers.addAll(wanted);
      return this;
    }

    /**
     * Most tokens of a batch, padding counted; 2048 by default. A batch's activations, this many
     * times d floats per site and layer, are in memory at once. A longer sentence runs alone.
     */
    public Builder maxBatchTokens(int tokens) {
      if (tokens < 1) {
        throw new InvalidArgumentException("maxBatchTokens", tokens, "at least 1");
      }
      maxBatchTokens = tokens;
      return this;
    }

    /**
     * Whether sentences longer than the model's positions are cut instead of refused; special
     * tokens at the end stay. False by default.
     */
    public Builder truncate(boolean cut) {
      truncate = cut;
      return this;
    }

    /** Who hears of progress, on the extracting thread; nobody by default. */
    public Builder listener(ProgressListener progress) {
      listener = Objects.requireNonNull(progress, "listener");
      return this;
    }

    /**
     * Asked before every batch; once it says true, the extraction ends with a CancelledException.
     */
    public Builder cancellation(BooleanSupplier requested) {
      cancelled = Objects.requireNonNull(requested, "cancellation");
      return this;
    }

    /**
     * The extractor.
     *
     * @throws InvalidArgumentException if sentences are missing, given twice or malformed, or a
     *     layer is not in the model
     * @throws org.snmf4j.onnx.graph.SiteNotFoundException if the model's sites are not known
     */
    public Extractor build() {
      if ((dataSet == null) == (ids == null)) {
        throw new InvalidArgumentException(
            "input",
            ids == null ? "missing" : "both text and token ids",
            "either text or token ids");
      }
      if (dataSet != null && tokenizer == null) {
        throw new InvalidArgumentException("tokenizer", null, "given with text");
      }
      if (ids != null) {
        requireShape();
      }
      if (layers.isEmpty()) {
        layers.addAll(model.options().namedLayers());
        for (int layer = 0; layer < model.layers(); layer++) {
          layers.add(layer);
        }
      }
      if (layers.isEmpty()) {
        // Asking for any layer explains why there is none.
        layers.add(0);
      }
      for (Site site : sites) {
        for (int layer : layers) {
          model.siteTensor(site, layer);
        }
      }
      return new Extractor(this);
    }

    private void requireShape() {
      if (ids.length == 0) {
        throw new InvalidArgumentException("token ids", "empty", "at least one sentence");
      }
      if (mask == null) {
        return;
      }
      if (mask.length != ids.length) {
        throw new InvalidArgumentException(
            "attention mask",
            "of " + mask.length + " sentences",
            "of as many as the token ids (" + ids.length + ")");
      }
      for (int row = 0; row < ids.length; row++) {
        if (mask[row].length != ids[row].length) {
          throw new InvalidArgumentException(
              "attention mask of sentence " + row,
              "of length " + mask[row].length,
              "as long as its token ids (" + ids[row].length + ")");
        }
        for (int i = 0; i < mask[row].length; i++) {
          if (mask[row][i] != 0 && mask[row][i] != 1) {
            throw new InvalidArgumentException(
                "attention mask at sentence " + row + ", position " + i, mask[row][i], "0 or 1");
          }
        }
      }
    }
  }
}
