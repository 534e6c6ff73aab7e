package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.graph.GraphBuilder;

/** From the down-projection to the residual stream, in the blocks of known architectures. */
class BlockLayoutsTest {
  /** Float32 in two blocks with norms, against double precision. */
  private static final double TOLERANCE = 2e-5;

  private static final int LAYERS = 2;

  @TempDir Path directory;

  /** Writes one block that reads {@code x}; its residual is what the next block reads. */
  private interface Block {
    Sites write(TracedGraph graph, Value x);
  }

  @TestFactory
  Stream<DynamicTest> blocks() {
    Map<String, Block> blocks = new LinkedHashMap<>();
    sequential(blocks);
    parallel(blocks);
    postNorms(blocks);
    scaled(blocks);
    return blocks.entrySet().stream()
        .map(block -> dynamicTest(block.getKey(), () -> assertFound(block.getValue())));
  }

  private void assertFound(Block block) {
    TracedGraph graph = new TracedGraph();
    List<Sites> expected = new ArrayList<>();
    Value x = graph.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      expected.add(block.write(graph, x));
      x = expected.get(layer).residual();
    }
    Value end = graph.layerNorm(x);
    Sites.assertMatch(graph.write(directory.resolve("model.onnx"), end), expected, TOLERANCE);
  }

  private record Mlp(Value inner, Value out) {
    Sites joining(Value residual) {
      return new Sites(inner, out, residual);
    }
  }

  private static Mlp mlp(TracedGraph g, Value x) {
    Value up = g.add(g.product(x, g.matrix(WIDTH, NEURONS)), g.vector(NEURONS, 0));
    Value inner = g.unary("Relu", up, Curves::relu);
    Value down = g.product(inner, g.matrix(NEURONS, WIDTH));
    return new Mlp(inner, g.add(down, g.vector(WIDTH, 0)));
  }

  private static Value cast(TracedGraph g, Value x) {
    long type = TensorProto.DataType.FLOAT.getNumber();
    return x.as(g.node("Cast", List.of(GraphBuilder.integer("to", type)), x.name()));
  }

  private static void sequential(Map<String, Block> blocks) {
    blocks.put("norm before (GPT-2)", (g, x) -> before(g, x, g::layerNorm));
    blocks.put("root mean square before (Llama)", (g, x) -> before(g, x, g::rmsNorm));
    blocks.put("norm by its length", (g, x) -> before(g, x, v -> normalized(g, v)));
    blocks.put(
        "casts and dropouts on the way",
        (g, x) -> {
          Value attended = cast(g, g.add(x, cast(g, g.attention(g.layerNorm(x)))));
          Mlp mlp = mlp(g, cast(g, g.layerNorm(attended)));
          Value dropped = mlp.out().as(g.node("Dropout", mlp.out().name()));
          return mlp.joining(cast(g, g.add(cast(g, dropped), attended)));
        });
    blocks.put(
        "an adapter beside the down-projection (LoRA)",
        (g, x) -> {
          Value attended = g.add(x, g.attention(g.layerNorm(x)));
          Value up = g.product(g.layerNorm(attended), g.matrix(WIDTH, NEURONS));
          Value inner = g.unary("Relu", up, Curves::relu);
          Value down = g.product(inner, g.matrix(NEURONS, WIDTH));
          Value low = g.product(g.product(inner, g.matrix(NEURONS, 2)), g.matrix(2, WIDTH));
          Value out = g.add(down, g.multiply(low, g.scalar(0.5)));
          return new Sites(inner, out, g.add(attended, out));
        });
    blocks.put(
        "attention, MLP and a second MLP (macaron)",
        (g, x) -> {
          Mlp half = mlp(g, g.layerNorm(x));
          // Conformers add half of the result; the whole block would count as two.
          return half.joining(g.add(x, g.multiply(half.out(), g.scalar(0.5))));
        });
  }

  private static Sites before(TracedGraph g, Value x, UnaryOperator<Value> norm) {
    Value attended = g.add(x, g.attention(norm.apply(x)));
    Mlp mlp = mlp(g, norm.apply(attended));
    return mlp.joining(g.add(attended, mlp.out()));
  }

  /** x over its length, which is bounded and expanded to x's shape, times the root of the width. */
  private static Value normalized(TracedGraph g, Value x) {
    String length =
        g.node(
            "ReduceL2",
            List.of(GraphBuilder.list("axes", -1), GraphBuilder.integer("keepdims", 1)),
            x.name());
    String bounded = g.node("Clip", length, g.scalar(1e-12).name());
    String expanded = g.node("Expand", bounded, g.node("Shape", x.name()));
    Value unit = new Value(g.node("Div", x.name(), expanded), x.normed(false, 0));
    Value shorter = new Value(unit.name(), unit.map(v -> v / Math.sqrt(WIDTH)));
    Value full = g.multiply(shorter, g.scalar(Math.sqrt(WIDTH)));
    return g.multiply(full, g.vector(WIDTH, 1));
  }

  private static void parallel(Map<String, Block> blocks) {
    Map<String, BiFunction<TracedGraph, Value[], Value>> orders = new LinkedHashMap<>();
    orders.put("(attention + MLP) + x", (g, v) -> g.add(g.add(v[1], v[2]), v[0]));
    orders.put("x + (MLP + attention)", (g, v) -> g.add(v[0], g.add(v[2], v[1])));
    orders.put("(x + attention) + MLP", (g, v) -> g.add(g.add(v[0], v[1]), v[2]));
    orders.put("(MLP + x) + attention", (g, v) -> g.add(g.add(v[2], v[0]), v[1]));
    orders.put("one sum of all", (g, v) -> sum(g, v));
    orders.forEach(
        (name, order) -> {
          blocks.put(
              "parallel, one norm: " + name,
              (g, x) -> {
                Value normed = g.layerNorm(x);
                Value attention = g.attention(normed);
                Mlp mlp = mlp(g, normed);
                return mlp.joining(order.apply(g, new Value[] {x, attention, mlp.out()}));
              });
          blocks.put(
              "parallel, two norms: " + name,
              (g, x) -> {
                Value attention = g.attention(g.layerNorm(x));
                Mlp mlp = mlp(g, g.layerNorm(x));
                return mlp.joining(order.apply(g, new Value[] {x, attention, mlp.out()}));
              });
        });
  }

  private static Value sum(TracedGraph g, Value[] parts) {
    Value two = new Value(null, parts[0].with(parts[1], Double::sum));
    String name = g.node("Sum", parts[0].name(), parts[1].name(), parts[2].name());
    return new Value(name, two.with(parts[2], Double::sum));
  }

  private static void postNorms(Map<String, Block> blocks) {
    blocks.put(
        "norm after the sum (BERT)",
        (g, x) -> {
          Value attended = g.layerNorm(g.add(g.attention(x), x));
          Mlp mlp = mlp(g, attended);
          return mlp.joining(g.layerNorm(g.add(mlp.out(), attended)));
        });
    blocks.put(
        "norm after a sum with the scaled stream (DeepNet)",
        (g, x) -> {
          Value alpha = g.scalar(1.7);
          Value attended = g.layerNorm(g.add(g.multiply(x, alpha), g.attention(x)));
          Mlp mlp = mlp(g, attended);
          return mlp.joining(g.layerNorm(g.add(g.multiply(attended, alpha), mlp.out())));
        });
    blocks.put(
        "norms around (Gemma 2 and 3)",
        (g, x) -> {
          Value attended = g.add(x, g.rmsNorm(g.attention(g.rmsNorm(x))));
          Mlp mlp = mlp(g, g.rmsNorm(attended));
          return mlp.joining(g.add(attended, g.rmsNorm(mlp.out())));
        });
    blocks.put(
        "norm of the results only (OLMo 2)",
        (g, x) -> {
          Value attended = g.add(x, g.rmsNorm(g.attention(x)));
          Mlp mlp = mlp(g, attended);
          return mlp.joining(g.add(attended, g.rmsNorm(mlp.out())));
        });
    blocks.put(
        "layer norm of the results only (Swin 2)",
        (g, x) -> {
          Value attended = g.add(x, g.layerNorm(g.attention(x)));
          Mlp mlp = mlp(g, attended);
          return mlp.joining(g.add(attended, g.layerNorm(mlp.out())));
        });
  }

  private static void scaled(Map<String, Block> blocks) {
    blocks.put(
        "a number times the result (Granite)",
        (g, x) -> {
          Value attended = g.add(x, g.multiply(g.attention(g.rmsNorm(x)), g.scalar(0.22)));
          Mlp mlp = mlp(g, g.rmsNorm(attended));
          return mlp.joining(g.add(attended, g.multiply(mlp.out(), g.scalar(0.22))));
        });
    blocks.put(
        "a vector times the result (layer scale)",
        (g, x) -> {
          Value attended = g.add(x, g.attention(g.layerNorm(x)));
          Mlp mlp = mlp(g, g.layerNorm(attended));
          return mlp.joining(g.add(g.multiply(g.vector(WIDTH, 0.5), mlp.out()), attended));
        });
    blocks.put(
        "the result over a number",
        (g, x) -> {
          Value attended = g.add(x, g.attention(g.layerNorm(x)));
          Mlp mlp = mlp(g, g.layerNorm(attended));
          Value part = g.binary("Div", mlp.out(), g.scalar(3), (a, b) -> a / b);
          return mlp.joining(g.add(part, attended));
        });
  }
}
