package org.snmf4j.onnx.graph;

import org.snmf4j.onnx.activations.Site;

/**
 * A place where a graph changes its activations x to {@code keep * x + shift}.
 *
 * <p>Both inputs are float32 in every model and both must be fed in every run; their rows are the
 * batch's sequences. Shift 0 and keep 1 change nothing; keep 0 replaces the activations.
 *
 * @param site where in the block
 * @param layer 0-based index of the block
 * @param shiftInput name of the graph's input {@code [rows, 1, width]}
 * @param keepInput name of the graph's input {@code [rows, 1, 1]}
 * @param width d of the site
 */
public record SteeringPoint(Site site, int layer, String shiftInput, String keepInput, int width) {}
