package org.snmf4j.onnx.activations;

import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/**
 * Activations of one site of one layer, A {@code [d, n]}, with the table of their n tokens.
 *
 * <p>Owns the matrix: {@link #close()} closes it. Reading is safe from several threads.
 */
public final class ActivationSet implements AutoCloseable {
  private final Site site;
  private final int layer;
  private final Matrix tokenMajor;
  private final TokenTable tokens;

  /**
   * @param site where the activations were taken
   * @param layer 0-based index of the transformer block
   * @param tokenMajor {@code [n, d]}, a row per token; owned by the set from now on
   * @param tokens the n tokens
   */
  public ActivationSet(Site site, int layer, Matrix tokenMajor, TokenTable tokens) {
    if (tokenMajor.rows() != tokens.size()) {
      throw new InvalidArgumentException(
          "tokens",
          tokens.size() + " tokens",
          "as many as the activations (" + tokenMajor.rows() + ")");
    }
    this.site = site;
    this.layer = layer;
    this.tokenMajor = tokenMajor;
    this.tokens = tokens;
  }

  /** Where the activations were taken. */
  public Site site() {
    return site;
  }

  /** 0-based index of the transformer block. */
  public int layer() {
    return layer;
  }

  /** A, {@code [d, n]}: a column per token. A view; lives as long as this set. */
  public Matrix matrix() {
    return tokenMajor.transpose();
  }

  /** The n tokens, one per column of {@link #matrix()}. */
  public TokenTable tokens() {
    return tokens;
  }

  @Override
  public void close() {
    tokenMajor.close();
  }
}
