package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.PlainRun.Floats;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.GraphPiece;
import org.snmf4j.onnx.graph.GraphPieces;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;
import org.snmf4j.onnx.graph.SteeredModel;
import org.snmf4j.onnx.graph.SteeredSite;
import org.snmf4j.onnx.graph.SteeringEditor;
import org.snmf4j.onnx.graph.SteeringPoint;

/** Sums that a fused norm swallows are steered as if they were apart. */
class FusedNormSteeringTest {
  private static final int WIDTH = 8;
  private static final int NEURONS = 12;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    // bias inside, sum put out, post-norm
    "true, false, false",
    "true, true, false",
    "false, true, false",
    "false, false, false",
    "true, false, true",
    "false, false, true"
  })
  void sumsInsideFusedNorms(boolean biased, boolean putOut, boolean postNorm) {
    ModelGraph apart = model(biased, postNorm, false, putOut);
    ModelGraph fused = model(biased, postNorm, true, putOut);
    List<SteeredSite> sites =
        List.of(
            new SteeredSite(Site.RESIDUAL, 0),
            new SteeredSite(Site.MLP_OUT, 0),
            new SteeredSite(Site.MLP, 0));
    // Each site alone, then all at once.
    for (int mode = 0; mode <= sites.size(); mode++) {
      List<SteeredSite> chosen = mode < sites.size() ? List.of(sites.get(mode)) : sites;
      for (boolean neutral : new boolean[] {true, false}) {
        float[] expected = run(apart, chosen, neutral);
        float[] found = run(fused, chosen, neutral);
        double error = PlainRun.distance(expected, found);
        // The fused kernel sums in another order; values are of order 1.
        assertTrue(error <= 1e-5, chosen + ", neutral " + neutral + ": error " + error);
      }
      double effect = PlainRun.distance(run(fused, chosen, true), run(fused, chosen, false));
      assertTrue(effect > 0.05, chosen + " has no effect: " + effect);
    }
  }

  /** Pieces that begin or end at a sum inside a fused norm compute what they do at a sum apart. */
  @ParameterizedTest
  @CsvSource({"true, false", "true, true", "false, true", "false, false"})
  void piecesAroundFusedNorms(boolean biased, boolean putOut) {
    ModelGraph apart = model(biased, false, false, putOut);
    ModelGraph fused = model(biased, false, true, putOut);
    assertEquals(Optional.empty(), GraphPieces.afterMlp(fused, 0));
    Floats residual = new Floats(random(2 * 3 * WIDTH), 2, 3, WIDTH);
    Floats neurons = new Floats(random(2 * 3 * NEURONS), 2, 3, NEURONS);
    List<float[]> heads = new ArrayList<>();
    List<float[]> downs = new ArrayList<>();
    for (ModelGraph graph : List.of(apart, fused)) {
      heads.add(piece(graph, graph.site(Site.RESIDUAL, 0), SiteTensor.existing("out"), residual));
      downs.add(piece(graph, graph.site(Site.MLP, 0), graph.site(Site.MLP_OUT, 0), neurons));
    }
    // The same operations, the sum with zeros apart; values are of order 1.
    assertTrue(PlainRun.distance(heads.get(0), heads.get(1)) <= 1e-5);
    assertTrue(PlainRun.distance(downs.get(0), downs.get(1)) <= 1e-6);
    assertEquals(2 * 3 * WIDTH, downs.get(0).length);
    InvalidArgumentException backwards =
        assertThrows(
            InvalidArgumentException.class,
            () -> piece(fused, SiteTensor.existing("out"), fused.site(Site.MLP, 0), neurons));
    assertTrue(backwards.getMessage().contains("'out'"), backwards.getMessage());
  }

  private static float[] piece(ModelGraph graph, SiteTensor from, SiteTensor to, Floats values) {
    int width = (int) values.shape()[2];
    GraphPiece piece = GraphPieces.between(graph, from, to, width);
    long[][] ids = {{1, 2, 3}, {4, 5, 6}};
    return PlainRun.run(piece.model(), ids, Map.of(piece.input(), values), piece.output()).values();
  }

  private static float[] random(int count) {
    Random random = new Random(23);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] run(ModelGraph graph, List<SteeredSite> sites, boolean neutral) {
    SteeredModel steered = SteeringEditor.steer(graph, sites);
    Map<String, Floats> feeds = new HashMap<>();
    Random random = new Random(5);
    for (SteeringPoint point : steered.points()) {
      float[] shift = new float[2 * point.width()];
      for (int i = 0; i < shift.length; i++) {
        shift[i] = neutral ? 0 : (float) random.nextGaussian();
      }
      feeds.put(point.shiftInput(), new Floats(shift, 2, 1, point.width()));
      float[] keep = neutral ? new float[] {1, 1} : new float[] {0.5F, 0};
      feeds.put(point.keepInput(), new Floats(keep, 2, 1, 1));
    }
    long[][] ids = {{1, 2, 3}, {4, 5, 6}};
    return PlainRun.run(steered.model(), ids, feeds, "out").values();
  }

  private ModelGraph model(boolean biased, boolean postNorm, boolean fused, boolean putOut) {
    GraphBuilder graph = GraphBuilder.ofTokens();
    String table = graph.weight(20, WIDTH);
    String embedded = graph.node("Gather", table, "input_ids");
    String attended = graph.node("Add", embedded, graph.attention(embedded, WIDTH));
    String normed = graph.norm(attended, WIDTH);
    String skip = postNorm ? normed : attended;
    String mlp = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    String down = graph.node("MatMul", mlp, graph.weight(NEURONS, WIDTH));
    String bias = graph.weight(WIDTH);
    String gamma = graph.weight(WIDTH);
    String beta = graph.weight(WIDTH);
    String head = graph.weight(WIDTH, 20);
    String second = graph.weight(WIDTH, 20);
    String output;
    String sum;
    if (fused) {
      graph.fused(
          "SkipLayerNormalization",
          biased ? List.of(skip, down, gamma, beta, bias) : List.of(skip, down, gamma, beta),
          putOut ? List.of("normed", "", "", "sum") : List.of("normed"),
          GraphBuilder.real("epsilon", 1e-5f));
      output = "normed";
      sum = "sum";
    } else {
      String out = biased ? graph.node("Add", down, bias) : down;
      sum = graph.node("Add", skip, out);
      output = graph.node("LayerNormalization", sum, gamma, beta);
    }
    String logits = graph.node("MatMul", output, head);
    if (putOut) {
      // Whoever reads the bare sum must see the change as well.
      logits = graph.node("Add", logits, graph.node("MatMul", sum, second));
    }
    graph.named("Identity", "out", logits);
    ModelGraph model = ModelGraph.read(graph.write(folder.resolve("m" + fused + ".onnx"), "out"));
    assertEquals(1, model.layers().size());
    return model;
  }
}
