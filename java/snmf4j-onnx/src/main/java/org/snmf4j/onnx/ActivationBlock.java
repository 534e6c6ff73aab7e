package org.snmf4j.onnx;

import java.nio.FloatBuffer;
import org.snmf4j.onnx.activations.Site;

/**
 * Activations of neighbouring tokens at one site of one layer.
 *
 * @param site where in the block
 * @param layer 0-based index of the block
 * @param firstToken index of the first token in the extraction's token table
 * @param tokens how many there are, at least 1
 * @param dimension d, values per token
 * @param values read only, {@code [tokens, d]} from position 0 to the limit; valid until the
 *     consumer returns
 */
public record ActivationBlock(
    Site site, int layer, int firstToken, int tokens, int dimension, FloatBuffer values) {}
