package org.snmf4j.onnx.graph;

import org.snmf4j.onnx.activations.Site;

/**
 * A site of a transformer block whose activations are to be changed.
 *
 * @param site where in the block
 * @param layer 0-based index of the block
 */
public record SteeredSite(Site site, int layer) {}
