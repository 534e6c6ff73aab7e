package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Replaces calls of a model's own functions by the functions' nodes.
 *
 * <p>Some exporters write every module of the original as a function, nested as the modules were;
 * sites then lie inside the functions, where no output can be declared.
 */
final class FunctionInliner {
  /** Functions cannot call themselves; a model in which they do would never end. */
  private static final int MAX_DEPTH = 64;

  /** Far above any real model; functions that call others twice each grow without bound. */
  private static final int MAX_NODES = 5_000_000;

  private final Map<String, FunctionProto> functions = new HashMap<>();
  private final List<NodeProto> nodes = new ArrayList<>();
  private final String root;
  private int calls;

  private FunctionInliner(ModelProto model) {
    model
        .getFunctionsList()
        .forEach(
            function -> functions.put(key(function.getDomain(), function.getName()), function));
    root = root(model.getGraph());
  }

  /**
   * The model without functions; the same object if it has none.
   *
   * @throws IllegalArgumentException if functions call each other in a circle
   */
  static ModelProto inline(ModelProto model) {
    if (model.getFunctionsCount() == 0) {
      return model;
    }
    FunctionInliner inliner = new FunctionInliner(model);
    for (NodeProto node : model.getGraph().getNodeList()) {
      inliner.add(node, 0);
    }
    ModelProto.Builder inlined = model.toBuilder().clearFunctions();
    inlined.getGraphBuilder().clearNode().addAllNode(inliner.nodes);
    Map<String, OperatorSetIdProto> sets = new LinkedHashMap<>();
    model.getOpsetImportList().forEach(set -> sets.put(set.getDomain(), set));
    for (FunctionProto function : model.getFunctionsList()) {
      function.getOpsetImportList().forEach(set -> sets.putIfAbsent(set.getDomain(), set));
    }
    return inlined.clearOpsetImport().addAllOpsetImport(sets.values()).build();
  }

  private static String key(String domain, String name) {
    return (domain.equals("ai.onnx") ? "" : domain) + ":" + name;
  }

  private static Set<String> names(GraphProto graph) {
    Set<String> names = new HashSet<>();
    graph.getInputList().forEach(input -> names.add(input.getName()));
    graph.getInitializerList().forEach(initializer -> names.add(initializer.getName()));
    graph.getNodeList().forEach(node -> names.addAll(node.getOutputList()));
    return names;
  }

  private void add(NodeProto node, int depth) {
    FunctionProto function = functions.get(key(node.getDomain(), node.getOpType()));
    if (function == null) {
      if (nodes.size() == MAX_NODES) {
        throw new IllegalArgumentException(
            "its functions call each other for more than " + MAX_NODES + " nodes");
      }
      nodes.add(node);
      return;
    }
    if (depth == MAX_DEPTH) {
      throw new IllegalArgumentException(
          "function '" + function.getName() + "' is nested more than " + MAX_DEPTH + " deep");
    }
    Map<String, String> tensors = new HashMap<>();
    for (int i = 0; i < function.getInputCount(); i++) {
      tensors.put(function.getInput(i), i < node.getInputCount() ? node.getInput(i) : "");
    }
    String prefix = root + calls++ + "/" + function.getName() + "/";
    for (int i = 0; i < function.getOutputCount(); i++) {
      String formal = function.getOutput(i);
      String actual = i < node.getOutputCount() ? node.getOutput(i) : "";
      if (actual.isEmpty()) {
        continue;
      }
      if (tensors.containsKey(formal)) {
        // An input that is handed through.
        nodes.add(identity(tensors.get(formal), actual));
      } else {
        tensors.put(formal, actual);
      }
    }
    Map<String, AttributeProto> attributes = new HashMap<>();
    function.getAttributeProtoList().forEach(value -> attributes.put(value.getName(), value));
    node.getAttributeList().forEach(value -> attributes.put(value.getName(), value));
    for (NodeProto inner : function.getNodeList()) {
      add(renamed(inner, tensors, attributes, prefix), depth + 1);
    }
  }

  /** A start of names that no tensor of the graph has. */
  private static String root(GraphProto graph) {
    Set<String> names = names(graph);
    String root = "inlined";
    while (startsAny(names, root + "/")) {
      root += "_";
    }
    return root + "/";
  }

  private static boolean startsAny(Set<String> names, String start) {
    return names.stream().anyMatch(name -> name.startsWith(start));
  }

  private static NodeProto identity(String from, String to) {
    return NodeProto.newBuilder().setOpType("Identity").addInput(from).addOutput(to).build();
  }

  private static NodeProto renamed(
      NodeProto node,
      Map<String, String> tensors,
      Map<String, AttributeProto> attributes,
      String prefix) {
    NodeProto.Builder renamed = node.toBuilder().clearInput().clearOutput().clearAttribute();
    if (!node.getName().isEmpty()) {
      renamed.setName(prefix + node.getName());
    }
    node.getInputList().forEach(input -> renamed.addInput(rename(input, tensors, prefix)));
    node.getOutputList().forEach(output -> renamed.addOutput(rename(output, tensors, prefix)));
    for (AttributeProto attribute : node.getAttributeList()) {
      AttributeProto actual = attribute;
      if (!attribute.getRefAttrName().isEmpty()) {
        AttributeProto given = attributes.get(attribute.getRefAttrName());
        if (given == null) {
          continue;
        }
        actual = given.toBuilder().setName(attribute.getName()).build();
      } else if (attribute.hasG() || attribute.getGraphsCount() > 0) {
        actual = inSubgraphs(attribute, tensors, attributes, prefix);
      }
      renamed.addAttribute(actual);
    }
    return renamed.build();
  }

  private static AttributeProto inSubgraphs(
      AttributeProto attribute,
      Map<String, String> tensors,
      Map<String, AttributeProto> attributes,
      String prefix) {
    AttributeProto.Builder changed = attribute.toBuilder();
    if (attribute.hasG()) {
      changed.setG(renamed(attribute.getG(), tensors, attributes, prefix));
    }
    for (int i = 0; i < attribute.getGraphsCount(); i++) {
      changed.setGraphs(i, renamed(attribute.getGraphs(i), tensors, attributes, prefix));
    }
    return changed.build();
  }

  private static GraphProto renamed(
      GraphProto graph,
      Map<String, String> tensors,
      Map<String, AttributeProto> attributes,
      String prefix) {
    GraphProto.Builder renamed = graph.toBuilder().clearNode().clearValueInfo();
    for (ValueInfoProto.Builder input : renamed.getInputBuilderList()) {
      input.setName(rename(input.getName(), tensors, prefix));
    }
    for (ValueInfoProto.Builder output : renamed.getOutputBuilderList()) {
      output.setName(rename(output.getName(), tensors, prefix));
    }
    for (TensorProto.Builder initializer : renamed.getInitializerBuilderList()) {
      initializer.setName(rename(initializer.getName(), tensors, prefix));
    }
    for (NodeProto node : graph.getNodeList()) {
      renamed.addNode(renamed(node, tensors, attributes, prefix));
    }
    return renamed.build();
  }

  private static String rename(String name, Map<String, String> tensors, String prefix) {
    if (name.isEmpty()) {
      return name;
    }
    return tensors.computeIfAbsent(name, inner -> prefix + inner);
  }
}
