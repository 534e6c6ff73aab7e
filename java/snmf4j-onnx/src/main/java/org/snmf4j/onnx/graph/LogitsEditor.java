package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Makes a causal model return the logits of chosen tokens only, of one per row.
 *
 * <p>Where it can, it chooses the tokens before the product with the vocabulary's matrix, which
 * then costs one token per row instead of all.
 */
public final class LogitsEditor {
  /**
   * Input, int64 {@code [rows, 1]}: where the wanted token of each row is among all tokens, row ·
   * length + place in the row.
   */
  public static final String POSITIONS = "snmf4j/logits/positions";

  /** Output, float32 {@code [rows, 1, vocabulary]}. */
  public static final String OUTPUT = "snmf4j/logits";

  private static final Set<String> ELEMENTWISE =
      Set.of("Identity", "Cast", "Tanh", "Mul", "Div", "Add", "Sub");

  private LogitsEditor() {}

  /**
   * The model with {@link #OUTPUT} instead of its logits.
   *
   * @param model whole, perhaps edited before
   * @param logits the output to replace, {@code [rows, length, vocabulary]}
   */
  public static ModelProto choose(ModelProto model, String logits) {
    GraphProto graph = model.getGraph();
    GraphIndex index = new GraphIndex(graph);
    ValueInfoProto output =
        graph.getOutputList().stream()
            .filter(info -> info.getName().equals(logits))
            .findFirst()
            .orElseThrow();
    TypeProto.Tensor type = output.getType().getTensorType();
    Set<String> shortened = new HashSet<>();
    Node head = type.getShape().getDimCount() == 3 ? head(index, logits, shortened) : null;
    boolean wantedWhole =
        graph.getOutputList().stream()
            .anyMatch(info -> info != output && shortened.contains(info.getName()));
    if (head == null || wantedWhole) {
      head = null;
      shortened.clear();
    }

    GraphProto.Builder edited = graph.toBuilder().clearNode().clearOutput().clearValueInfo();
    for (Node node : index.nodes()) {
      NodeProto.Builder copy = node.proto().toBuilder();
      if (node == head) {
        choose(edited, node.input(0), OUTPUT + "/hidden");
        copy.setInput(0, OUTPUT + "/hidden");
      }
      edited.addNode(copy);
    }
    String chosen = logits;
    if (head == null) {
      chosen = OUTPUT + "/chosen";
      choose(edited, logits, chosen);
    }
    edited.addNode(
        NodeProto.newBuilder()
            .setOpType("Cast")
            .setName(OUTPUT)
            .addInput(chosen)
            .addOutput(OUTPUT)
            .addAttribute(integer("to", DataType.FLOAT.getNumber())));
    // Lengths stated for tensors after the choice are no longer true.
    graph.getValueInfoList().stream()
        .filter(info -> !shortened.contains(info.getName()))
        .forEach(edited::addValueInfo);
    graph.getOutputList().stream()
        .filter(info -> !info.getName().equals(logits))
        .forEach(edited::addOutput);
    edited.addOutput(ValueInfoProto.newBuilder().setName(OUTPUT));
    edited.addInput(positions());
    return model.toBuilder().setGraph(edited).build();
  }

  /**
   * The product with the vocabulary's matrix, if everything between it and the logits works token
   * by token and is read by nobody else.
   *
   * @param after takes the names of the tensors from the product on
   */
  private static Node head(GraphIndex index, String logits, Set<String> after) {
    String tensor = logits;
    while (true) {
      Node node = index.producer(tensor);
      int readers = index.consumers(tensor).size();
      if (node == null || readers > (tensor.equals(logits) ? 0 : 1)) {
        return null;
      }
      after.add(tensor);
      if (node.op().equals("MatMul")) {
        boolean weight = index.isConstant(node.input(1)) && index.isDynamic(node.input(0));
        return weight ? node : null;
      }
      List<String> dynamic = node.inputs().stream().filter(index::isDynamic).toList();
      if (!ELEMENTWISE.contains(node.op()) || dynamic.size() != 1) {
        return null;
      }
      tensor = dynamic.get(0);
    }
  }

  /** Adds nodes that choose rows of {@code tensor [rows, length, d]}: {@code [rows, 1, d]}. */
  private static void choose(GraphProto.Builder graph, String tensor, String result) {
    String flat = result + "/flat";
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Flatten")
            .setName(flat)
            .addInput(tensor)
            .addOutput(flat)
            .addAttribute(integer("axis", 2)));
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Gather")
            .setName(result)
            .addInput(flat)
            .addInput(POSITIONS)
            .addOutput(result)
            .addAttribute(integer("axis", 0)));
  }

  private static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static ValueInfoProto positions() {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("snmf4j_rows"));
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(1));
    return ValueInfoProto.newBuilder()
        .setName(POSITIONS)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(DataType.INT64.getNumber())
                        .setShape(shape)))
        .build();
  }
}
