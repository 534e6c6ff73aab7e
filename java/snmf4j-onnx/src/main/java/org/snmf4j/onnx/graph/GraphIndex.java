package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who produces and who consumes which tensor, and which tensors are constant. */
final class GraphIndex {
  private final List<Node> nodes;
  private final Map<String, Node> producers = new HashMap<>();
  private final Map<String, List<Node>> consumers = new HashMap<>();
  private final Map<String, TensorProto> initializers = new HashMap<>();
  private final Set<String> inputs = new LinkedHashSet<>();
  private final Set<String> outputs = new LinkedHashSet<>();
  private final Set<String> constants = new HashSet<>();
  private final Map<String, ValueInfoProto> declared = new HashMap<>();

  /**
   * @throws IllegalArgumentException if a tensor is produced twice or never, or the graph has a
   *     cycle; the message says where
   */
  GraphIndex(GraphProto graph) {
    for (TensorProto initializer : graph.getInitializerList()) {
      initializers.put(initializer.getName(), initializer);
      constants.add(initializer.getName());
    }
    graph.getSparseInitializerList().forEach(sparse -> constants.add(sparse.getValues().getName()));
    for (ValueInfoProto input : graph.getInputList()) {
      if (!constants.contains(input.getName())) {
        inputs.add(input.getName());
      }
    }
    graph.getOutputList().forEach(output -> outputs.add(output.getName()));
    graph.getValueInfoList().forEach(info -> declared.put(info.getName(), info));
    List<Node> unsorted = new ArrayList<>(graph.getNodeCount());
    for (NodeProto proto : graph.getNodeList()) {
      Node node = new Node(proto);
      unsorted.add(node);
      for (String output : node.outputs()) {
        if (!output.isEmpty() && producers.put(output, node) != null) {
          throw new IllegalArgumentException("tensor '" + output + "' is produced twice");
        }
      }
    }
    for (Node node : unsorted) {
      for (String input : used(node)) {
        consumers.computeIfAbsent(input, name -> new ArrayList<>(2)).add(node);
      }
    }
    nodes = sorted(unsorted);
    for (String output : outputs) {
      if (!isDefined(output)) {
        throw new IllegalArgumentException("output '" + output + "' is produced by no node");
      }
    }
    nodes.forEach(this::foldConstant);
  }

  /** All nodes, each after those whose tensors it reads. */
  List<Node> nodes() {
    return nodes;
  }

  /** The node that writes a tensor, or null for an input or an initializer. */
  Node producer(String tensor) {
    return producers.get(tensor);
  }

  List<Node> consumers(String tensor) {
    return consumers.getOrDefault(tensor, List.of());
  }

  /** Names of inputs that a caller must feed. */
  Set<String> inputs() {
    return inputs;
  }

  /** Whether a tensor is there at all. */
  boolean isDefined(String tensor) {
    return producers.containsKey(tensor)
        || inputs.contains(tensor)
        || initializers.containsKey(tensor)
        || constants.contains(tensor);
  }

  /** Whether a tensor is the same in every run. */
  boolean isConstant(String tensor) {
    return constants.contains(tensor);
  }

  /** Whether a tensor is there and depends on the inputs. */
  boolean isDynamic(String tensor) {
    return !tensor.isEmpty() && !constants.contains(tensor);
  }

  TensorProto initializer(String name) {
    return initializers.get(name);
  }

  /** What the graph says about a tensor's type and shape, or null. */
  ValueInfoProto declared(String tensor) {
    return declared.get(tensor);
  }

  /** Inputs of a node that depend on the model's inputs. */
  List<String> dynamicInputs(Node node) {
    return node.inputs().stream().filter(this::isDynamic).toList();
  }

  static boolean hasSubgraphs(Node node) {
    return node.proto().getAttributeList().stream()
        .anyMatch(attribute -> attribute.hasG() || attribute.getGraphsCount() > 0);
  }

  /** Everything that a node reads, what its subgraphs take from outside included. */
  static Set<String> used(Node node) {
    Set<String> names = new LinkedHashSet<>(node.inputs());
    for (AttributeProto attribute : node.proto().getAttributeList()) {
      if (attribute.hasG()) {
        captured(attribute.getG(), names);
      }
      attribute.getGraphsList().forEach(graph -> captured(graph, names));
    }
    names.remove("");
    return names;
  }

  private static void captured(GraphProto graph, Collection<String> names) {
    Set<String> own = new HashSet<>();
    graph.getInputList().forEach(input -> own.add(input.getName()));
    graph.getInitializerList().forEach(initializer -> own.add(initializer.getName()));
    graph.getNodeList().forEach(node -> own.addAll(node.getOutputList()));
    Set<String> all = new LinkedHashSet<>();
    graph.getNodeList().forEach(node -> all.addAll(used(new Node(node))));
    graph.getOutputList().forEach(output -> all.add(output.getName()));
    all.removeAll(own);
    names.addAll(all);
  }

  private List<Node> sorted(List<Node> unsorted) {
    Map<Node, Integer> missing = new LinkedHashMap<>();
    ArrayDeque<Node> ready = new ArrayDeque<>();
    boolean inOrder = true;
    Set<String> seen = new HashSet<>();
    for (Node node : unsorted) {
      int count = 0;
      for (String input : used(node)) {
        if (producers.containsKey(input)) {
          count++;
          inOrder &= seen.contains(input);
        } else if (!isDefined(input)) {
          throw new IllegalArgumentException(
              "node '" + node + "' reads tensor '" + input + "', which nothing produces");
        }
      }
      seen.addAll(node.outputs());
      missing.put(node, count);
      if (count == 0) {
        ready.add(node);
      }
    }
    if (inOrder) {
      return List.copyOf(unsorted);
    }
    List<Node> order = new ArrayList<>(unsorted.size());
    while (!ready.isEmpty()) {
      Node node = ready.remove();
      order.add(node);
      for (String output : node.outputs()) {
        for (Node consumer : consumers(output)) {
          if (missing.merge(consumer, -1, Integer::sum) == 0) {
            ready.add(consumer);
          }
        }
      }
    }
    if (order.size() < unsorted.size()) {
      throw new IllegalArgumentException("the graph has a cycle");
    }
    return order;
  }

  private void foldConstant(Node node) {
    boolean random = node.op().startsWith("Random") || node.op().equals("Multinomial");
    if (hasSubgraphs(node) || random) {
      return;
    }
    boolean constant =
        node.op().equals("Constant")
            || (!node.inputs().isEmpty()
                && node.inputs().stream()
                    .allMatch(input -> input.isEmpty() || constants.contains(input)));
    if (constant) {
      node.outputs().stream().filter(output -> !output.isEmpty()).forEach(constants::add);
    }
  }
}
