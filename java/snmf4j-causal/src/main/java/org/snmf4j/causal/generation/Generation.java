package org.snmf4j.causal.generation;

import java.util.Arrays;

/**
 * A generated sequence. Arrays must not be changed.
 *
 * @param prompt 0-based index of its prompt
 * @param sample 0-based index among the samples of its prompt
 * @param ids all token ids, prompt included, and the one that ended the text if one did
 * @param promptLength how many of them are the prompt
 * @param text the whole text without special tokens, prompt included; null without a tokenizer
 * @param finish why it ended
 */
public record Generation(
    int prompt, int sample, int[] ids, int promptLength, String text, FinishReason finish) {

  /** The ids after the prompt. */
  public int[] newIds() {
    return Arrays.copyOfRange(ids, promptLength, ids.length);
  }
}
