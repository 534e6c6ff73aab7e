package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.ModelFormatException;

/** Which blocks count in models of more than one stack, and in those that repeat one block. */
class EncoderDecoderTest {
  private static final double TOLERANCE = 2e-5;
  private static final int LAYERS = 2;

  @TempDir Path directory;
  private final TracedGraph g = new TracedGraph();

  private Sites mlp(Value attended, Value up, Value down) {
    Value inner = g.unary("Relu", g.product(g.rmsNorm(attended), up), Curves::relu);
    Value out = g.product(inner, down);
    return new Sites(inner, out, g.add(attended, out));
  }

  private Sites mlp(Value attended) {
    return mlp(attended, g.matrix(WIDTH, NEURONS), g.matrix(NEURONS, WIDTH));
  }

  /** T5: the encoder's blocks come first; those of the decoder need a second input. */
  @Test
  void encodersBeforeDecoders() {
    List<Sites> encoder = new ArrayList<>();
    Value x = g.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      encoder.add(mlp(g.add(x, g.attention(g.rmsNorm(x)))));
      x = encoder.get(layer).residual();
    }
    Value states = g.rmsNorm(x);
    g.graph.input("decoder_input_ids", DataType.INT64, "batch", "decoder_sequence");
    Value y = g.embed("decoder_input_ids");
    List<Sites> decoder = new ArrayList<>();
    for (int layer = 0; layer < LAYERS; layer++) {
      Value own = g.add(y, g.attention(g.rmsNorm(y)));
      decoder.add(mlp(g.add(own, cross(g.rmsNorm(own), states))));
      y = decoder.get(layer).residual();
    }
    Path file = g.write(directory.resolve("model.onnx"), g.rmsNorm(y));
    Sites.assertMatch(file, 2 * LAYERS, encoder, TOLERANCE);
    try (OnnxModel model = OnnxModel.open(file)) {
      for (int layer = 0; layer < LAYERS; layer++) {
        String found = model.siteTensor(Site.RESIDUAL, LAYERS + layer).name();
        assertEquals(decoder.get(layer).residual().name(), found);
      }
      Extractor extractor =
          Extractor.builder(model).tokenIds(TracedGraph.IDS, null).layers(List.of(LAYERS)).build();
      ModelFormatException e = assertThrows(ModelFormatException.class, extractor::extract);
      assertTrue(e.getMessage().contains("'decoder_input_ids'"), e.getMessage());
    }
  }

  private Value cross(Value x, Value states) {
    Value query = g.product(x, g.matrix(WIDTH, WIDTH));
    Value key = g.product(states, g.matrix(WIDTH, WIDTH));
    Value value = g.product(states, g.matrix(WIDTH, WIDTH));
    String turned = g.node("Transpose", List.of(GraphBuilder.list("perm", 0, 2, 1)), key.name());
    String weights = g.node("Softmax", g.node("MatMul", query.name(), turned));
    double[][] rows = Heads.attend(query.rows(), key.rows(), value.rows(), 1, 1, 1, false);
    Value mixed = new Value(g.node("MatMul", weights, value.name()), rows);
    return g.product(mixed, g.matrix(WIDTH, WIDTH));
  }

  /** ALBERT: one block several times; each time is a layer. */
  @Test
  void sharedWeights() {
    Value up = g.matrix(WIDTH, NEURONS);
    Value down = g.matrix(NEURONS, WIDTH);
    List<Sites> expected = new ArrayList<>();
    Value x = g.embed();
    for (int layer = 0; layer < 3; layer++) {
      expected.add(mlp(g.add(x, g.attention(g.rmsNorm(x))), up, down));
      x = expected.get(layer).residual();
    }
    Path file = g.write(directory.resolve("model.onnx"), g.rmsNorm(x));
    Sites.assertMatch(file, expected, TOLERANCE);
    try (OnnxModel model = OnnxModel.open(file)) {
      for (int layer = 0; layer < 3; layer++) {
        assertEquals(down.name(), model.graph().layers().get(layer).downProjection().initializer());
      }
    }
  }

  /** Images have no token ids, but blocks like those of text. */
  @Test
  void modelsOfImages() {
    GraphBuilder graph = new TracedGraph().graph;
    String image = graph.input("pixel_values", DataType.FLOAT, "batch", "3", "height", "width");
    String patches = graph.node("Conv", image, graph.weight(WIDTH, 3, 4, 4), graph.weight(WIDTH));
    String flat = graph.node("Reshape", patches, graph.integers(0, WIDTH, -1));
    String x = graph.node("Transpose", List.of(GraphBuilder.list("perm", 0, 2, 1)), flat);
    String attended = graph.node("Add", graph.attention(graph.norm(x, WIDTH), WIDTH), x);
    String normed = graph.norm(attended, WIDTH);
    String inner = graph.node("Relu", graph.node("MatMul", normed, graph.weight(WIDTH, NEURONS)));
    String out = graph.node("MatMul", inner, graph.weight(NEURONS, WIDTH));
    String end = graph.node("Add", out, attended);
    Path file = graph.write(directory.resolve("image.onnx"), end);
    try (OnnxModel model = OnnxModel.open(file)) {
      assertEquals(1, model.layers());
      assertEquals(inner, model.siteTensor(Site.MLP, 0).name());
      assertEquals(end, model.siteTensor(Site.RESIDUAL, 0).name());
      Extractor extractor = Extractor.builder(model).tokenIds(TracedGraph.IDS, null).build();
      ModelFormatException e = assertThrows(ModelFormatException.class, extractor::extract);
      assertTrue(e.getMessage().contains("'pixel_values'"), e.getMessage());
    }
  }
}
