package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.PlainRun.Floats;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteNotSteerableException;
import org.snmf4j.onnx.graph.SiteTensor;
import org.snmf4j.onnx.graph.SteeredModel;
import org.snmf4j.onnx.graph.SteeredSite;
import org.snmf4j.onnx.graph.SteeringEditor;
import org.snmf4j.onnx.graph.SteeringPoint;

/** Steering through graph inputs, run by ONNX Runtime without this library's sessions. */
class SteeringEditorTest {
  private static final int LAYERS = 3;

  /** Kernels see other shapes or orders; float32 logits here are below 10. */
  private static final double ROUNDING = 2e-5;

  /** The same as a hook in PyTorch that adds alpha·v to the down-projection's input. */
  @ParameterizedTest
  @ValueSource(strings = {"gptneox-cache", "llama-cache"})
  void steeredLogitsAreThoseOfAHook(String name) {
    ModelGraph graph = ModelGraph.read(TestModels.model(name));
    try (SafeTensors truth = TestModels.truth(name)) {
      int layer = (int) truth.longs("layer")[0];
      SteeredModel steered = SteeringEditor.steer(graph, List.of(new SteeredSite(Site.MLP, layer)));
      SteeringPoint point = steered.points().get(0);
      float alpha = (float) truth.doubles("alpha")[0];
      float[] vector = floats(truth.doubles("vector"));
      assertEquals(vector.length, point.width());
      long[] prompt = TestModels.longs(truth, "prompt")[0];

      // Three sequences side by side: the first is left alone, the third pushed the other way.
      float[] shift = new float[3 * vector.length];
      for (int i = 0; i < vector.length; i++) {
        shift[vector.length + i] = alpha * vector[i];
        shift[2 * vector.length + i] = -alpha * vector[i];
      }
      Map<String, Floats> feeds =
          Map.of(
              point.shiftInput(), new Floats(shift, 3, 1, vector.length),
              point.keepInput(), new Floats(new float[] {1, 1, 1}, 3, 1, 1));
      long[][] rows = {prompt, prompt, prompt};
      Floats logits = PlainRun.run(steered.model(), rows, feeds, graph.logitsOutput());
      int size = logits.values().length / 3;
      float[] base = Arrays.copyOfRange(logits.values(), 0, size);
      float[] plus = Arrays.copyOfRange(logits.values(), size, 2 * size);
      float[] minus = Arrays.copyOfRange(logits.values(), 2 * size, 3 * size);
      double plain = PlainRun.distance(floats(truth.doubles("logits")), base);
      double pushed = PlainRun.distance(floats(truth.doubles("logits_steered")), plus);
      assertTrue(plain <= 1e-4, "without steering: " + plain);
      assertTrue(pushed <= 1e-4, "steered: " + pushed);
      assertTrue(PlainRun.distance(base, minus) > 0.1, "the other way");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2-torchscript",
        "gpt2-dynamo",
        "gpt2-torchscript",
        "gpt2-ortfused",
        "gptneox-dynamo",
        "llama-dynamo",
        "llama-torchscript",
        "llama-cache",
        "bert-torchscript"
      })
  void everySiteOfEveryLayer(String name) {
    ModelGraph graph = ModelGraph.read(TestModels.model(name));
    for (Site site : Site.values()) {
      for (int layer = 0; layer < LAYERS; layer++) {
        assertSteers(graph, site, layer, ROUNDING);
      }
    }
  }

  /** Inputs are cast; what is computed between differs by a rounding of 11 bits. */
  @Test
  void halfPrecision() {
    ModelGraph graph = ModelGraph.read(TestModels.model("bert-fp16"));
    for (Site site : Site.values()) {
      assertSteers(graph, site, 1, 2e-2);
    }
  }

  /** The dynamic range of a quantized tensor follows what steering adds. */
  @Test
  void quantized() {
    ModelGraph graph = ModelGraph.read(TestModels.model("bert-int8"));
    for (Site site : Site.values()) {
      assertSteers(graph, site, 1, ROUNDING);
    }
  }

  /** The steered model against one in which the changed tensor is fed from outside. */
  private static void assertSteers(ModelGraph graph, Site site, int layer, double tolerance) {
    String output = last(graph);
    long[][] ids = {{5, 9, 33, 7}, {8, 2, 60, 11}};
    SiteTensor tensor = graph.site(site, layer);
    ModelProto exposed = GraphEditor.expose(graph, List.of(tensor));
    Floats before = PlainRun.run(exposed, ids, Map.of(), tensor.name());
    Floats plain = PlainRun.run(exposed, ids, Map.of(), output);

    SteeredModel steered = SteeringEditor.steer(graph, List.of(new SteeredSite(site, layer)));
    SteeringPoint point = steered.points().get(0);
    int width = point.width();
    assertEquals(before.shape()[before.shape().length - 1], width);
    float[] shift = new float[2 * width];
    Random random = new Random(17);
    for (int i = 0; i < shift.length; i++) {
      shift[i] = (float) random.nextGaussian();
    }
    float[] keep = {1, 0.25F};
    float[] changed = before.values().clone();
    for (int i = 0; i < changed.length; i++) {
      int row = i / (changed.length / 2);
      changed[i] = keep[row] * changed[i] + shift[row * width + i % width];
    }
    String what = site.id() + " of layer " + layer;

    Floats unchanged =
        PlainRun.run(
            steered.model(), ids, feeds(point, new float[2 * width], new float[] {1, 1}), output);
    double drift = PlainRun.distance(plain.values(), unchanged.values());
    // Float16 kernels run in float32 where there are no others, and round once more or less: one
    // unit in the last place of values below 4.
    assertTrue(
        drift <= (tolerance > 1e-3 ? 2e-3 : 1e-6), what + " changes without a shift: " + drift);

    Floats expected =
        PlainRun.run(
            fed(exposed, tensor.name(), before.shape().length),
            ids,
            Map.of("fed", new Floats(changed, before.shape())),
            output);
    Floats found = PlainRun.run(steered.model(), ids, feeds(point, shift, keep), output);
    double error = PlainRun.distance(expected.values(), found.values());
    assertTrue(error <= tolerance, what + ": error " + error);
    assertTrue(PlainRun.distance(plain.values(), found.values()) > 0.05, what + " has no effect");
  }

  private static String last(ModelGraph graph) {
    List<ValueInfoProto> outputs = GraphEditor.expose(graph, List.of()).getGraph().getOutputList();
    return outputs.get(0).getName();
  }

  private static Map<String, Floats> feeds(SteeringPoint point, float[] shift, float[] keep) {
    return Map.of(
        point.shiftInput(), new Floats(shift, keep.length, 1, point.width()),
        point.keepInput(), new Floats(keep, keep.length, 1, 1));
  }

  /** The model with a tensor replaced, for all its readers and as an output, by an input. */
  private static ModelProto fed(ModelProto model, String tensor, int axes) {
    GraphProto.Builder graph = model.getGraph().toBuilder();
    ValueInfoProto.Builder input = ValueInfoProto.newBuilder().setName("fed");
    int type = 1;
    for (ValueInfoProto info : model.getGraph().getValueInfoList()) {
      type = info.getName().equals(tensor) ? info.getType().getTensorType().getElemType() : type;
    }
    for (ValueInfoProto info : model.getGraph().getOutputList()) {
      int stated = info.getType().getTensorType().getElemType();
      type = info.getName().equals(tensor) && stated > 0 ? stated : type;
    }
    input.getTypeBuilder().getTensorTypeBuilder().setElemType(type);
    for (int i = 0; i < axes; i++) {
      input.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder().addDimBuilder();
    }
    graph.addInput(input);
    List<NodeProto> nodes = new ArrayList<>();
    for (NodeProto node : model.getGraph().getNodeList()) {
      NodeProto.Builder copy = node.toBuilder();
      for (int i = 0; i < copy.getInputCount(); i++) {
        if (copy.getInput(i).equals(tensor)) {
          copy.setInput(i, "fed");
        }
      }
      for (int i = 0; i < copy.getOutputCount(); i++) {
        if (copy.getOutput(i).equals(tensor)) {
          copy.setOutput(i, "unread");
        }
      }
      nodes.add(copy.build());
    }
    nodes.add(
        NodeProto.newBuilder().setOpType("Identity").addInput("fed").addOutput(tensor).build());
    return model.toBuilder().setGraph(graph.clearNode().addAllNode(nodes)).build();
  }

  /** All sites of all layers at once, in one model, with one of them pushed at a time. */
  @Test
  void manySitesInOneModel() {
    ModelGraph graph = ModelGraph.read(TestModels.model("gemma2-torchscript"));
    List<SteeredSite> sites = new ArrayList<>();
    for (int layer = LAYERS - 1; layer >= 0; layer--) {
      for (Site site : Site.values()) {
        sites.add(new SteeredSite(site, layer));
      }
    }
    SteeredModel all = SteeringEditor.steer(graph, sites);
    assertEquals(
        sites, all.points().stream().map(p -> new SteeredSite(p.site(), p.layer())).toList());
    long[][] ids = {{5, 9, 33, 7}};
    for (int pushed = 0; pushed < sites.size(); pushed++) {
      Map<String, Floats> feeds = new HashMap<>();
      Map<String, Floats> alone = Map.of();
      for (int i = 0; i < sites.size(); i++) {
        SteeringPoint point = all.points().get(i);
        float[] shift = new float[point.width()];
        Arrays.fill(shift, i == pushed ? 0.7F : 0);
        feeds.putAll(feeds(point, shift, new float[] {1}));
        alone = i == pushed ? feeds(point, shift, new float[] {1}) : alone;
      }
      SteeredModel one = SteeringEditor.steer(graph, List.of(sites.get(pushed)));
      Floats expected = PlainRun.run(one.model(), ids, alone, "logits");
      Floats found = PlainRun.run(all.model(), ids, feeds, "logits");
      double error = PlainRun.distance(expected.values(), found.values());
      assertTrue(error <= ROUNDING, sites.get(pushed) + ": error " + error);
    }
  }

  /** Names are new even where the graph was steered before. */
  @Test
  void inputNamesDoNotClash(@org.junit.jupiter.api.io.TempDir java.nio.file.Path folder) {
    ModelGraph graph = ModelGraph.read(TestModels.model("llama-torchscript"));
    SteeredSite site = new SteeredSite(Site.MLP, 1);
    SteeredModel once = SteeringEditor.steer(graph, List.of(site, site));
    assertEquals(1, once.points().stream().map(SteeringPoint::shiftInput).distinct().count());
    java.nio.file.Path file =
        org.snmf4j.onnx.graph.GraphBuilder.write(folder.resolve("steered.onnx"), once.model());
    SiteTensor tensor = graph.site(Site.MLP, 1);
    SteeredModel twice = SteeringEditor.steer(ModelGraph.read(file), Map.of(site, tensor));
    List<String> inputs =
        twice.model().getGraph().getInputList().stream().map(ValueInfoProto::getName).toList();
    assertEquals(inputs.size(), inputs.stream().distinct().count(), inputs.toString());
    assertEquals(80, twice.points().get(0).width());
  }

  @Test
  void whatCannotBeSteered() {
    ModelGraph graph = ModelGraph.read(TestModels.model("llama-torchscript"));
    InvalidArgumentException layer =
        assertThrows(
            InvalidArgumentException.class,
            () -> SteeringEditor.steer(graph, List.of(new SteeredSite(Site.MLP, 3))));
    assertTrue(layer.getMessage().contains("between 0 and 2"), layer.getMessage());
    SiteNotSteerableException input =
        assertThrows(
            SiteNotSteerableException.class,
            () ->
                SteeringEditor.steer(
                    graph, Map.of(new SteeredSite(Site.MLP, 0), SiteTensor.existing("input_ids"))));
    assertTrue(input.getMessage().contains("type"), input.getMessage());
  }

  private static float[] floats(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }
}
