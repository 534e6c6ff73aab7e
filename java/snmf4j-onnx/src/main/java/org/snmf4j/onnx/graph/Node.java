package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.List;
import java.util.Optional;

/** A node of a graph, with identity instead of the protobuf's costly deep equality. */
final class Node {
  private final NodeProto proto;
  private final List<String> inputs;
  private final List<String> outputs;

  Node(NodeProto proto) {
    this.proto = proto;
    this.inputs = List.copyOf(proto.getInputList());
    this.outputs = List.copyOf(proto.getOutputList());
  }

  NodeProto proto() {
    return proto;
  }

  /** Operator name; domains are left out, since namesakes compute the same. */
  String op() {
    return proto.getOpType();
  }

  List<String> inputs() {
    return inputs;
  }

  List<String> outputs() {
    return outputs;
  }

  /** Input at {@code index}, or the empty string if it was left out. */
  String input(int index) {
    return index < inputs.size() ? inputs.get(index) : "";
  }

  /** Output at {@code index}, or the empty string if it was left out. */
  String output(int index) {
    return index < outputs.size() ? outputs.get(index) : "";
  }

  Optional<AttributeProto> attribute(String name) {
    return proto.getAttributeList().stream()
        .filter(attribute -> attribute.getName().equals(name))
        .findFirst();
  }

  long integer(String name, long otherwise) {
    return attribute(name).map(AttributeProto::getI).orElse(otherwise);
  }

  @Override
  public String toString() {
    return op() + inputs + " -> " + outputs;
  }
}
