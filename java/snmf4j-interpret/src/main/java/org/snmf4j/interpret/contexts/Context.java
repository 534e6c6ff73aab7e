package org.snmf4j.interpret.contexts;

import java.util.List;

/**
 * One of a feature's strongest tokens with the tokens around it.
 *
 * @param token index of the strongest token: its column in the activations
 * @param coefficient the feature's coefficient at that token, above 0
 * @param sentence index of its sentence in the data set
 * @param position its position in the model's input, special tokens counted
 * @param label its sentence's label, or null
 * @param startsSentence whether the context begins where the sentence's tokens begin
 * @param endsSentence whether the context ends where the sentence's tokens end
 * @param focus index of the strongest token in {@code tokens}
 * @param tokens the context's tokens in reading order, never empty
 */
public record Context(
    int token,
    double coefficient,
    int sentence,
    int position,
    String label,
    boolean startsSentence,
    boolean endsSentence,
    int focus,
    List<ContextToken> tokens) {
  public Context {
    tokens = List.copyOf(tokens);
  }

  /** The strongest token as it stands in the sentence. */
  public String focusText() {
    return tokens.get(focus).text();
  }

  /** The context as one line of text. */
  public String text() {
    StringBuilder text = new StringBuilder();
    for (ContextToken token : tokens) {
      text.append(token.gap()).append(token.text());
    }
    return text.toString();
  }
}
