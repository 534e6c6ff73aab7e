package org.snmf4j.causal.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Decoding;
import org.snmf4j.causal.Steering;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * Lets a causal language model continue prompts, several at a time.
 *
 * <p>Immutable; the model and the tokenizer are the caller's and must stay open. Several threads
 * may generate at once.
 */
public final class Generator {
  private final CausalModel model;
  private final TextTokenizer tokenizer;
  private final GenerationOptions options;
  private final Set<Integer> stopIds = new HashSet<>();

  private Generator(CausalModel model, TextTokenizer tokenizer, GenerationOptions options) {
    this.model = Objects.requireNonNull(model, "model");
    this.tokenizer = tokenizer;
    this.options = Objects.requireNonNull(options, "options");
    if (options.stopIds().isPresent()) {
      Arrays.stream(options.stopIds().get()).forEach(stopIds::add);
    } else if (tokenizer != null) {
      Arrays.stream(tokenizer.endOfTextIds()).forEach(stopIds::add);
      Arrays.stream(model.endOfTextIds()).forEach(stopIds::add);
    }
  }

  /** A generator of token ids, without text. */
  public static Generator of(CausalModel model, GenerationOptions options) {
    return new Generator(model, null, options);
  }

  /** A generator of text. */
  public static Generator of(
      CausalModel model, TextTokenizer tokenizer, GenerationOptions options) {
    return new Generator(model, Objects.requireNonNull(tokenizer, "tokenizer"), options);
  }

  /**
   * Continues texts.
   *
   * @param prompts at least one
   * @return prompts × samples, all samples of the first prompt first
   * @throws InvalidArgumentException if there is no tokenizer, or as {@link #continueIds}, like the
   *     others there
   */
  public List<Generation> continueTexts(List<String> prompts, Steering steering) {
    return continueIds(encode(prompts), steering);
  }

  /**
   * Continues token ids.
   *
   * @param prompts {@code [prompts][length]}, each at least one id; lengths may differ
   * @return prompts × samples, all samples of the first prompt first
   * @throws InvalidArgumentException if there is no prompt or an empty one, or the steering does
   *     not fit the model
   * @throws org.snmf4j.onnx.TokenizerMismatchException if an id is not in the model's vocabulary
   * @throws org.snmf4j.onnx.ContextOverflowException if a prompt is longer than the model's context
   * @throws CancelledException if the caller cancelled
   * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails or the model's logits are NaN
   */
  public List<Generation> continueIds(int[][] prompts, Steering steering) {
    return compareIds(prompts, List.of(steering)).get(0);
  }

  /** As {@link #compareIds}, for texts. */
  public List<List<Generation>> compareTexts(List<String> prompts, List<Steering> steerings) {
    return compareIds(encode(prompts), steerings);
  }

  /**
   * Continues token ids under several steerings side by side, for instance {@link Steering#NONE},
   * +α and −α. Sample s draws the same random numbers under each of them.
   *
   * @param prompts as for {@link #continueIds}, like the errors
   * @param steerings at least one
   * @return per steering: prompts × samples, all samples of the first prompt first. A listener's
   *     sequence is the index in these lists joined.
   */
  public List<List<Generation>> compareIds(int[][] prompts, List<Steering> steerings) {
    if (prompts.length == 0) {
      throw new InvalidArgumentException("prompts", "empty", "at least one prompt");
    }
    if (steerings.isEmpty()) {
      throw new InvalidArgumentException("steerings", "empty", "at least one steering");
    }
    model.check(prompts, steerings);
    List<Row> rows = new ArrayList<>();
    for (Steering steering : steerings) {
      for (int prompt = 0; prompt < prompts.length; prompt++) {
        for (int sample = 0; sample < options.samples(); sample++) {
          rows.add(new Row(rows.size(), prompt, sample, prompts[prompt], steering, options));
        }
      }
    }
    Generation[] results = new Generation[rows.size()];
    options.progress().progress(0, results.length);
    int done = 0;
    for (int from = 0; from < rows.size(); from += options.maxParallel()) {
      int to = Math.min(rows.size(), from + options.maxParallel());
      done = run(rows.subList(from, to), results, done);
    }
    List<List<Generation>> grouped = new ArrayList<>();
    int each = prompts.length * options.samples();
    for (int i = 0; i < steerings.size(); i++) {
      grouped.add(List.of(results).subList(i * each, (i + 1) * each));
    }
    return grouped;
  }

  private int run(List<Row> rows, Generation[] results, int doneBefore) {
    int done = doneBefore;
    int context = model.contextLength().orElse(Integer.MAX_VALUE);
    requireNotCancelled(done, results.length);
    List<Row> active = rows;
    try (Decoding decoding =
        model.decode(
            rows.stream().map(Row::ids).toArray(int[][]::new),
            rows.stream().map(Row::steering).toList())) {
      while (true) {
        List<Row> kept = new ArrayList<>();
        int[] places = new int[active.size()];
        for (int i = 0; i < active.size(); i++) {
          Row row = active.get(i);
          FinishReason finish = row.grow(decoding.logits(i), stopIds, tokenizer, context);
          if (finish == null) {
            places[kept.size()] = i;
            kept.add(row);
          } else {
            results[row.sequence()] = row.finished(finish, tokenizer);
            options.progress().progress(++done, results.length);
          }
        }
        if (kept.isEmpty()) {
          return done;
        }
        requireNotCancelled(done, results.length);
        decoding.advance(
            Arrays.copyOf(places, kept.size()), kept.stream().mapToInt(Row::lastId).toArray());
        active = kept;
      }
    }
  }

  private int[][] encode(List<String> prompts) {
    if (tokenizer == null) {
      throw new InvalidArgumentException("tokenizer", null, "given with texts");
    }
    return prompts.stream().map(tokenizer::encodePrompt).toArray(int[][]::new);
  }

  private void requireNotCancelled(int done, int total) {
    if (options.cancelled().getAsBoolean()) {
      throw new CancelledException(
          "the generation was cancelled; " + done + " of " + total + " sequences were finished");
    }
  }
}
