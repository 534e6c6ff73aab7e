package org.snmf4j.causal.generation;

/** Hears of every token as it is generated, on the generating thread. */
@FunctionalInterface
public interface TokenListener {
  /**
   * A new token. Sequences that run side by side take turns; the tokens of each come in order.
   *
   * @param sequence the sequence's index in the result
   * @param id the token
   * @param text what the token adds to the text: empty while its last character is incomplete or if
   *     the token is a special one; null without a tokenizer. A sequence's pieces, joined, are its
   *     text after the prompt.
   */
  void token(int sequence, int id, String text);
}
