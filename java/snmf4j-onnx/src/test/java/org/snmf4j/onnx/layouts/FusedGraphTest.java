package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.VOCABULARY;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.SiteNotFoundException;
import org.snmf4j.onnx.layouts.Fused.Lengths;
import org.snmf4j.onnx.layouts.Fused.SumAndNorm;

/** Graphs of ONNX Runtime's own operators, in which norms hide the sums with the stream. */
class FusedGraphTest {
  /** Float32 in two blocks with norms, against double precision. */
  private static final double TOLERANCE = 5e-5;

  private static final int LAYERS = 2;

  @TempDir Path directory;
  private final TracedGraph g = new TracedGraph();
  private final Fused fused = new Fused(g);
  private final List<Sites> expected = new ArrayList<>();

  private interface Product {
    Value of(Value x, int columns);
  }

  private Value plain(Value x, int columns) {
    return g.product(x, g.matrix(x.columns(), columns));
  }

  private Value gated(Value x, Product product) {
    Value gate = product.of(x, NEURONS);
    Value silu = g.multiply(gate, g.unary("Sigmoid", gate, Curves::sigmoid));
    return g.multiply(silu, product.of(x, NEURONS));
  }

  private void assertFound(Value end) {
    Value logits = plain(end, VOCABULARY);
    Sites.assertMatch(g.write(directory.resolve("model.onnx"), logits), expected, TOLERANCE);
  }

  @Test
  void llamaOfTheGenerativeBuilder() {
    assertFound(llama(this::plain, x -> x));
  }

  @Test
  void llamaInFourBits() {
    assertFound(llama((x, n) -> ProjectionFormsTest.nibbles(g, x, n, false), x -> x));
  }

  /** Gemma's norms of the results come before the fused sums. */
  @Test
  void gemmaOfTheGenerativeBuilder() {
    assertFound(llama(this::plain, fused::simplifiedNorm));
  }

  private Value llama(Product product, UnaryOperator<Value> postNorm) {
    Lengths lengths = fused.lengths();
    Value stream = g.embed();
    Value normed = fused.simplifiedNorm(stream);
    for (int layer = 0; layer < LAYERS; layer++) {
      Value attention = postNorm.apply(fused.groupedQuery(normed, lengths));
      SumAndNorm middle = fused.skipSimplified(stream, attention, true);
      Value mlp = gated(middle.normed(), product);
      Value out = product.of(mlp, WIDTH);
      Value part = postNorm.apply(out);
      // The last norm is the model's own; nobody asks it for the sum.
      SumAndNorm end = fused.skipSimplified(middle.sum(), part, layer + 1 < LAYERS);
      expected.add(new Sites(mlp, out, end.sum()));
      stream = end.sum();
      normed = end.normed();
    }
    return normed;
  }

  /** Phi-2: attention and MLP read one norm; their sum joins the stream in the next norm. */
  @Test
  void parallelBlocksOfTheGenerativeBuilder() {
    Lengths lengths = fused.lengths();
    Value stream = g.embed();
    Value normed = g.layerNorm(stream);
    for (int layer = 0; layer < LAYERS; layer++) {
      Value attention = fused.groupedQuery(normed, lengths);
      Value up = g.add(plain(normed, NEURONS), g.vector(NEURONS, 0));
      Value mlp = new Value(g.fused("FastGelu", List.of(), up.name()), up.map(Curves::tanhGelu));
      Value out = g.add(plain(mlp, WIDTH), g.vector(WIDTH, 0));
      SumAndNorm end = fused.skipLayerNorm(stream, g.add(attention, out), null, layer + 1 < LAYERS);
      expected.add(new Sites(mlp, out, end.sum()));
      stream = end.sum();
      normed = end.normed();
    }
    assertFound(normed);
  }

  /** GPT-2 after fusion: the biases of both projections are added inside the norms. */
  @Test
  void normsBeforeWithBias() {
    Value stream = g.embed();
    Value normed = g.layerNorm(stream);
    for (int layer = 0; layer < LAYERS; layer++) {
      Value attention = fused.attention(normed);
      SumAndNorm middle = fused.skipLayerNorm(stream, attention, g.vector(WIDTH, 0), true);
      Value mlp = biasGelu(plain(middle.normed(), NEURONS));
      Value bias = g.vector(WIDTH, 0);
      Value down = plain(mlp, WIDTH);
      SumAndNorm end = fused.skipLayerNorm(down, middle.sum(), bias, layer + 1 < LAYERS);
      Value out = new Value(null, down.with(bias, Double::sum));
      expected.add(new Sites(mlp, out, end.sum()));
      stream = end.sum();
      normed = end.normed();
    }
    assertFound(normed);
  }

  /** BERT after fusion: the norm's result is the block's. */
  @Test
  void normsAfterWithBias() {
    Value stream = g.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      Value attention = fused.multiHead(stream);
      Value attended = fused.skipLayerNorm(attention, stream, g.vector(WIDTH, 0), false).normed();
      Value mlp = biasGelu(plain(attended, NEURONS));
      Value bias = g.vector(WIDTH, 0);
      Value down = plain(mlp, WIDTH);
      Value end = fused.skipLayerNorm(down, attended, bias, false).normed();
      expected.add(new Sites(mlp, new Value(null, down.with(bias, Double::sum)), end));
      stream = end;
    }
    assertFound(stream);
  }

  private Value biasGelu(Value up) {
    Value bias = g.vector(NEURONS, 0);
    Value sum = new Value(null, up.with(bias, Double::sum));
    return new Value(g.fused("BiasGelu", List.of(), up.name(), bias.name()), sum.map(Curves::gelu));
  }

  /** Each token uses some of many MLPs, so that no tensor has a row of neurons per token. */
  @Test
  void mixturesOfExperts() {
    for (String operator : List.of("MoE", "QMoE")) {
      TracedGraph graph = new TracedGraph();
      Value x = graph.embed();
      Value normed = graph.layerNorm(x);
      Value router = graph.product(normed, graph.matrix(WIDTH, 4));
      String up = graph.constant(graph.normal(4 * WIDTH, NEURONS, 1), 4, WIDTH, NEURONS).name();
      String down = graph.constant(graph.normal(4 * NEURONS, WIDTH, 1), 4, NEURONS, WIDTH).name();
      String mixed =
          graph.fused(
              operator,
              List.of(GraphBuilder.integer("k", 2)),
              normed.name(),
              router.name(),
              up,
              "",
              down);
      Value first = graph.add(x, new Value(mixed, normed.rows()));
      // A dense block beside it must not be counted as layer 0.
      Value relu = graph.unary("Relu", graph.product(first, graph.matrix(WIDTH, NEURONS)), v -> v);
      Value end = graph.add(first, graph.product(relu, graph.matrix(NEURONS, WIDTH)));
      try (OnnxModel model = OnnxModel.open(graph.write(directory.resolve("moe.onnx"), end))) {
        assertEquals(0, model.layers());
        SiteNotFoundException e =
            assertThrows(SiteNotFoundException.class, () -> model.siteTensor(Site.MLP, 0));
        assertTrue(e.getMessage().contains("mixture of experts"), e.getMessage());
        assertTrue(e.getMessage().contains(operator), e.getMessage());
        assertTrue(e.getMessage().contains("--site-tensor"), e.getMessage());
        assertEquals(relu.name(), e.candidates().get(0));
      }
    }
  }

  /** The same written out: a dense block, then one whose experts are weighted per token. */
  @Test
  void expertsOneByOne() {
    Value x = g.embed();
    Value relu = g.unary("Relu", plain(g.layerNorm(x), NEURONS), Curves::relu);
    Value dense = g.add(x, plain(relu, WIDTH));
    Value normed = g.layerNorm(dense);
    String router = g.node("Softmax", plain(normed, 2).name());
    Value sum = dense;
    for (int expert = 0; expert < 2; expert++) {
      String weight =
          g.node(
              "Slice",
              router,
              g.graph.integers(expert),
              g.graph.integers(expert + 1),
              g.graph.integers(2));
      Value out = plain(g.unary("Relu", plain(normed, NEURONS), Curves::relu), WIDTH);
      sum = g.add(sum, out.as(g.node("Mul", out.name(), weight)));
    }
    try (OnnxModel model = OnnxModel.open(g.write(directory.resolve("experts.onnx"), sum))) {
      assertEquals(0, model.layers());
      SiteNotFoundException e =
          assertThrows(SiteNotFoundException.class, () -> model.siteTensor(Site.MLP, 1));
      assertTrue(e.getMessage().contains("mixture of experts"), e.getMessage());
      assertTrue(e.candidates().contains(relu.name()), e.candidates().toString());
      assertEquals(4, e.candidates().size());
    }
  }
}
