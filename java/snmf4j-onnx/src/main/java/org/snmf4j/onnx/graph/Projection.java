package org.snmf4j.onnx.graph;

import org.snmf4j.onnx.graph.Constants.StoredMatrix;

/**
 * A product with a constant matrix, in whichever form an exporter or optimizer wrote it.
 *
 * @param node the node that multiplies
 * @param input the float tensor that is multiplied, {@code [..., rows]}
 * @param output the float tensor that results, {@code [..., columns]}
 * @param weight the matrix
 * @param activated whether the node applies a non-linearity afterwards
 */
record Projection(Node node, String input, String output, StoredMatrix weight, boolean activated) {}
