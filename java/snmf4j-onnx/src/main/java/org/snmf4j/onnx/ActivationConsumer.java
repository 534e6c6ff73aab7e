package org.snmf4j.onnx;

import org.snmf4j.onnx.activations.TokenTable;

/**
 * Takes the activations of an extraction as the model computes them, so that an application can
 * encode or pack them without holding them all.
 *
 * <p>Called on the extracting thread. What it throws ends the extraction and reaches the caller.
 */
@FunctionalInterface
public interface ActivationConsumer {
  /**
   * Hears of all tokens, once, before the model runs; does nothing by default.
   *
   * @param tokens the n tokens that are kept, in the order of the input
   */
  default void begin(TokenTable tokens) {}

  /**
   * Takes the activations of neighbouring tokens of a sentence. Every kept token comes once for
   * each site and layer; sentences come by length, not in the order of the input.
   */
  void accept(ActivationBlock block);
}
