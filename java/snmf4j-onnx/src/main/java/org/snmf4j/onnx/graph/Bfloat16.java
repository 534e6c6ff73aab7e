package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;

/**
 * Lets models in bfloat16 compute in float32.
 *
 * <p>ONNX Runtime has hardly any operators for bfloat16 on processors. The weights stay as they are
 * stored, in external data too, and are cast when a session is made; inputs, outputs and all
 * between them become float32, whose values contain those of bfloat16.
 */
final class Bfloat16 {
  private static final int NARROW = DataType.BFLOAT16.getNumber();
  private static final int WIDE = DataType.FLOAT.getNumber();

  private Bfloat16() {}

  /** The model in float32; the same object if it has no bfloat16. */
  static ModelProto widened(ModelProto model) {
    GraphProto graph = model.getGraph();
    return uses(graph) ? model.toBuilder().setGraph(widened(graph)).build() : model;
  }

  private static boolean uses(GraphProto graph) {
    return graph.getInitializerList().stream().anyMatch(value -> value.getDataType() == NARROW)
        || graph.getInputList().stream().anyMatch(Bfloat16::isNarrow)
        || graph.getOutputList().stream().anyMatch(Bfloat16::isNarrow)
        || graph.getNodeList().stream().anyMatch(Bfloat16::uses);
  }

  private static boolean uses(NodeProto node) {
    return node.getAttributeList().stream()
        .anyMatch(
            attribute ->
                castsTo(node, attribute)
                    || attribute.hasT() && attribute.getT().getDataType() == NARROW
                    || attribute.hasG() && uses(attribute.getG()));
  }

  private static boolean castsTo(NodeProto node, AttributeProto attribute) {
    return node.getOpType().equals("Cast")
        && attribute.getName().equals("to")
        && attribute.getI() == NARROW;
  }

  private static boolean isNarrow(ValueInfoProto info) {
    return info.getType().getTensorType().getElemType() == NARROW;
  }

  private static GraphProto widened(GraphProto graph) {
    GraphProto.Builder wide = graph.toBuilder().clearNode();
    for (TensorProto.Builder weight : wide.getInitializerBuilderList()) {
      if (weight.getDataType() == NARROW) {
        String name = weight.getName();
        weight.setName(name + "/bfloat16");
        wide.addNode(
            NodeProto.newBuilder()
                .setOpType("Cast")
                .setName(name)
                .addInput(weight.getName())
                .addOutput(name)
                .addAttribute(
                    AttributeProto.newBuilder()
                        .setName("to")
                        .setType(AttributeProto.AttributeType.INT)
                        .setI(WIDE)));
      }
    }
    wide.getInputBuilderList().forEach(Bfloat16::widen);
    wide.getOutputBuilderList().forEach(Bfloat16::widen);
    wide.getValueInfoBuilderList().forEach(Bfloat16::widen);
    graph.getNodeList().forEach(node -> wide.addNode(uses(node) ? widened(node) : node));
    return wide.build();
  }

  private static void widen(ValueInfoProto.Builder info) {
    if (info.getType().getTensorType().getElemType() == NARROW) {
      info.getTypeBuilder().getTensorTypeBuilder().setElemType(WIDE);
    }
  }

  private static NodeProto widened(NodeProto node) {
    NodeProto.Builder wide = node.toBuilder();
    for (AttributeProto.Builder attribute : wide.getAttributeBuilderList()) {
      if (castsTo(node, attribute.build())) {
        attribute.setI(WIDE);
      } else if (attribute.hasT() && attribute.getT().getDataType() == NARROW) {
        attribute.setT(widened(attribute.getT()));
      } else if (attribute.hasG()) {
        attribute.setG(widened(attribute.getG()));
      }
    }
    return wide.build();
  }

  /** A small constant inside a node; its values are the upper halves of floats. */
  private static TensorProto widened(TensorProto narrow) {
    TensorProto.Builder wide = narrow.toBuilder().setDataType(WIDE).clearInt32Data();
    ByteString raw = narrow.getRawData();
    for (int bits : narrow.getInt32DataList()) {
      wide.addFloatData(Float.intBitsToFloat(bits << 16));
    }
    if (!raw.isEmpty()) {
      byte[] bytes = new byte[2 * raw.size()];
      for (int i = 0; i + 1 < raw.size(); i += 2) {
        bytes[2 * i + 2] = raw.byteAt(i);
        bytes[2 * i + 3] = raw.byteAt(i + 1);
      }
      wide.setRawData(ByteString.copyFrom(bytes));
    }
    return wide.build();
  }
}
