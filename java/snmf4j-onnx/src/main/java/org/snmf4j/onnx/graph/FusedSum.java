package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.NodeProto;

/**
 * An operator of ONNX Runtime that adds two tensors, perhaps a bias, and takes the norm of the sum,
 * in a graph that is being edited.
 */
record FusedSum(NodeProto.Builder node) {
  private static final int TOTAL = 3;

  /** The node as such an operator, or null if it is none. */
  static FusedSum of(NodeProto.Builder node) {
    return Operators.isSkipNorm(new Node(node.build())) ? new FusedSum(node) : null;
  }

  /** Whether a tensor is the sum itself rather than its norm. */
  boolean isTotal(String tensor) {
    return node.getOutputCount() > TOTAL && node.getOutput(TOTAL).equals(tensor);
  }

  /** Name of the bias, or the empty string. */
  String bias() {
    int index = biasIndex();
    return index < node.getInputCount() ? node.getInput(index) : "";
  }

  int indexOf(String tensor) {
    return node.getInput(0).equals(tensor) ? 0 : 1;
  }

  /**
   * Takes the bias out of the operator.
   *
   * @return input {@code index} with the bias added, by a node before the operator; the input
   *     itself if there is no bias
   */
  String withBias(int index, GraphDraft draft) {
    String input = node.getInput(index);
    String bias = bias();
    if (bias.isEmpty()) {
      return input;
    }
    String sum = draft.fresh(input + "/biased");
    draft.before(node, GraphDraft.node("Add", sum, input, bias));
    dropBias();
    return sum;
  }

  void dropBias() {
    if (!bias().isEmpty()) {
      node.setInput(biasIndex(), "");
    }
  }

  private int biasIndex() {
    return node.getOpType().equals("SkipLayerNormalization") ? 4 : 3;
  }
}
