package org.snmf4j.causal.generation;

import java.util.Arrays;
import org.snmf4j.onnx.text.TextTokenizer;

/** Turns tokens into text piece by piece, never showing half a character. */
final class TextStream {
  private static final char INCOMPLETE = '\uFFFD';

  /**
   * How many tokens of the prompt go before the first new one, so that spaces between tokens come
   * out as inside a text and not as at its start.
   */
  private static final int CONTEXT = 6;

  private final TextTokenizer tokenizer;
  private int[] ids;
  private int size;
  private int from;
  private int shown;

  TextStream(TextTokenizer tokenizer, int[] prompt) {
    this.tokenizer = tokenizer;
    this.ids = Arrays.copyOf(prompt, prompt.length + 64);
    this.size = prompt.length;
    this.shown = size;
    this.from = Math.max(0, size - CONTEXT);
  }

  /** Adds a token and returns the text that is complete now. */
  String add(int id) {
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, size * 2);
    }
    ids[size++] = id;
    String text = text(from, size);
    if (!text.isEmpty() && text.charAt(text.length() - 1) == INCOMPLETE) {
      return "";
    }
    return show(text);
  }

  /** The rest, which no later token can complete. */
  String end() {
    return shown == size ? "" : show(text(from, size));
  }

  private String show(String text) {
    String before = text(from, shown);
    int same = 0;
    while (same < Math.min(before.length(), text.length())
        && before.charAt(same) == text.charAt(same)) {
      same++;
    }
    String piece = text.substring(same);
    if (!piece.isEmpty()) {
      from = shown;
    }
    shown = size;
    return piece;
  }

  private String text(int start, int end) {
    return tokenizer.decode(Arrays.copyOfRange(ids, start, end));
  }
}
