package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;

class GraphEditorTest {
  @ParameterizedTest
  @ValueSource(strings = {"bert-torchscript", "gpt2-dynamo", "llama-cache", "bert-int8"})
  void aCutModelHoldsWhatItNeedsAndNoMore(String name) {
    ModelGraph graph = ModelGraph.read(TestModels.model(name));
    int before = 0;
    for (int layer = 0; layer < 3; layer++) {
      SiteTensor tensor = graph.site(Site.MLP, layer);
      GraphProto cut = GraphEditor.cut(graph, List.of(tensor)).getGraph();
      assertEquals(List.of(tensor.name()), names(cut.getOutputList()));
      Set<String> read = new HashSet<>(List.of(tensor.name()));
      cut.getNodeList().forEach(node -> read.addAll(node.getInputList()));
      for (TensorProto initializer : cut.getInitializerList()) {
        assertTrue(read.contains(initializer.getName()), initializer.getName());
      }
      for (ValueInfoProto input : cut.getInputList()) {
        assertTrue(read.contains(input.getName()), input.getName());
      }
      for (NodeProto node : cut.getNodeList()) {
        assertTrue(node.getOutputList().stream().anyMatch(read::contains), node.toString());
      }
      assertTrue(cut.getNodeCount() > before, "later layers need more nodes");
      before = cut.getNodeCount();
    }
  }

  @Test
  void laterCachesAreNoInputsOfACutModel() {
    ModelGraph graph = ModelGraph.read(TestModels.model("llama-cache"));
    GraphProto cut = GraphEditor.cut(graph, List.of(graph.site(Site.RESIDUAL, 1))).getGraph();
    Set<String> inputs = Set.copyOf(names(cut.getInputList()));
    assertTrue(inputs.contains("past_key_values.1.key"), inputs.toString());
    assertTrue(
        inputs.stream().noneMatch(input -> input.startsWith("past_key_values.2")),
        inputs.toString());
  }

  @Test
  void exposingKeepsTheModelAndItsOutputs() throws Exception {
    ModelGraph graph = ModelGraph.read(TestModels.model("bert-torchscript"));
    ModelProto original =
        ModelProto.parseFrom(Files.readAllBytes(TestModels.model("bert-torchscript")));
    // The last block's output is the model's own and is not declared twice.
    GraphProto exposed =
        GraphEditor.expose(graph, List.of(graph.site(Site.MLP, 0), graph.site(Site.RESIDUAL, 2)))
            .getGraph();
    assertEquals(
        List.of("last_hidden_state", graph.site(Site.MLP, 0).name()),
        names(exposed.getOutputList()));
    assertEquals(original.getGraph().getInputList(), exposed.getInputList());
  }

  private static List<String> names(List<ValueInfoProto> infos) {
    return infos.stream().map(ValueInfoProto::getName).collect(Collectors.toList());
  }
}
