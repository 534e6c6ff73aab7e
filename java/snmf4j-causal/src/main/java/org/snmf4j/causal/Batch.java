package org.snmf4j.causal;

/** Sequences that run together. For use by one thread. */
interface Batch extends AutoCloseable {
  /** Logits of the token after a row's last one, {@code [vocabulary]}; a copy. */
  float[] logits(int row);

  /**
   * Adds a token to some rows and drops the others.
   *
   * @param rows those that stay, ascending; they become rows 0, 1, …
   * @param ids a token for each
   */
  void advance(int[] rows, int[] ids);

  @Override
  void close();
}
