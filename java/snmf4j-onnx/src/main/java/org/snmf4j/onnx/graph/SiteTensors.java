package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes tensors readable as floats with a row per token: those of quantized operators are
 * dequantized, those of convolutions turned so that the channels come last.
 */
final class SiteTensors {
  private static final String PREFIX = "snmf4j/";

  private final GraphIndex index;

  SiteTensors(GraphIndex index) {
    this.index = index;
  }

  /**
   * @param tensor activations
   * @param rank 0 if they lie along the last axis; else the number of axes of a tensor in which
   *     they lie along axis 1
   * @param width how many there are
   */
  SiteTensor of(String tensor, int rank, long width) {
    List<NodeProto> added = new ArrayList<>();
    String name = tensor;
    Node quantized = quantizer(tensor);
    if (quantized != null) {
      name = PREFIX + tensor + "/float";
      int scale = scaleInput(quantized);
      NodeProto.Builder node = node("DequantizeLinear", name).addInput(tensor);
      node.addInput(quantized.input(scale));
      if (!quantized.input(scale + 1).isEmpty()) {
        node.addInput(quantized.input(scale + 1));
      }
      added.add(node.build());
    }
    if (rank > 0) {
      String turned = PREFIX + tensor + "/rows";
      AttributeProto.Builder perm =
          AttributeProto.newBuilder()
              .setName("perm")
              .setType(AttributeProto.AttributeType.INTS)
              .addInts(0);
      for (int axis = 2; axis < rank; axis++) {
        perm.addInts(axis);
      }
      perm.addInts(1);
      added.add(node("Transpose", turned).addInput(name).addAttribute(perm).build());
      name = turned;
      if (rank > 3) {
        name = PREFIX + tensor + "/tokens";
        String shape = name + "/shape";
        added.add(constant(shape, 0, -1, width));
        added.add(node("Reshape", name).addInput(turned).addInput(shape).build());
      }
    }
    return new SiteTensor(name, List.copyOf(added));
  }

  /** Two tensors' sum, for fused operators that keep it to themselves. */
  static NodeProto sum(String left, String right, String result) {
    return node("Add", result).addInput(left).addInput(right).build();
  }

  private static NodeProto.Builder node(String op, String output) {
    return NodeProto.newBuilder().setOpType(op).setName(output).addOutput(output);
  }

  private static NodeProto constant(String name, long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setDataType(TensorProto.DataType.INT64.getNumber())
            .addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    return node("Constant", name)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("value")
                .setType(AttributeProto.AttributeType.TENSOR)
                .setT(tensor))
        .build();
  }

  /** The operator on integers whose result a tensor is, in whichever shape; null if on floats. */
  private Node quantizer(String tensor) {
    Node producer = index.producer(tensor);
    while (producer != null && Operators.isReshaping(producer)) {
      producer = index.producer(producer.input(0));
    }
    boolean integers = producer != null && scaleInput(producer) >= 0;
    return integers && !producer.input(scaleInput(producer)).isEmpty() ? producer : null;
  }

  /** Which input is the scale of the result; its zero point follows. Negative on floats. */
  private static int scaleInput(Node node) {
    return switch (node.op()) {
      case "QuantizeLinear" -> 1;
      case "QLinearMatMul", "QLinearAdd", "QLinearMul", "QLinearConv" -> 6;
      case "QGemm" -> 7;
      case "QLinearConcat" -> 0;
      default -> node.op().startsWith("QLinear") ? 3 : -1;
    };
  }
}
