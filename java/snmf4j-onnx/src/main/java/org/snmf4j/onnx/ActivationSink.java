package org.snmf4j.onnx;

import java.nio.FloatBuffer;

/** Takes activations as they come. */
@FunctionalInterface
interface ActivationSink {
  /**
   * Takes the activations of neighbouring tokens.
   *
   * @param first index of the first token among all kept ones
   * @param values token by token; not to be kept
   * @param at where the first token's values start
   * @param count number of tokens
   */
  void accept(SiteLayer key, int dimension, int first, FloatBuffer values, int at, int count);
}
