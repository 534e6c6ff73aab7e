package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.AttributeProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.graph.GraphBuilder;

/** From the block's norm to the down-projection's input, in the forms that exporters write. */
class MlpFormsTest {
  /** Float32 sums of 48 products of numbers around 1, against double precision. */
  private static final double TOLERANCE = 2e-5;

  private static final int LAYERS = 2;

  @TempDir Path directory;

  private interface Form {
    Value write(TracedGraph graph, Value x);
  }

  @TestFactory
  Stream<DynamicTest> forms() {
    Map<String, Form> forms = new LinkedHashMap<>();
    plain(forms);
    fused(forms);
    gated(forms);
    gateAndUpInOneProduct(forms);
    return forms.entrySet().stream()
        .map(form -> dynamicTest(form.getKey(), () -> assertFound(form.getValue())));
  }

  private void assertFound(Form form) {
    TracedGraph graph = new TracedGraph();
    graph.opset(20);
    List<Sites> expected = new ArrayList<>();
    Value x = graph.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      x = graph.add(x, graph.attention(graph.layerNorm(x)));
      Value mlp = form.write(graph, graph.layerNorm(x));
      Value down = graph.product(mlp, graph.matrix(NEURONS, WIDTH));
      Value out = graph.add(graph.vector(WIDTH, 0), down);
      x = graph.add(x, out);
      expected.add(new Sites(mlp, out, x));
    }
    Value end = graph.layerNorm(x);
    Sites.assertMatch(graph.write(directory.resolve("model.onnx"), end), expected, TOLERANCE);
  }

  private static Value up(TracedGraph graph, Value x, int columns) {
    return graph.product(x, graph.matrix(WIDTH, columns));
  }

  private static Value biased(TracedGraph graph, Value x) {
    return graph.add(up(graph, x, NEURONS), graph.vector(NEURONS, 0));
  }

  private static void plain(Map<String, Form> forms) {
    forms.put("relu", (g, x) -> g.unary("Relu", biased(g, x), Curves::relu));
    forms.put("relu as a maximum", (g, x) -> g.binary("Max", biased(g, x), g.scalar(0), Math::max));
    forms.put(
        "squared relu by power",
        (g, x) ->
            g.binary(
                "Pow", g.unary("Relu", up(g, x, NEURONS), Curves::relu), g.scalar(2), Math::pow));
    forms.put(
        "squared relu by product",
        (g, x) -> {
          Value relu = g.unary("Relu", up(g, x, NEURONS), Curves::relu);
          return g.multiply(relu, relu);
        });
    forms.put("gelu", (g, x) -> erfGelu(g, biased(g, x)));
    forms.put("gelu by tanh and power", (g, x) -> tanhGelu(g, biased(g, x), true));
    forms.put("gelu by tanh and products", (g, x) -> tanhGelu(g, biased(g, x), false));
    forms.put(
        "sigmoid approximation of gelu",
        (g, x) -> {
          Value in = biased(g, x);
          Value steep = g.multiply(in, g.scalar(1.702));
          return g.multiply(in, g.unary("Sigmoid", steep, Curves::sigmoid));
        });
    forms.put("elu", (g, x) -> g.unary("Elu", biased(g, x), v -> v > 0 ? v : Math.expm1(v)));
    forms.put(
        "hard swish",
        (g, x) ->
            g.unary("HardSwish", biased(g, x), v -> v * Math.max(0, Math.min(1, v / 6 + 0.5))));
    forms.put(
        "mish",
        (g, x) -> g.unary("Mish", biased(g, x), v -> v * Math.tanh(Math.log1p(Math.exp(v)))));
    forms.put(
        "bounded after the non-linearity",
        (g, x) -> {
          Value relu = g.unary("Relu", biased(g, x), Curves::relu);
          return g.binary("Clip", relu, g.scalar(-1e4), (a, b) -> a);
        });
    forms.put("norm before the down-projection", (g, x) -> g.layerNorm(erfGelu(g, biased(g, x))));
    forms.put(
        "rounded to a grid of its own scale",
        (g, x) -> quantizedBySteps(g, g.unary("Relu", up(g, x, NEURONS), Curves::relu)));
  }

  private static Value erfGelu(TracedGraph g, Value in) {
    Value scaled = g.binary("Div", in, g.scalar(Math.sqrt(2)), (a, b) -> a / b);
    Value sum = g.add(g.unary("Erf", scaled, Curves::erf), g.scalar(1));
    return g.multiply(g.multiply(in, sum), g.scalar(0.5));
  }

  private static Value tanhGelu(TracedGraph g, Value in, boolean power) {
    Value cube =
        power ? g.binary("Pow", in, g.scalar(3), Math::pow) : g.multiply(g.multiply(in, in), in);
    Value inner = g.add(in, g.multiply(cube, g.scalar(0.044715)));
    Value tanh = g.unary("Tanh", g.multiply(inner, g.scalar(Math.sqrt(2 / Math.PI))), Math::tanh);
    return g.multiply(g.multiply(g.scalar(0.5), in), g.add(tanh, g.scalar(1)));
  }

  private static void fused(Map<String, Form> forms) {
    forms.put("Gelu", (g, x) -> own(g, "Gelu", biased(g, x), Curves::gelu));
    forms.put("FastGelu", (g, x) -> own(g, "FastGelu", biased(g, x), Curves::tanhGelu));
    forms.put(
        "FastGelu with bias",
        (g, x) -> withBias(g, "FastGelu", up(g, x, NEURONS), Curves::tanhGelu));
    forms.put("BiasGelu", (g, x) -> withBias(g, "BiasGelu", up(g, x, NEURONS), Curves::gelu));
    forms.put(
        "QuickGelu",
        (g, x) ->
            own(
                g,
                "QuickGelu",
                biased(g, x),
                v -> v * Curves.sigmoid(1.702 * v),
                GraphBuilder.real("alpha", 1.702f)));
    forms.put("Gelu of the standard", (g, x) -> g.unary("Gelu", biased(g, x), Curves::gelu));
    forms.put(
        "FusedGemm",
        (g, x) -> {
          Value weight = g.matrix(WIDTH, NEURONS);
          Value bias = g.vector(NEURONS, 0);
          Value in = new Value(null, x.times(weight));
          String flat = g.node("Reshape", x.name(), g.graph.integers(-1, WIDTH));
          AttributeProto relu =
              AttributeProto.newBuilder()
                  .setName("activation")
                  .setType(AttributeProto.AttributeType.STRING)
                  .setS(com.google.protobuf.ByteString.copyFromUtf8("Relu"))
                  .build();
          String product = g.fused("FusedGemm", List.of(relu), flat, weight.name(), bias.name());
          int length = TracedGraph.IDS[0].length;
          String shaped = g.node("Reshape", product, g.graph.integers(-1, length, NEURONS));
          Value sum = new Value(shaped, in.with(bias, Double::sum));
          return new Value(shaped, sum.map(Curves::relu));
        });
  }

  private static Value own(
      TracedGraph g, String op, Value in, DoubleUnaryOperator curve, AttributeProto... attributes) {
    return new Value(g.fused(op, List.of(attributes), in.name()), in.map(curve));
  }

  private static Value withBias(TracedGraph g, String op, Value in, DoubleUnaryOperator curve) {
    Value bias = g.vector(NEURONS, 0);
    Value sum = new Value(null, in.with(bias, Double::sum));
    return new Value(g.fused(op, List.of(), in.name(), bias.name()), sum.map(curve));
  }

  private static void gated(Map<String, Form> forms) {
    forms.put(
        "silu(gate) * up",
        (g, x) -> {
          Value gate = up(g, x, NEURONS);
          Value silu = g.multiply(gate, g.unary("Sigmoid", gate, Curves::sigmoid));
          return g.multiply(silu, up(g, x, NEURONS));
        });
    forms.put(
        "up * silu(gate)",
        (g, x) -> {
          Value up = up(g, x, NEURONS);
          Value gate = up(g, x, NEURONS);
          return g.multiply(up, g.multiply(g.unary("Sigmoid", gate, Curves::sigmoid), gate));
        });
    forms.put(
        "sigmoid(gate) * (gate * up)",
        (g, x) -> {
          Value gate = up(g, x, NEURONS);
          Value product = g.multiply(gate, up(g, x, NEURONS));
          return g.multiply(g.unary("Sigmoid", gate, Curves::sigmoid), product);
        });
    forms.put(
        "QuickGelu(gate) * up",
        (g, x) -> {
          Value gate = up(g, x, NEURONS);
          AttributeProto alpha = GraphBuilder.real("alpha", 1);
          return g.multiply(own(g, "QuickGelu", gate, Curves::silu, alpha), up(g, x, NEURONS));
        });
    forms.put(
        "gelu(gate) * up",
        (g, x) -> g.multiply(tanhGelu(g, up(g, x, NEURONS), true), up(g, x, NEURONS)));
    forms.put(
        "up and gate without a curve", (g, x) -> g.multiply(up(g, x, NEURONS), up(g, x, NEURONS)));
  }

  private static void gateAndUpInOneProduct(Map<String, Form> forms) {
    forms.put(
        "Split",
        (g, x) -> {
          Value both = up(g, x, 2 * NEURONS);
          String gate = g.name("gate");
          String up = g.name("up");
          List<String> inputs = List.of(both.name(), g.graph.integers(NEURONS, NEURONS));
          g.node("Split", List.of(GraphBuilder.integer("axis", -1)), inputs, List.of(gate, up));
          return gatedParts(g, both, gate, up, 1);
        });
    forms.put(
        "Slice",
        (g, x) -> {
          Value both = up(g, x, 2 * NEURONS);
          return gatedParts(
              g, both, slice(g, both, 0, NEURONS, 1), slice(g, both, NEURONS, 2 * NEURONS, 1), 1);
        });
    forms.put(
        "Slice by every second",
        (g, x) -> {
          Value both = up(g, x, 2 * NEURONS);
          String gate = slice(g, both, 0, 2 * NEURONS, 2);
          return gatedParts(g, both, gate, slice(g, both, 1, 2 * NEURONS, 2), 2);
        });
    forms.put(
        "Reshape and Gather",
        (g, x) -> {
          Value both = up(g, x, 2 * NEURONS);
          String shaped = g.node("Reshape", both.name(), g.graph.integers(0, 0, 2, NEURONS));
          List<AttributeProto> axis = List.of(GraphBuilder.integer("axis", 2));
          String gate = g.node("Gather", axis, shaped, g.graph.scalar(0));
          return gatedParts(g, both, gate, g.node("Gather", axis, shaped, g.graph.scalar(1)), 1);
        });
    forms.put(
        "SplitToSequence",
        (g, x) -> {
          Value both = up(g, x, 2 * NEURONS);
          List<AttributeProto> axis = List.of(GraphBuilder.integer("axis", -1));
          String parts =
              g.node("SplitToSequence", axis, both.name(), g.graph.integers(NEURONS, NEURONS));
          String gate = g.node("SequenceAt", parts, g.graph.scalar(0));
          return gatedParts(g, both, gate, g.node("SequenceAt", parts, g.graph.scalar(1)), 1);
        });
  }

  private static String slice(TracedGraph g, Value x, int from, int to, int step) {
    return g.node(
        "Slice",
        x.name(),
        g.graph.integers(from),
        g.graph.integers(to),
        g.graph.integers(2),
        g.graph.integers(step));
  }

  /** silu(gate) * up of the two halves, or of the even and the odd columns. */
  private static Value gatedParts(TracedGraph g, Value both, String gate, String up, int step) {
    int from = step == 1 ? NEURONS : 1;
    int to = step == 1 ? NEURONS : 2 * NEURONS;
    Value gates = new Value(gate, both.columns(0, to, step));
    Value ups = new Value(up, both.columns(from, 2 * NEURONS, step));
    Value silu = g.multiply(gates, g.unary("Sigmoid", gates, Curves::sigmoid));
    return g.multiply(silu, ups);
  }

  /** Activations on 127 steps of their own largest magnitude, as ternary models compute them. */
  private static Value quantizedBySteps(TracedGraph g, Value in) {
    String largest =
        g.node(
            "ReduceMax",
            List.of(GraphBuilder.integer("keepdims", 1)),
            g.node("Abs", in.name()),
            g.graph.integers(-1));
    String scale = g.node("Div", g.scalar(127).name(), largest);
    String steps = g.node("Round", g.node("Mul", in.name(), scale));
    String output = g.node("Div", steps, scale);
    double[][] rows = new double[in.rows().length][];
    for (int i = 0; i < rows.length; i++) {
      double peak = 0;
      for (double value : in.rows()[i]) {
        peak = Math.max(peak, Math.abs(value));
      }
      double unit = 127 / peak;
      rows[i] =
          java.util.Arrays.stream(in.rows()[i]).map(v -> Math.rint(v * unit) / unit).toArray();
    }
    return new Value(output, rows);
  }
}
