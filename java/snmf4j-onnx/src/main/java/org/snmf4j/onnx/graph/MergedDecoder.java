package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Takes the branch without a cache out of a decoder that was merged of two.
 *
 * <p>Optimum can merge the decoder that starts a sequence with the one that continues it from a
 * cache into the branches of one {@code If}, chosen by the input {@code use_cache_branch}. No
 * tensor inside a branch can be an output of the model. The branch that continues may have been
 * traced for single tokens, whose attention needs no mask, so that only the other one is right for
 * whole sequences.
 */
final class MergedDecoder {
  private static final String CHOICE = "use_cache_branch";

  private MergedDecoder() {}

  /**
   * The model with the branch for a false {@value #CHOICE} in place of the {@code If}, without the
   * inputs that only the other branch reads; the same object if it has no such {@code If}.
   */
  static ModelProto withoutCache(ModelProto model) {
    GraphProto graph = model.getGraph();
    boolean chosen =
        graph.getInputList().stream().anyMatch(input -> input.getName().equals(CHOICE));
    if (!chosen || graph.getNodeList().stream().noneMatch(MergedDecoder::chooses)) {
      return model;
    }
    GraphProto.Builder flat = graph.toBuilder().clearNode();
    for (NodeProto node : graph.getNodeList()) {
      if (chooses(node)) {
        add(flat, node);
      } else {
        flat.addNode(node);
      }
    }
    Set<String> before = read(graph.getNodeList());
    Set<String> after = read(flat.getNodeList());
    flat.clearInput();
    for (ValueInfoProto input : graph.getInputList()) {
      if (!before.contains(input.getName()) || after.contains(input.getName())) {
        flat.addInput(input);
      }
    }
    return model.toBuilder().setGraph(flat).build();
  }

  private static boolean chooses(NodeProto node) {
    return node.getOpType().equals("If")
        && node.getInputCount() == 1
        && node.getInput(0).equals(CHOICE);
  }

  private static void add(GraphProto.Builder flat, NodeProto choice) {
    GraphProto branch =
        choice.getAttributeList().stream()
            .filter(attribute -> attribute.getName().equals("else_branch"))
            .map(AttributeProto::getG)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("an If has no else_branch"));
    if (branch.getOutputCount() < choice.getOutputCount()) {
      throw new IllegalArgumentException(
          "the else_branch of an If has "
              + branch.getOutputCount()
              + " outputs instead of "
              + choice.getOutputCount());
    }
    flat.addAllInitializer(branch.getInitializerList());
    flat.addAllSparseInitializer(branch.getSparseInitializerList());
    flat.addAllQuantizationAnnotation(branch.getQuantizationAnnotationList());
    flat.addAllValueInfo(branch.getValueInfoList());
    flat.addAllNode(branch.getNodeList());
    for (int i = 0; i < choice.getOutputCount(); i++) {
      String from = branch.getOutput(i).getName();
      if (!choice.getOutput(i).isEmpty() && !choice.getOutput(i).equals(from)) {
        flat.addNode(
            NodeProto.newBuilder()
                .setOpType("Identity")
                .addInput(from)
                .addOutput(choice.getOutput(i)));
      }
    }
  }

  private static Set<String> read(List<NodeProto> nodes) {
    Set<String> names = new HashSet<>();
    nodes.forEach(node -> names.addAll(GraphIndex.used(new Node(node))));
    return names;
  }
}
