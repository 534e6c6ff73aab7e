package org.snmf4j.onnx;

import org.snmf4j.onnx.activations.Site;

/**
 * A site of a transformer block.
 *
 * @param site where in the block
 * @param layer 0-based index of the block
 */
record SiteLayer(Site site, int layer) {}
