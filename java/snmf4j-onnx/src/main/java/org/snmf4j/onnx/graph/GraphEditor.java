package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes tensors inside a graph its outputs. The graph that is edited stays as it is. */
public final class GraphEditor {
  private GraphEditor() {}

  /**
   * The model with the given tensors as its only outputs. Nodes, weights and inputs that they do
   * not need are cut away.
   */
  public static ModelProto cut(ModelGraph graph, Collection<SiteTensor> tensors) {
    return edit(graph, tensors, false);
  }

  /** The whole model with the given tensors as outputs after its own. */
  public static ModelProto expose(ModelGraph graph, Collection<SiteTensor> tensors) {
    return edit(graph, tensors, true);
  }

  private static ModelProto edit(
      ModelGraph graph, Collection<SiteTensor> tensors, boolean keepOutputs) {
    GraphProto original = graph.proto().getGraph();
    Map<String, NodeProto> added = new LinkedHashMap<>();
    Set<String> wanted = new LinkedHashSet<>();
    if (keepOutputs) {
      original.getOutputList().forEach(output -> wanted.add(output.getName()));
    }
    for (SiteTensor tensor : tensors) {
      tensor.added().forEach(node -> added.put(node.getOutput(0), node));
      wanted.add(tensor.name());
    }

    Set<String> needed = new HashSet<>(wanted);
    added.values().forEach(node -> needed.addAll(node.getInputList()));
    Set<Node> kept = needed(graph.index(), needed);

    GraphProto.Builder cut = original.toBuilder();
    cut.clearNode()
        .clearInitializer()
        .clearSparseInitializer()
        .clearInput()
        .clearOutput()
        .clearValueInfo()
        .clearQuantizationAnnotation();
    graph.index().nodes().stream().filter(kept::contains).map(Node::proto).forEach(cut::addNode);
    added.values().forEach(cut::addNode);
    original.getInitializerList().stream()
        .filter(initializer -> needed.contains(initializer.getName()))
        .forEach(cut::addInitializer);
    original.getSparseInitializerList().stream()
        .filter(initializer -> needed.contains(initializer.getValues().getName()))
        .forEach(cut::addSparseInitializer);
    original.getInputList().stream()
        .filter(input -> keepOutputs || needed.contains(input.getName()))
        .forEach(cut::addInput);
    Map<String, ValueInfoProto> known = new HashMap<>();
    original.getValueInfoList().forEach(info -> known.put(info.getName(), info));
    original.getOutputList().forEach(info -> known.put(info.getName(), info));
    for (String name : wanted) {
      // ONNX Runtime infers the type where the model does not say it.
      cut.addOutput(known.getOrDefault(name, ValueInfoProto.newBuilder().setName(name).build()));
    }
    original.getValueInfoList().stream()
        .filter(info -> needed.contains(info.getName()) && !wanted.contains(info.getName()))
        .forEach(cut::addValueInfo);
    original.getQuantizationAnnotationList().stream()
        .filter(annotation -> needed.contains(annotation.getTensorName()))
        .forEach(cut::addQuantizationAnnotation);
    return graph.proto().toBuilder().setGraph(cut).build();
  }

  /** Nodes on which {@code tensors} depend; everything they read is added to {@code tensors}. */
  private static Set<Node> needed(GraphIndex index, Set<String> tensors) {
    Set<Node> nodes = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(List.copyOf(tensors));
    while (!open.isEmpty()) {
      Node producer = index.producer(open.remove());
      if (producer != null && nodes.add(producer)) {
        for (String input : GraphIndex.used(producer)) {
          if (tensors.add(input)) {
            open.add(input);
          }
        }
      }
    }
    return nodes;
  }
}
