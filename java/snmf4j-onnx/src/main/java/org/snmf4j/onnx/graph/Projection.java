package org.snmf4j.onnx.graph;

import org.snmf4j.onnx.graph.Constants.StoredMatrix;

/**
 * A product with a constant matrix, in whichever form an exporter or optimizer wrote it.
 *
 * @param node the node that multiplies
 * @param input the tensor that is multiplied, {@code [..., rows]}; of floats unless the operator
 *     before it computes on integers
 * @param output the tensor that results, {@code [..., columns]}
 * @param weight the matrix
 * @param activated whether the node applies a non-linearity afterwards
 * @param rank 0, but for convolutions the number of axes of input and output, of which axis 1 is
 *     that of the rows and columns
 */
record Projection(
    Node node, String input, String output, StoredMatrix weight, boolean activated, int rank) {

  Projection(Node node, String input, String output, StoredMatrix weight, boolean activated) {
    this(node, input, output, weight, activated, 0);
  }
}
