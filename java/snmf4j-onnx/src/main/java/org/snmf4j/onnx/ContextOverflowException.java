package org.snmf4j.onnx;

import org.snmf4j.error.SnmfException;

/** A sentence has more tokens than the model has positions. */
public class ContextOverflowException extends SnmfException {
  private static final long serialVersionUID = 1L;

  private final int sentence;
  private final int tokens;
  private final int limit;

  /**
   * @param sentence 0-based index of the sentence
   * @param tokens how many tokens it has, special tokens counted
   * @param limit how many the model takes
   */
  public ContextOverflowException(int sentence, int tokens, int limit) {
    super(
        "sentence "
            + sentence
            + " has "
            + tokens
            + " tokens but the model takes at most "
            + limit
            + "; shorten it, or extract with truncation");
    this.sentence = sentence;
    this.tokens = tokens;
    this.limit = limit;
  }

  /** 0-based index of the sentence. */
  public int sentence() {
    return sentence;
  }

  /** How many tokens it has, special tokens counted. */
  public int tokens() {
    return tokens;
  }

  /** How many the model takes. */
  public int limit() {
    return limit;
  }
}
