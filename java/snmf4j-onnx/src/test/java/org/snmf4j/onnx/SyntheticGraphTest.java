package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.MlpLayer;
import org.snmf4j.onnx.graph.ModelGraph;

/** Sites in architectures and forms that the exported models of the test resources lack. */
class SyntheticGraphTest {
  private static final int WIDTH = 6;
  private static final int NEURONS = 10;

  @TempDir Path directory;
  private GraphBuilder graph;
  private String embedded;

  @BeforeEach
  void embed() {
    graph = GraphBuilder.ofTokens();
    embedded = graph.node("Gather", graph.weight(20, WIDTH), "input_ids");
  }

  private ModelGraph read(String output) {
    return ModelGraph.read(graph.write(directory.resolve("model.onnx"), output));
  }

  private static void assertSites(ModelGraph model, String mlp, String mlpOut, String residual) {
    assertEquals(1, model.layers().size());
    assertSites(model.layers().get(0), mlp, mlpOut, residual);
  }

  private static void assertSites(MlpLayer layer, String mlp, String mlpOut, String residual) {
    assertEquals(mlp, layer.mlp().name());
    assertEquals(mlpOut, layer.mlpOut().name());
    assertEquals(residual, layer.residual().name());
    assertEquals(NEURONS, layer.downProjection().neurons());
    assertEquals(WIDTH, layer.downProjection().width());
  }

  private double[][] extract(Site site) {
    return extract(site, new long[][] {{1, 2, 3}, {4, 5, 6}});
  }

  private double[][] extract(Site site, long[][] ids) {
    try (OnnxModel model = OnnxModel.open(directory.resolve("model.onnx"));
        Activations activations =
            Extractor.builder(model).tokenIds(ids, null).sites(List.of(site)).build().extract()) {
      return activations.get(site, 0).matrix().transpose().toArray();
    }
  }

  /** The same block with the sum, the bias and the norm apart or in one operator. */
  private void assertSkipNorm(boolean postNorm, boolean fused) {
    String attended = graph.node("Add", embedded, graph.attention(embedded, WIDTH));
    String normed = graph.norm(attended, WIDTH);
    String skip = postNorm ? normed : attended;
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String bias = graph.weight(WIDTH);
    String gamma = graph.weight(WIDTH);
    String beta = graph.weight(WIDTH);
    String output;
    if (fused) {
      graph.fused(
          "SkipLayerNormalization",
          List.of(skip, down, gamma, beta, bias),
          List.of("normed"),
          GraphBuilder.real("epsilon", 1e-5f));
      output = "normed";
      MlpLayer layer = read(output).layers().get(0);
      assertEquals(mlp, layer.mlp().name());
      assertFalse(layer.mlpOut().added().isEmpty());
      assertEquals(postNorm, layer.residual().added().isEmpty());
    } else {
      String out = graph.node("Add", down, bias);
      String sum = graph.node("Add", skip, out);
      output = graph.node("LayerNormalization", sum, gamma, beta);
      assertSites(read(output), mlp, out, postNorm ? output : sum);
    }
  }

  @Test
  void sumsInsideFusedNormsAreComputedAgain() {
    for (boolean postNorm : new boolean[] {false, true}) {
      embed();
      assertSkipNorm(postNorm, false);
      List<double[][]> expected = new ArrayList<>();
      for (Site site : Site.values()) {
        expected.add(extract(site));
      }
      embed();
      assertSkipNorm(postNorm, true);
      for (Site site : Site.values()) {
        double[][] found = extract(site);
        for (int i = 0; i < found.length; i++) {
          assertArrayEquals(expected.get(site.ordinal())[i], found[i], 1e-5, site.id());
        }
      }
    }
  }

  @Test
  void theSumThatAFusedNormPutsOut() {
    String normed = graph.norm(embedded, WIDTH);
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    graph.fused(
        "SkipLayerNormalization",
        List.of(embedded, down, graph.weight(WIDTH), graph.weight(WIDTH)),
        List.of("normed", "", "", "sum"));
    assertSites(read("normed"), mlp, down, "sum");
    assertEquals(6, extract(Site.RESIDUAL).length);
  }

  @Test
  void normsOfResultsBeforeTheSum() {
    // OLMo 2: the MLP reads the stream itself, and its result is normed before it is added.
    String mlp = graph.node("Relu", graph.node("MatMul", embedded, graph.weight(WIDTH, NEURONS)));
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String sum = graph.node("Add", embedded, graph.norm(down, WIDTH));
    assertSites(read(graph.norm(sum, WIDTH)), mlp, down, sum);
  }

  @Test
  void gateAndUpInOneMatrix() {
    String normed = graph.norm(embedded, WIDTH);
    String both = graph.node("MatMul", normed, graph.weight(WIDTH, 2 * NEURONS));
    String gate =
        graph.node("Slice", both, graph.integers(0), graph.integers(NEURONS), graph.integers(2));
    String up =
        graph.node(
            "Slice", both, graph.integers(NEURONS), graph.integers(2 * NEURONS), graph.integers(2));
    String mlp = graph.node("Mul", graph.node("Mul", gate, graph.node("Sigmoid", gate)), up);
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String sum = graph.node("Add", down, embedded);
    assertSites(read(sum), mlp, down, sum);
    assertEquals(NEURONS, extract(Site.MLP)[0].length);
  }

  @Test
  void matricesStoredTheOtherWayRound() {
    String flat = graph.node("Reshape", graph.norm(embedded, WIDTH), graph.integers(-1, WIDTH));
    String up =
        graph.node(
            "Gemm",
            List.of(GraphBuilder.integer("transB", 1)),
            flat,
            graph.weight(NEURONS, WIDTH),
            graph.weight(NEURONS));
    String mlp = graph.node("Tanh", up);
    String weight = graph.weight(WIDTH, NEURONS);
    String down =
        graph.node(
            "Gemm", List.of(GraphBuilder.integer("transB", 1)), mlp, weight, graph.weight(WIDTH));
    String shaped = graph.node("Reshape", down, graph.node("Shape", embedded));
    String sum = graph.node("Add", shaped, embedded);
    ModelGraph model = read(sum);
    assertSites(model, mlp, shaped, sum);
    assertEquals(weight, model.layers().get(0).downProjection().initializer());
    assertTrue(model.layers().get(0).downProjection().transposed());

    embed();
    mlp = graph.node("Relu", graph.node("MatMul", embedded, graph.weight(WIDTH, NEURONS)));
    weight = graph.weight(WIDTH, NEURONS);
    down =
        graph.node(
            "MatMul",
            mlp,
            graph.node("Transpose", List.of(GraphBuilder.list("perm", 1, 0)), weight));
    sum = graph.node("Add", embedded, down);
    model = read(sum);
    assertSites(model, mlp, down, sum);
    assertEquals(weight, model.layers().get(0).downProjection().initializer());
    assertTrue(model.layers().get(0).downProjection().transposed());
  }

  @Test
  void scaledAndNormedBranches() {
    // LayerScale after the down-projection, and a norm between non-linearity and projection.
    String up = graph.node("MatMul", graph.norm(embedded, WIDTH), graph.weight(WIDTH, NEURONS));
    String mlp = graph.norm(graph.node("Relu", up), NEURONS);
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String biased = graph.node("Add", graph.weight(WIDTH), down);
    String sum = graph.node("Add", embedded, graph.node("Mul", biased, graph.weight(WIDTH)));
    assertSites(read(sum), mlp, biased, sum);
  }

  @Test
  void headsAndAdaptersAreNoMlps() {
    String normed = graph.norm(embedded, WIDTH);
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String sum = graph.node("Add", embedded, down);
    String narrow = graph.node("Relu", graph.node("MatMul", sum, graph.weight(WIDTH, 2)));
    String adapted = graph.node("Add", sum, graph.node("MatMul", narrow, graph.weight(2, WIDTH)));
    String pooled = graph.node("Tanh", graph.node("MatMul", adapted, graph.weight(WIDTH, NEURONS)));
    String classes =
        graph.node("Add", graph.node("MatMul", pooled, graph.weight(NEURONS, 4)), graph.weight(4));
    ModelGraph model = read(classes);
    assertEquals(1, model.layers().size());
    assertEquals(0, model.layers().get(0).index());
    assertEquals(mlp, model.layers().get(0).mlp().name());
    assertEquals(down, model.layers().get(0).mlpOut().name());
  }

  @Test
  void nodesInAnyOrder() {
    String normed = graph.norm(embedded, WIDTH);
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String sum = graph.node("Add", embedded, down);
    ModelProto model = graph.model(sum);
    List<NodeProto> nodes = new ArrayList<>(model.getGraph().getNodeList());
    Collections.reverse(nodes);
    GraphProto reversed = model.getGraph().toBuilder().clearNode().addAllNode(nodes).build();
    Path file =
        GraphBuilder.write(
            directory.resolve("model.onnx"), model.toBuilder().setGraph(reversed).build());
    assertSites(ModelGraph.read(file), mlp, down, sum);
    assertEquals(6, extract(Site.MLP).length);
  }

  @Test
  void chainsOfFusedNorms() {
    // As builders of generative models write Llama: every sum lies inside the next norm.
    List<String> mlps = new ArrayList<>();
    List<String> downs = new ArrayList<>();
    String stream = embedded;
    String normed =
        graph.node(
            "SimplifiedLayerNormalization",
            List.of(GraphBuilder.integer("axis", -1), GraphBuilder.real("epsilon", 1e-5f)),
            embedded,
            graph.weight(WIDTH));
    for (int layer = 0; layer < 2; layer++) {
      String attended = graph.attention(normed, WIDTH);
      graph.fused(
          "SkipSimplifiedLayerNormalization",
          List.of(stream, attended, graph.weight(WIDTH)),
          List.of("inner" + layer, "", "", "middle" + layer));
      String gate = graph.node("MatMul", "inner" + layer, graph.weight(WIDTH, NEURONS));
      String up = graph.node("MatMul", "inner" + layer, graph.weight(WIDTH, NEURONS));
      mlps.add(graph.node("Mul", graph.node("Mul", gate, graph.node("Sigmoid", gate)), up));
      downs.add(graph.node("MatMul", mlps.get(layer), graph.weight(NEURONS, WIDTH)));
      graph.fused(
          "SkipSimplifiedLayerNormalization",
          List.of("middle" + layer, downs.get(layer), graph.weight(WIDTH)),
          layer == 0 ? List.of("normed0", "", "", "sum0") : List.of("normed1"));
      normed = "normed" + layer;
      stream = "sum" + layer;
    }
    ModelGraph model = read(graph.node("MatMul", "normed1", graph.weight(WIDTH, 20)));
    assertEquals(2, model.layers().size());
    assertSites(model.layers().get(0), mlps.get(0), downs.get(0), "sum0");
    assertEquals(mlps.get(1), model.layers().get(1).mlp().name());
    assertEquals(downs.get(1), model.layers().get(1).mlpOut().name());
    assertEquals(1, model.layers().get(1).residual().added().size());
    assertEquals(
        Set.of("middle1", downs.get(1)),
        Set.copyOf(model.layers().get(1).residual().added().get(0).getInputList()));
    assertEquals(6, extract(Site.RESIDUAL).length);
  }

  @Test
  void positionsBeforeSentences() {
    // XLNet computes on [positions, sentences, width].
    double[][][] found = new double[2][][];
    for (int swapped = 0; swapped < 2; swapped++) {
      embed();
      String x = embedded;
      if (swapped == 1) {
        x = graph.node("Transpose", List.of(GraphBuilder.list("perm", 1, 0, 2)), embedded);
      }
      String mlp = graph.node("Relu", graph.node("MatMul", x, graph.weight(WIDTH, NEURONS)));
      String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
      read(graph.node("Add", x, down));
      long[][] ids = {{1, 2}, {3, 4}, {5, 6, 7}, {8, 9, 10}, {11, 12, 13}, {14, 15, 16, 17}};
      found[swapped] = extract(Site.MLP, ids);
    }
    assertEquals(17, found[0].length);
    for (int i = 0; i < found[0].length; i++) {
      assertArrayEquals(found[0][i], found[1][i], 1e-6);
    }
  }

  @Test
  void inputsOfEveryKind() {
    graph = GraphBuilder.ofTokens();
    String[] rows = {"batch", "sequence"};
    List<String> summed =
        List.of(
            graph.input("token_type_ids", TensorProto.DataType.INT32, rows),
            graph.input("position_ids", TensorProto.DataType.INT64, rows),
            graph.input("cache_position", TensorProto.DataType.INT64, "sequence"),
            graph.input("attention_mask", TensorProto.DataType.FLOAT, rows));
    AttributeProto toFloat = GraphBuilder.integer("to", TensorProto.DataType.FLOAT.getNumber());
    String all = graph.node("Cast", List.of(toFloat), "input_ids");
    for (String name : summed) {
      all = graph.node("Add", all, graph.node("Cast", List.of(toFloat), name));
    }
    String tensor = graph.node("Unsqueeze", all, graph.integers(2));
    graph.write(directory.resolve("model.onnx"), tensor);
    ModelOptions options = ModelOptions.builder().siteTensor(Site.MLP, 0, tensor).build();
    try (OnnxModel model = OnnxModel.open(directory.resolve("model.onnx"), options);
        Activations activations =
            Extractor.builder(model)
                .tokenIds(
                    new long[][] {{0, 0, 100, 200}, {300, 400, 500, 0}},
                    new long[][] {{0, 0, 1, 1}, {1, 1, 1, 0}})
                .build()
                .extract()) {
      // id + type 0 + position among tokens + position in the row + mask 1
      assertArrayEquals(
          new double[] {100 + 0 + 2 + 1, 200 + 1 + 3 + 1, 301, 403, 505},
          activations.get(Site.MLP, 0).matrix().toArray()[0]);
    }
  }

  @Test
  void packedMatrices() {
    String normed = graph.norm(embedded, WIDTH);
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    List<String> inputs = List.of(mlp, graph.weight(WIDTH, 1, 8), graph.weight(WIDTH));
    graph.fused(
        "MatMulNBits",
        inputs,
        List.of("down"),
        GraphBuilder.integer("K", NEURONS),
        GraphBuilder.integer("N", WIDTH));
    String sum = graph.node("Add", embedded, "down");
    assertSites(read(sum), mlp, "down", sum);
  }

  @Test
  void packedMatricesOfUnknownSize() {
    String normed = graph.norm(embedded, WIDTH);
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    graph.fused(
        "MatMulNBits", List.of(mlp, graph.weight(WIDTH, 1, 8), graph.weight(WIDTH)), List.of("d"));
    ModelGraph model = read(graph.node("Add", embedded, "d"));
    assertTrue(model.layers().isEmpty());
    assertEquals(List.of(normed), model.candidates());
  }

  @Test
  void positionTablesLimitTheContext() {
    assertEquals(-1, contextOf(null, 0));
    assertEquals(33, contextOf("Range", 0));
    assertEquals(31, contextOf("Range", 2));
    assertEquals(32, contextOf("CumSum", 0));
    assertEquals(31, contextOf("CumSum", 1));
  }

  /** The limit of a model with 33 rows of positions, counted by an operator and shifted. */
  private long contextOf(String counter, long shift) {
    embed();
    String x = embedded;
    if (counter != null) {
      String positions;
      if (counter.equals("Range")) {
        String length = graph.node("Gather", graph.node("Shape", "input_ids"), graph.scalar(1));
        positions = graph.node("Range", graph.scalar(0), length, graph.scalar(1));
      } else {
        String present = graph.node("Sign", "input_ids");
        positions = graph.node("CumSum", present, graph.scalar(1));
      }
      positions = graph.node("Add", positions, graph.scalar(shift));
      x = graph.node("Add", x, graph.node("Gather", graph.weight(33, WIDTH), positions));
    }
    // A table of types is looked up with constants and limits nothing.
    String types = graph.node("Mul", "input_ids", graph.scalar(0));
    x = graph.node("Add", x, graph.node("Gather", graph.weight(2, WIDTH), types));
    ModelGraph model = read(x);
    assertEquals(20, model.vocabularySize().orElseThrow());
    return model.contextLength().orElse(-1);
  }
}
