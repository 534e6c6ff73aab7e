package org.snmf4j.onnx.llama2c;

/**
 * Sizes of a Llama model, as a checkpoint's header gives them.
 *
 * @param width width of the residual stream; a multiple of {@code heads}
 * @param neurons width of the MLP's hidden layer
 * @param layers number of blocks
 * @param heads attention heads
 * @param keyValueHeads heads of keys and values, each shared by {@code heads / keyValueHeads} query
 *     heads
 * @param vocabulary number of tokens
 * @param context longest sequence
 * @param tied whether the token embeddings are the output weights as well
 */
public record Llama2cShape(
    int width,
    int neurons,
    int layers,
    int heads,
    int keyValueHeads,
    int vocabulary,
    int context,
    boolean tied) {

  /** Width of one head. */
  public int headWidth() {
    return width / heads;
  }

  /** Width of all key heads together, and of all value heads. */
  int keyValueWidth() {
    return headWidth() * keyValueHeads;
  }
}
