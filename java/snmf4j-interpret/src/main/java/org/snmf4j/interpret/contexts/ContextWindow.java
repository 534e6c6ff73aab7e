package org.snmf4j.interpret.contexts;

import java.util.ArrayList;
import java.util.List;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.TokenTable;

/** Cuts contexts out of sentences. */
final class ContextWindow {
  private final TokenTable tokens;
  private final Matrix coefficients;
  private final int width;

  ContextWindow(TokenTable tokens, Matrix coefficients, int width) {
    this.tokens = tokens;
    this.coefficients = coefficients;
    this.width = width;
  }

  /** The tokens around {@code token}, no further than its sentence reaches. */
  Context around(int feature, int token) {
    int first = token;
    while (token - first < width && isSameSentence(first - 1, token)) {
      first--;
    }
    int last = token;
    while (last - token < width && isSameSentence(last + 1, token)) {
      last++;
    }
    double[] values = new double[last - first + 1];
    coefficients.readRow(feature, first, values, 0, values.length);
    return new Context(
        token,
        values[token - first],
        tokens.sentence(token),
        tokens.position(token),
        tokens.label(token),
        !isSameSentence(first - 1, token),
        !isSameSentence(last + 1, token),
        token - first,
        read(first, token, values));
  }

  private List<ContextToken> read(int first, int focus, double[] values) {
    List<ContextToken> context = new ArrayList<>(values.length);
    int shown = -1;
    for (int token = first; token < first + values.length; token++) {
      String gap = token == first ? "" : " ";
      String text;
      if (TokenText.isInSentence(tokens, token)) {
        // Tokens that are bytes of one character share its span. The focus shows it, or the first.
        int from = Math.max(tokens.start(token), token == focus ? 0 : shown);
        int to = tokens.end(token);
        if (token < focus && TokenText.isInSentence(tokens, focus)) {
          to = Math.min(to, tokens.start(focus));
        }
        text = from < to ? sentence(token).substring(from, to) : "";
        // Some tokenizers count the space before a word to the word.
        int space = leadingSpace(text);
        if (token > first) {
          gap = shown >= 0 && from > shown ? sentence(token).substring(shown, from) : "";
        }
        gap += text.substring(0, space);
        text = text.substring(space);
        shown = Math.max(shown, to);
      } else {
        text = TokenText.of(tokens, token);
      }
      context.add(new ContextToken(gap, text, tokens.id(token), values[token - first]));
    }
    return context;
  }

  private String sentence(int token) {
    return tokens.sentences().get(tokens.sentence(token)).text();
  }

  /** Length of the white space before a text, 0 where there is nothing else. */
  private static int leadingSpace(String text) {
    int length = text.length() - text.stripLeading().length();
    return length < text.length() ? length : 0;
  }

  private boolean isSameSentence(int other, int token) {
    return other >= 0 && other < tokens.size() && tokens.sentence(other) == tokens.sentence(token);
  }
}
