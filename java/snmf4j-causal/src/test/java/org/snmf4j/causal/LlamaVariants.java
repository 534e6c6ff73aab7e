package org.snmf4j.causal;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.platform.Fp16Conversions;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The model {@code llama-cache} as other tools would write it. What PyTorch computed for the
 * original holds for all of them, up to their rounding.
 */
final class LlamaVariants {
  private static final int LAYERS = 3;
  private static final int HEADS = 4;
  private static final int KEY_HEADS = 2;
  private static final int HEAD_SIZE = 8;
  private static final int WIDE_HEAD = 16;
  private static final int POSITIONS = 64;

  private LlamaVariants() {}

  private static ModelProto original() {
    try {
      return ModelProto.parseFrom(Files.readAllBytes(Fixtures.file("llama-cache")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path write(Path directory, String name, ModelProto.Builder model) {
    try {
      return Files.write(directory.resolve(name + ".onnx"), model.build().toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Everything that was float32, the cache and the logits included, in half precision. */
  static Path half(Path directory) {
    ModelProto.Builder model = original().toBuilder();
    GraphProto.Builder graph = model.getGraphBuilder();
    graph.getInitializerBuilderList().forEach(LlamaVariants::narrow);
    for (NodeProto.Builder node : graph.getNodeBuilderList()) {
      for (AttributeProto.Builder attribute : node.getAttributeBuilderList()) {
        if (attribute.hasT()) {
          narrow(attribute.getTBuilder());
        } else if (attribute.getName().equals("to")
            && attribute.getI() == DataType.FLOAT.getNumber()) {
          attribute.setI(DataType.FLOAT16.getNumber());
        }
      }
    }
    List<ValueInfoProto.Builder> ends = new ArrayList<>(graph.getInputBuilderList());
    ends.addAll(graph.getOutputBuilderList());
    for (ValueInfoProto.Builder end : ends) {
      TypeProto.Tensor.Builder type = end.getTypeBuilder().getTensorTypeBuilder();
      if (type.getElemType() == DataType.FLOAT.getNumber()) {
        type.setElemType(DataType.FLOAT16.getNumber());
      }
    }
    return write(directory, "half", model);
  }

  private static void narrow(TensorProto.Builder tensor) {
    if (tensor.getDataType() != DataType.FLOAT.getNumber()) {
      return;
    }
    float[] values = floats(tensor);
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putShort(Fp16Conversions.floatToFp16(Math.max(-65504, Math.min(65504, value))));
    }
    tensor.setDataType(DataType.FLOAT16.getNumber()).setRawData(ByteString.copyFrom(bytes.flip()));
  }

  private static float[] floats(TensorProto.Builder tensor) {
    float[] values = new float[tensor.getRawData().size() / Float.BYTES];
    tensor
        .getRawData()
        .asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    return values;
  }

  /** ONNX Runtime's dynamic quantization: 8 bits for weights, and for what they multiply. */
  static Path dynamicallyQuantized(Path directory) {
    ModelProto.Builder model = original().toBuilder();
    GraphProto.Builder graph = model.getGraphBuilder();
    Map<String, TensorProto> weights = new LinkedHashMap<>();
    graph.getInitializerList().forEach(weight -> weights.put(weight.getName(), weight));
    List<NodeProto> nodes = graph.getNodeList();
    graph.clearNode();
    for (NodeProto node : nodes) {
      TensorProto weight =
          node.getOpType().equals("MatMul") ? weights.remove(node.getInput(1)) : null;
      if (weight == null) {
        graph.addNode(node);
        continue;
      }
      float[] values = floats(weight.toBuilder());
      float largest = 0;
      for (float value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
      byte[] steps = new byte[values.length];
      for (int i = 0; i < steps.length; i++) {
        steps[i] = (byte) Math.round(values[i] / largest * 127);
      }
      String name = weight.getName();
      graph.addInitializer(
          TensorProto.newBuilder()
              .setName(name + "_quantized")
              .addAllDims(weight.getDimsList())
              .setDataType(DataType.INT8.getNumber())
              .setRawData(ByteString.copyFrom(steps)));
      graph.addInitializer(
          TensorProto.newBuilder()
              .setName(name + "_zero_point")
              .setDataType(DataType.INT8.getNumber())
              .setRawData(ByteString.copyFrom(new byte[1])));
      graph.addInitializer(
          TensorProto.newBuilder()
              .setName(name + "_scale")
              .setDataType(DataType.FLOAT.getNumber())
              .addFloatData(largest / 127));
      String out = node.getOutput(0);
      graph.addNode(
          node("DynamicQuantizeLinear", List.of(node.getInput(0)))
              .addOutput(out + "_x")
              .addOutput(out + "_x_scale")
              .addOutput(out + "_x_zero"));
      graph.addNode(
          node(
                  "MatMulInteger",
                  List.of(out + "_x", name + "_quantized", out + "_x_zero", name + "_zero_point"))
              .addOutput(out + "_sum"));
      graph.addNode(
          node("Cast", List.of(out + "_sum"))
              .addOutput(out + "_float")
              .addAttribute(integer("to", DataType.FLOAT.getNumber())));
      graph.addNode(
          node("Mul", List.of(out + "_x_scale", name + "_scale")).addOutput(out + "_scale"));
      graph.addNode(node("Mul", List.of(out + "_float", out + "_scale")).addOutput(out));
    }
    for (int i = graph.getInitializerCount() - 1; i >= 0; i--) {
      String name = graph.getInitializer(i).getName();
      if (name.startsWith("onnx::MatMul") && !name.matches(".*_(quantized|zero_point|scale)")) {
        graph.removeInitializer(i);
      }
    }
    return write(directory, "int8", model);
  }

  /** Optimum's merged decoder: one branch that starts, one that continues from a cache. */
  static Path merged(Path directory) {
    ModelProto.Builder model = original().toBuilder();
    GraphProto whole = model.getGraph();
    GraphProto.Builder starting =
        whole.toBuilder().clearInput().clearInitializer().clearNode().clearOutput();
    String batch = "start/batch";
    starting.addNode(node("Shape", List.of("input_ids")).addOutput("start/shape"));
    starting.addInitializer(integers("start/zero", 0));
    starting.addInitializer(integers("start/rest", KEY_HEADS, 0, HEAD_SIZE));
    starting.addNode(node("Gather", List.of("start/shape", "start/zero")).addOutput(batch));
    starting.addNode(
        node("Concat", List.of(batch, "start/rest"))
            .addOutput("start/empty")
            .addAttribute(integer("axis", 0)));
    Set<String> shared = new HashSet<>(List.of("input_ids", "attention_mask", "position_ids"));
    whole.getInitializerList().forEach(weight -> shared.add(weight.getName()));
    for (int layer = 0; layer < LAYERS; layer++) {
      for (String part : List.of("key", "value")) {
        starting.addNode(
            node("ConstantOfShape", List.of("start/empty"))
                .addOutput("start/past_key_values." + layer + "." + part));
      }
    }
    add(starting, whole, shared, "start/");
    GraphProto.Builder continuing =
        whole.toBuilder().clearInput().clearInitializer().clearNode().clearOutput();
    whole.getInputList().forEach(input -> shared.add(input.getName()));
    add(continuing, whole, shared, "continue/");
    GraphProto.Builder merged =
        GraphProto.newBuilder()
            .setName("merged")
            .addAllInput(whole.getInputList())
            .addAllOutput(whole.getOutputList())
            .addAllInitializer(whole.getInitializerList());
    TensorShapeProto.Builder one =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(1));
    merged.addInput(
        ValueInfoProto.newBuilder()
            .setName("use_cache_branch")
            .setType(
                TypeProto.newBuilder()
                    .setTensorType(
                        TypeProto.Tensor.newBuilder()
                            .setElemType(DataType.BOOL.getNumber())
                            .setShape(one))));
    NodeProto.Builder choice =
        node("If", List.of("use_cache_branch"))
            .addAttribute(branch("then_branch", continuing))
            .addAttribute(branch("else_branch", starting));
    whole.getOutputList().forEach(output -> choice.addOutput(output.getName()));
    return write(directory, "merged", model.setGraph(merged.addNode(choice)));
  }

  private static void add(
      GraphProto.Builder branch, GraphProto whole, Set<String> shared, String prefix) {
    for (NodeProto node : whole.getNodeList()) {
      NodeProto.Builder copy = node.toBuilder().clearInput().clearOutput();
      node.getInputList()
          .forEach(
              name ->
                  copy.addInput(shared.contains(name) || name.isEmpty() ? name : prefix + name));
      node.getOutputList().forEach(name -> copy.addOutput(prefix + name));
      branch.addNode(copy.setName(prefix + node.getName()));
    }
    for (ValueInfoProto output : whole.getOutputList()) {
      branch.addOutput(output.toBuilder().setName(prefix + output.getName()));
    }
  }

  private static AttributeProto branch(String name, GraphProto.Builder graph) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(graph)
        .build();
  }

  /**
   * The attention of ONNX Runtime's generative builder: one operator, positions counted in it. Its
   * heads must be wider, so that each gets zeros between its values.
   */
  static Path groupedQuery(Path directory) {
    ModelProto.Builder model = original().toBuilder();
    GraphProto.Builder graph = model.getGraphBuilder();
    List<NodeProto> before = new ArrayList<>();
    // As the builder counts: the last token's index per row, and the longest row.
    graph.addInitializer(integers("axis_one", 1));
    graph.addInitializer(integers("one", 1).toBuilder().clearDims().build());
    before.add(
        node("ReduceSum", List.of("attention_mask", "axis_one"))
            .addOutput("tokens")
            .addAttribute(integer("keepdims", 0))
            .build());
    before.add(node("Sub", List.of("tokens", "one")).addOutput("last").build());
    before.add(node("Shape", List.of("attention_mask")).addOutput("mask_shape").build());
    before.add(node("Gather", List.of("mask_shape", "one")).addOutput("longest").build());
    for (String name : List.of("last", "longest")) {
      before.add(
          node("Cast", List.of(name))
              .addOutput(name + "32")
              .addAttribute(integer("to", DataType.INT32.getNumber()))
              .build());
    }
    graph.addInitializer(angles("cosines", true)).addInitializer(angles("sines", false));
    List<NodeProto> nodes = new ArrayList<>(before);
    for (NodeProto node : graph.getNodeList()) {
      for (int layer = 0; layer < LAYERS; layer++) {
        String own = "/m/model/layers." + layer + "/self_attn/";
        for (String part : List.of("q", "k", "v")) {
          if (node.getOutputList().contains(own + part + "_proj/MatMul_output_0")) {
            widen(graph, node.getInput(1), true);
          }
        }
        if (node.getOutputList().contains(own + "o_proj/MatMul_output_0")) {
          widen(graph, node.getInput(1), false);
          nodes.add(attention(layer, own));
          node = node.toBuilder().setInput(0, own + "grouped").build();
        }
      }
      // The old names of the cache that leaves the model.
      NodeProto.Builder copy = node.toBuilder().clearOutput();
      node.getOutputList()
          .forEach(name -> copy.addOutput(name.startsWith("present.") ? "old/" + name : name));
      nodes.add(copy.build());
    }
    Set<String> needed = new HashSet<>();
    graph.getOutputList().forEach(output -> needed.add(output.getName()));
    graph.clearNode();
    List<NodeProto> kept = new ArrayList<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      if (nodes.get(i).getOutputList().stream().anyMatch(needed::contains)) {
        kept.add(0, nodes.get(i));
        needed.addAll(nodes.get(i).getInputList());
      }
    }
    graph.addAllNode(kept);
    for (int i = graph.getInputCount() - 1; i >= 0; i--) {
      if (!needed.contains(graph.getInput(i).getName())) {
        graph.removeInput(i);
      }
    }
    List<ValueInfoProto.Builder> ends = new ArrayList<>(graph.getInputBuilderList());
    ends.addAll(graph.getOutputBuilderList());
    for (ValueInfoProto.Builder end : ends) {
      if (end.getName().startsWith("past") || end.getName().startsWith("present")) {
        TypeProto.Tensor.Builder type = end.getTypeBuilder().getTensorTypeBuilder();
        type.getShapeBuilder().getDimBuilder(3).setDimValue(WIDE_HEAD);
      }
    }
    model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("com.microsoft").setVersion(1));
    return write(directory, "grouped", model);
  }

  /** Zeros behind the columns, or the rows, of every half of a head of a weight. */
  private static void widen(GraphProto.Builder graph, String name, boolean columns) {
    TensorProto.Builder weight =
        graph.getInitializerBuilderList().stream()
            .filter(tensor -> tensor.getName().equals(name))
            .findFirst()
            .orElseThrow();
    float[] values = floats(weight);
    int width = (int) weight.getDims(1);
    int wide = columns ? width / HEAD_SIZE * WIDE_HEAD : width;
    int rows = (int) weight.getDims(0);
    int high = columns ? rows : rows / HEAD_SIZE * WIDE_HEAD;
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * wide * high).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < width; j++) {
        int row = columns ? i : widened(i);
        int column = columns ? widened(j) : j;
        bytes.putFloat(Float.BYTES * (row * wide + column), values[i * width + j]);
      }
    }
    weight.setDims(0, high).setDims(1, wide).setRawData(ByteString.copyFrom(bytes));
  }

  /** Rotation turns values that lie half a head apart, so each half gets its zeros. */
  private static int widened(int index) {
    int half = index / (HEAD_SIZE / 2);
    return half * (WIDE_HEAD / 2) + index % (HEAD_SIZE / 2);
  }

  private static NodeProto attention(int layer, String own) {
    return node(
            "GroupQueryAttention",
            List.of(
                own + "q_proj/MatMul_output_0",
                own + "k_proj/MatMul_output_0",
                own + "v_proj/MatMul_output_0",
                "past_key_values." + layer + ".key",
                "past_key_values." + layer + ".value",
                "last32",
                "longest32",
                "cosines",
                "sines"))
        .setDomain("com.microsoft")
        .addOutput(own + "grouped")
        .addOutput("present." + layer + ".key")
        .addOutput("present." + layer + ".value")
        .addAttribute(integer("num_heads", HEADS))
        .addAttribute(integer("kv_num_heads", KEY_HEADS))
        .addAttribute(integer("do_rotary", 1))
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("scale")
                .setType(AttributeProto.AttributeType.FLOAT)
                .setF((float) (1 / Math.sqrt(HEAD_SIZE))))
        .build();
  }

  private static TensorProto angles(String name, boolean cosine) {
    TensorProto.Builder table =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.FLOAT.getNumber())
            .addDims(POSITIONS)
            .addDims(WIDE_HEAD / 2);
    for (int position = 0; position < POSITIONS; position++) {
      for (int i = 0; i < WIDE_HEAD / 2; i++) {
        double angle = position * Math.pow(10000, -2.0 * i / HEAD_SIZE);
        table.addFloatData((float) (cosine ? Math.cos(angle) : Math.sin(angle)));
      }
    }
    return table.build();
  }

  private static NodeProto.Builder node(String op, List<String> inputs) {
    return NodeProto.newBuilder().setOpType(op).addAllInput(inputs);
  }

  private static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static TensorProto integers(String name, long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.INT64.getNumber())
            .addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    return tensor.build();
  }
}
