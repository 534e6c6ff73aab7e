package org.snmf4j.causal.generation;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.snmf4j.causal.Steering;
import org.snmf4j.onnx.text.TextTokenizer;

/** A sequence while it grows. */
final class Row {
  private final int sequence;
  private final int prompt;
  private final int sample;
  private final Steering steering;
  private final GenerationOptions options;
  private final SplittableRandom random;
  private final Map<Integer, Integer> counts = new HashMap<>();
  private final int promptLength;
  private int[] ids;
  private int size;
  private TextStream text;

  Row(
      int sequence,
      int prompt,
      int sample,
      int[] promptIds,
      Steering steering,
      GenerationOptions options) {
    this.sequence = sequence;
    this.prompt = prompt;
    this.sample = sample;
    this.steering = steering;
    this.options = options;
    this.random = new SplittableRandom(options.seed() + sample);
    this.ids = promptIds.clone();
    this.size = promptIds.length;
    this.promptLength = promptIds.length;
  }

  int[] ids() {
    return Arrays.copyOf(ids, size);
  }

  int lastId() {
    return ids[size - 1];
  }

  Steering steering() {
    return steering;
  }

  /**
   * Chooses the next token, adds it and tells the listener.
   *
   * @param logits {@code [vocabulary]}
   * @param tokenizer null without text
   * @param context longest sequence
   * @return why the sequence ends with it, or null if it goes on
   */
  FinishReason grow(float[] logits, Set<Integer> stopIds, TextTokenizer tokenizer, int context) {
    int id =
        options.isSampling()
            ? Candidates.of(logits, counts, options).at(random.nextDouble())
            : Candidates.mostProbable(logits, counts, options);
    if (tokenizer != null && text == null) {
      text = new TextStream(tokenizer, ids());
    }
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, size + Math.max(16, size / 2));
    }
    ids[size++] = id;
    counts.merge(id, 1, Integer::sum);
    FinishReason finish = finish(stopIds, context);
    String piece = null;
    if (text != null) {
      piece = text.add(id);
      piece = finish == null ? piece : piece + text.end();
    }
    options.listener().token(sequence, id, piece);
    return finish;
  }

  private FinishReason finish(Set<Integer> stopIds, int context) {
    if (stopIds.contains(lastId())) {
      return FinishReason.STOP;
    }
    if (size - promptLength >= options.maxNewTokens()) {
      return FinishReason.LENGTH;
    }
    return size >= context ? FinishReason.CONTEXT : null;
  }

  Generation finished(FinishReason reason, TextTokenizer tokenizer) {
    int[] all = ids();
    String whole = tokenizer == null ? null : tokenizer.decode(all);
    return new Generation(prompt, sample, all, promptLength, whole, reason);
  }

  int sequence() {
    return sequence;
  }
}
