package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.ModelRunException;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.SiteNotFoundException;

/** Decoders with a key/value cache, in the layouts that exporters know. */
class CachedGraphTest {
  private static final double TOLERANCE = 2e-5;
  private static final int LAYERS = 2;
  private static final int HEADS = 2;
  private static final int SIZE = WIDTH / HEADS;

  @TempDir Path directory;

  private enum Cache {
    NONE,
    PAIRS,
    STACKED,
    FIXED
  }

  /** A decoder with the outputs {@code logits} and, with a cache, the present keys and values. */
  private record Decoder(ModelProto model, List<Sites> sites) {}

  private static Decoder decoder(Cache cache) {
    TracedGraph g = new TracedGraph();
    List<String> outputs = new ArrayList<>(List.of("logits"));
    List<Sites> sites = new ArrayList<>();
    Value x = g.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      x = g.add(x, attention(g, g.layerNorm(x), cache, layer, outputs));
      Value up = g.product(g.layerNorm(x), g.matrix(WIDTH, NEURONS));
      Value mlp = g.unary("Relu", up, Curves::relu);
      Value out = g.product(mlp, g.matrix(NEURONS, WIDTH));
      x = g.add(x, out);
      sites.add(new Sites(mlp, out, x));
    }
    String logits = g.product(g.layerNorm(x), g.matrix(WIDTH, 16)).name();
    rename(g, logits, "logits");
    return new Decoder(g.model(outputs.toArray(String[]::new)), sites);
  }

  private static void rename(TracedGraph g, String from, String to) {
    g.node("Identity", List.of(), List.of(from), List.of(to));
  }

  private static String heads(TracedGraph g, Value x) {
    String shaped = g.node("Reshape", x.name(), g.graph.integers(0, 0, HEADS, SIZE));
    return g.node("Transpose", List.of(GraphBuilder.list("perm", 0, 2, 1, 3)), shaped);
  }

  private static Value attention(
      TracedGraph g, Value x, Cache cache, int layer, List<String> outputs) {
    Value query = g.product(x, g.matrix(WIDTH, WIDTH));
    Value key = g.product(x, g.matrix(WIDTH, WIDTH));
    Value value = g.product(x, g.matrix(WIDTH, WIDTH));
    String[] all = {heads(g, key), heads(g, value)};
    String[] past = past(g, cache, layer);
    List<AttributeProto> positions = List.of(GraphBuilder.integer("axis", -2));
    for (int i = 0; i < past.length; i++) {
      all[i] = g.node("Concat", positions, past[i], all[i]);
    }
    if (cache == Cache.STACKED) {
      String keys = g.node("Unsqueeze", all[0], g.graph.integers(0));
      String values = g.node("Unsqueeze", all[1], g.graph.integers(0));
      String both = g.node("Concat", List.of(GraphBuilder.integer("axis", 0)), keys, values);
      rename(g, both, "present_" + layer);
      outputs.add("present_" + layer);
    } else if (cache != Cache.NONE) {
      rename(g, all[0], "present." + layer + ".key");
      rename(g, all[1], "present." + layer + ".value");
      outputs.add("present." + layer + ".key");
      outputs.add("present." + layer + ".value");
    }
    String turned = g.node("Transpose", List.of(GraphBuilder.list("perm", 0, 1, 3, 2)), all[0]);
    String scores = g.node("Softmax", g.node("MatMul", heads(g, query), turned));
    String mixed = g.node("MatMul", scores, all[1]);
    String together = g.node("Transpose", List.of(GraphBuilder.list("perm", 0, 2, 1, 3)), mixed);
    Value result =
        new Value(
            g.node("Reshape", together, g.graph.integers(0, 0, WIDTH)),
            Heads.attend(query.rows(), key.rows(), value.rows(), HEADS, HEADS, 1, false));
    return g.product(result, g.matrix(WIDTH, WIDTH));
  }

  private static String[] past(TracedGraph g, Cache cache, int layer) {
    String name = "past_key_values." + layer + ".";
    List<Long> pair = List.of(-1L, (long) HEADS, -1L, (long) SIZE);
    switch (cache) {
      case PAIRS:
        return new String[] {
          g.graph.input(name + "key", DataType.FLOAT, pair, "batch_size", "past_sequence_length"),
          g.graph.input(name + "value", DataType.FLOAT, pair, "batch_size", "past_sequence_length")
        };
      case FIXED:
        List<Long> fixed = List.of(2L, (long) HEADS, 3L, (long) SIZE);
        return new String[] {
          g.graph.input(name + "key", DataType.FLOAT, fixed),
          g.graph.input(name + "value", DataType.FLOAT, fixed)
        };
      case STACKED:
        List<Long> stack = List.of(2L, -1L, (long) HEADS, -1L, (long) SIZE);
        String past = g.graph.input("past_" + layer, DataType.FLOAT, stack, "rows", "past_length");
        return new String[] {
          g.node("Gather", past, g.graph.scalar(0)), g.node("Gather", past, g.graph.scalar(1))
        };
      default:
        return new String[0];
    }
  }

  @Test
  void keysAndValuesApart() {
    Decoder decoder = decoder(Cache.PAIRS);
    Path file = GraphBuilder.write(directory.resolve("model.onnx"), decoder.model());
    Sites.assertMatch(file, decoder.sites(), TOLERANCE);
  }

  @Test
  void keysAndValuesStacked() {
    Decoder decoder = decoder(Cache.STACKED);
    Path file = GraphBuilder.write(directory.resolve("model.onnx"), decoder.model());
    Sites.assertMatch(file, decoder.sites(), TOLERANCE);
  }

  @Test
  void cachesThatCannotBeEmpty() {
    Decoder decoder = decoder(Cache.FIXED);
    Path file = GraphBuilder.write(directory.resolve("model.onnx"), decoder.model());
    try (OnnxModel model = OnnxModel.open(file)) {
      assertEquals(LAYERS, model.layers());
      Extractor extractor = Extractor.builder(model).tokenIds(TracedGraph.IDS, null).build();
      ModelRunException e = assertThrows(ModelRunException.class, extractor::extract);
      assertTrue(e.getMessage().contains("past_key_values.0.key"), e.getMessage());
      assertTrue(e.getMessage().contains("[2, 2, 3, 8]"), e.getMessage());
    }
  }

  /** Optimum's merged decoder: both decoders as branches of one node, their weights shared. */
  @Test
  void mergedDecoders() {
    Decoder decoder = decoder(Cache.NONE);
    ModelProto merged = merged(decoder.model(), decoder(Cache.PAIRS).model(), "use_cache_branch");
    Path file = GraphBuilder.write(directory.resolve("model.onnx"), merged);
    Sites.assertMatch(file, decoder.sites(), TOLERANCE);
    try (OnnxModel model = OnnxModel.open(file)) {
      assertEquals(16, model.vocabularySize().orElseThrow());
    }
  }

  @Test
  void mergedDecodersWithoutABranch() {
    ModelProto.Builder merged =
        merged(decoder(Cache.NONE).model(), decoder(Cache.PAIRS).model(), "use_cache_branch")
            .toBuilder();
    merged.getGraphBuilder().getNodeBuilder(0).removeAttribute(1);
    Path file = GraphBuilder.write(directory.resolve("model.onnx"), merged.build());
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> OnnxModel.open(file));
    assertTrue(e.getMessage().contains("no else_branch"), e.getMessage());
  }

  /** Which branch another condition takes is not known before the model runs. */
  @Test
  void sitesInsideOtherBranches() {
    ModelProto merged =
        merged(decoder(Cache.NONE).model(), decoder(Cache.PAIRS).model(), "is_first");
    Path file = GraphBuilder.write(directory.resolve("model.onnx"), merged);
    try (OnnxModel model = OnnxModel.open(file)) {
      SiteNotFoundException e =
          assertThrows(SiteNotFoundException.class, () -> model.siteTensor(Site.MLP, 0));
      assertTrue(e.getMessage().contains("control flow"), e.getMessage());
      assertTrue(e.getMessage().contains("node 'choice' of operator If"), e.getMessage());
      assertFalse(e.getMessage().contains("use_cache_branch"), e.getMessage());
    }
  }

  private static ModelProto merged(ModelProto without, ModelProto with, String condition) {
    GraphProto first = without.getGraph();
    GraphProto then = with.getGraph();
    List<String> outputs = then.getOutputList().stream().map(ValueInfoProto::getName).toList();
    GraphProto.Builder other = first.toBuilder().clearInput().clearInitializer();
    // The decoder that starts has the same outputs; here its cache is of no use to anybody.
    for (int i = 1; i < outputs.size(); i++) {
      other.addNode(
          NodeProto.newBuilder()
              .setOpType("Identity")
              .addInput("logits")
              .addOutput(outputs.get(i)));
      other.addOutput(then.getOutput(i));
    }
    GraphProto cached = then.toBuilder().clearInput().clearInitializer().build();
    NodeProto.Builder choice =
        NodeProto.newBuilder()
            .setOpType("If")
            .setName("choice")
            .addInput(condition)
            .addAttribute(graph("then_branch", suffixed(cached, "/then")))
            .addAttribute(graph("else_branch", suffixed(other.build(), "/else")));
    GraphProto.Builder merged = GraphProto.newBuilder().setName("merged").addNode(choice);
    outputs.forEach(output -> merged.getNodeBuilder(0).addOutput(output));
    merged.addAllOutput(then.getOutputList()).addAllInput(then.getInputList());
    TypeProto.Tensor bool =
        TypeProto.Tensor.newBuilder()
            .setElemType(DataType.BOOL.getNumber())
            .setShape(
                ai.onnx.proto.OnnxMl.TensorShapeProto.newBuilder()
                    .addDim(
                        ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension.newBuilder()
                            .setDimValue(1)))
            .build();
    merged.addInput(
        ValueInfoProto.newBuilder()
            .setName(condition)
            .setType(TypeProto.newBuilder().setTensorType(bool)));
    LinkedHashMap<String, ai.onnx.proto.OnnxMl.TensorProto> weights = new LinkedHashMap<>();
    then.getInitializerList().forEach(weight -> weights.put(weight.getName() + "/then", weight));
    first.getInitializerList().forEach(weight -> weights.put(weight.getName() + "/else", weight));
    weights.forEach((name, weight) -> merged.addInitializer(weight.toBuilder().setName(name)));
    return without.toBuilder().setGraph(merged).build();
  }

  /** Every name but those of the inputs with an ending, so that the branches' names differ. */
  private static GraphProto suffixed(GraphProto graph, String ending) {
    GraphProto.Builder renamed = graph.toBuilder().clearNode();
    for (NodeProto node : graph.getNodeList()) {
      NodeProto.Builder changed = node.toBuilder().clearInput().clearOutput();
      node.getInputList().forEach(name -> changed.addInput(isInput(name) ? name : name + ending));
      node.getOutputList().forEach(name -> changed.addOutput(name + ending));
      renamed.addNode(changed);
    }
    for (ValueInfoProto.Builder output : renamed.getOutputBuilderList()) {
      output.setName(output.getName() + ending);
    }
    return renamed.build();
  }

  private static boolean isInput(String name) {
    return name.equals("input_ids") || name.startsWith("past_key_values");
  }

  private static AttributeProto graph(String name, GraphProto graph) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(graph)
        .build();
  }
}
