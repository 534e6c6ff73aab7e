package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.ModelFormatException;

/** Models whose modules are functions of their own, as some exporters write them. */
class FunctionInliningTest {
  private static final String DOMAIN = "modules";

  @TempDir Path directory;

  /** Moves every stretch of nodes into a function, and that into another one. */
  private static ModelProto modular(ModelProto model, int stretch) {
    GraphProto graph = model.getGraph();
    GraphProto.Builder outer = graph.toBuilder().clearNode().clearValueInfo();
    List<FunctionProto> functions = new ArrayList<>();
    Set<String> outputs = new HashSet<>();
    graph.getOutputList().forEach(output -> outputs.add(output.getName()));
    for (int from = 0; from < graph.getNodeCount(); from += stretch) {
      int to = Math.min(from + stretch, graph.getNodeCount());
      List<NodeProto> nodes = graph.getNodeList().subList(from, to);
      Set<String> made = new LinkedHashSet<>();
      nodes.forEach(node -> made.addAll(node.getOutputList()));
      made.remove("");
      Set<String> read = new LinkedHashSet<>();
      nodes.forEach(node -> read.addAll(node.getInputList()));
      read.removeAll(made);
      read.remove("");
      Set<String> later = new HashSet<>(outputs);
      graph
          .getNodeList()
          .subList(to, graph.getNodeCount())
          .forEach(node -> later.addAll(node.getInputList()));
      made.retainAll(later);
      FunctionProto inner = function("Inner" + from, read, made, nodes);
      functions.add(inner);
      functions.add(function("Outer" + from, read, made, List.of(call(inner, read, made))));
      outer.addNode(call(functions.get(functions.size() - 1), read, made));
    }
    return model.toBuilder()
        .setIrVersion(Math.max(8, model.getIrVersion()))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(DOMAIN).setVersion(1))
        .addAllFunctions(
            functions.stream()
                .map(
                    function ->
                        function.toBuilder()
                            .addAllOpsetImport(model.getOpsetImportList())
                            .addOpsetImport(
                                OperatorSetIdProto.newBuilder().setDomain(DOMAIN).setVersion(1))
                            .build())
                .toList())
        .setGraph(outer)
        .build();
  }

  private static FunctionProto function(
      String name, Set<String> inputs, Set<String> outputs, List<NodeProto> nodes) {
    return FunctionProto.newBuilder()
        .setName(name)
        .setDomain(DOMAIN)
        .addAllInput(inputs)
        .addAllOutput(outputs)
        .addAllNode(nodes)
        .build();
  }

  private static NodeProto call(FunctionProto function, Set<String> inputs, Set<String> outputs) {
    return NodeProto.newBuilder()
        .setOpType(function.getName())
        .setDomain(DOMAIN)
        .addAllInput(inputs)
        .addAllOutput(outputs)
        .build();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 60})
  void sitesInsideFunctions(int stretch) throws IOException {
    ModelProto plain =
        ModelProto.parseFrom(Files.readAllBytes(TestModels.model("llama-torchscript")));
    Path file = GraphBuilder.write(directory.resolve("modular.onnx"), modular(plain, stretch));
    try (OnnxModel model = OnnxModel.open(file);
        SafeTensors truth = TestModels.truth("llama-torchscript")) {
      assertEquals(3, model.layers());
      assertEquals(97, model.vocabularySize().orElseThrow());
      SiteParityTest.assertMatches(model, truth, 2e-4);
    }
  }

  /** A graph that calls one function twice, with an attribute and without. */
  private ModelProto callingTwice(NodeProto body) {
    GraphBuilder graph = GraphBuilder.ofTokens();
    String x = graph.node("Gather", graph.weight(20, 4), "input_ids");
    ModelProto model = graph.model("second");
    FunctionProto function =
        function("Softer", Set.of("x"), Set.of("y"), List.of(body)).toBuilder()
            .addAttributeProto(GraphBuilder.integer("direction", -1))
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .build();
    NodeProto first =
        call(function, Set.of(x), Set.of("first")).toBuilder()
            .addAttribute(GraphBuilder.integer("direction", 1))
            .build();
    NodeProto second = call(function, Set.of("first"), Set.of("second"));
    return model.toBuilder()
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(DOMAIN).setVersion(1))
        .addFunctions(function)
        .setGraph(model.getGraph().toBuilder().addNode(first).addNode(second))
        .build();
  }

  @Test
  void attributesOfCallsReachTheNodes() {
    NodeProto softmax =
        NodeProto.newBuilder()
            .setOpType("Softmax")
            .addInput("x")
            .addOutput("y")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("axis")
                    .setRefAttrName("direction")
                    .setType(AttributeProto.AttributeType.INT))
            .build();
    Path file = GraphBuilder.write(directory.resolve("twice.onnx"), callingTwice(softmax));
    ModelOptions options =
        ModelOptions.builder()
            .siteTensor(org.snmf4j.onnx.activations.Site.MLP, 0, "first")
            .siteTensor(org.snmf4j.onnx.activations.Site.MLP, 1, "second")
            .build();
    try (OnnxModel model = OnnxModel.open(file, options);
        Activations activations =
            Extractor.builder(model).tokenIds(new long[][] {{1, 2, 3}}, null).build().extract()) {
      for (int layer = 0; layer < 2; layer++) {
        double[][] values =
            activations.get(org.snmf4j.onnx.activations.Site.MLP, layer).matrix().toArray();
        // Over positions in the first call, over neurons in the second.
        double sum = 0;
        for (int i = 0; i < (layer == 0 ? 3 : 4); i++) {
          sum += layer == 0 ? values[0][i] : values[i][0];
        }
        assertEquals(1, sum, 1e-5);
      }
    }
  }

  @Test
  void functionsThatCallThemselves() {
    NodeProto again =
        NodeProto.newBuilder()
            .setOpType("Softer")
            .setDomain(DOMAIN)
            .addInput("x")
            .addOutput("y")
            .build();
    Path file = GraphBuilder.write(directory.resolve("endless.onnx"), callingTwice(again));
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> OnnxModel.open(file));
    assertTrue(e.getMessage().contains("'Softer' is nested more than"), e.getMessage());
  }
}
