package org.snmf4j.onnx.layouts;

import static org.snmf4j.onnx.layouts.TracedGraph.EPSILON;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.ArrayList;
import java.util.List;
import org.snmf4j.onnx.graph.GraphBuilder;

/** ONNX Runtime's own operators for transformers, as its optimizers and builders write them. */
final class Fused {
  static final int HEADS = 2;
  static final int SIZE = WIDTH / HEADS;
  private static final AttributeProto NORM_EPSILON = GraphBuilder.real("epsilon", 1e-5f);

  private final TracedGraph g;
  private int caches;

  Fused(TracedGraph graph) {
    g = graph;
  }

  /**
   * A sum and its norm from one operator.
   *
   * @param sum its name is null if the operator does not put it out
   */
  record SumAndNorm(Value sum, Value normed) {}

  Value simplifiedNorm(Value x) {
    Value scale = g.vector(WIDTH, 1);
    Value normed = new Value(null, x.normed(false, EPSILON));
    String name =
        g.node(
            "SimplifiedLayerNormalization",
            List.of(GraphBuilder.integer("axis", -1), NORM_EPSILON),
            x.name(),
            scale.name());
    return new Value(name, normed.with(scale, (a, b) -> a * b));
  }

  SumAndNorm skipSimplified(Value x, Value skip, boolean keepsSum) {
    Value scale = g.vector(WIDTH, 1);
    double[][] sum = x.with(skip, Double::sum);
    Value normed = new Value(null, new Value(null, sum).normed(false, EPSILON));
    List<String> inputs = List.of(x.name(), skip.name(), scale.name());
    List<String> outputs = outputs(keepsSum);
    g.graph.fused("SkipSimplifiedLayerNormalization", inputs, outputs, NORM_EPSILON);
    return new SumAndNorm(
        new Value(keepsSum ? outputs.get(3) : null, sum),
        new Value(outputs.get(0), normed.with(scale, (a, b) -> a * b)));
  }

  /**
   * @param bias added to the sum, or null
   */
  SumAndNorm skipLayerNorm(Value x, Value skip, Value bias, boolean keepsSum) {
    Value scale = g.vector(WIDTH, 1);
    Value shift = g.vector(WIDTH, 0);
    Value sum = new Value(null, x.with(skip, Double::sum));
    List<String> inputs =
        new ArrayList<>(List.of(x.name(), skip.name(), scale.name(), shift.name()));
    if (bias != null) {
      inputs.add(bias.name());
      sum = new Value(null, sum.with(bias, Double::sum));
    }
    List<String> outputs = outputs(keepsSum);
    g.graph.fused("SkipLayerNormalization", inputs, outputs, NORM_EPSILON);
    return new SumAndNorm(
        sum.as(keepsSum ? outputs.get(3) : null),
        new Value(outputs.get(0), TracedGraph.affine(sum.normed(true, EPSILON), scale, shift)));
  }

  private List<String> outputs(boolean keepsSum) {
    String normed = g.name("normed");
    return keepsSum ? List.of(normed, "", "", g.name("sum")) : List.of(normed);
  }

  /** Mask and lengths, as builders of generative models compute them once for all layers. */
  record Lengths(String last, String total) {}

  Lengths lengths() {
    g.graph.input("attention_mask", DataType.INT64, "batch_size", "total_sequence_length");
    List<AttributeProto> narrow = List.of(GraphBuilder.integer("to", DataType.INT32.getNumber()));
    String sum =
        g.node(
            "ReduceSum",
            List.of(GraphBuilder.integer("keepdims", 0)),
            "attention_mask",
            g.graph.integers(1));
    String last = g.node("Cast", narrow, g.node("Sub", sum, g.graph.scalar(1)));
    String shape = g.node("Shape", "attention_mask");
    String total = g.node("Cast", narrow, g.node("Gather", shape, g.graph.scalar(1)));
    return new Lengths(last, total);
  }

  /** Causal attention in which two heads of the query share one of key and value. */
  Value groupedQuery(Value x, Lengths lengths) {
    Value query = g.product(x, g.matrix(WIDTH, WIDTH));
    Value key = g.product(x, g.matrix(WIDTH, SIZE));
    Value value = g.product(x, g.matrix(WIDTH, SIZE));
    String layer = "past_key_values." + caches + ".";
    String present = "present." + caches++ + ".";
    String mixed = g.name("attention");
    g.graph.fused(
        "GroupQueryAttention",
        List.of(
            query.name(),
            key.name(),
            value.name(),
            cache(layer + "key"),
            cache(layer + "value"),
            lengths.last(),
            lengths.total()),
        List.of(mixed, present + "key", present + "value"),
        GraphBuilder.integer("num_heads", HEADS),
        GraphBuilder.integer("kv_num_heads", 1));
    double[][] rows =
        Heads.attend(query.rows(), key.rows(), value.rows(), HEADS, 1, 1 / Math.sqrt(SIZE), true);
    return g.product(new Value(mixed, rows), g.matrix(WIDTH, WIDTH));
  }

  private String cache(String name) {
    return g.graph.input(
        name, DataType.FLOAT, List.of(-1L, 1L, -1L, (long) SIZE), "batch_size", "past_length");
  }

  Value multiHead(Value x) {
    Value query = g.product(x, g.matrix(WIDTH, WIDTH));
    Value key = g.product(x, g.matrix(WIDTH, WIDTH));
    Value value = g.product(x, g.matrix(WIDTH, WIDTH));
    String mixed =
        g.fused(
            "MultiHeadAttention",
            List.of(GraphBuilder.integer("num_heads", HEADS)),
            query.name(),
            key.name(),
            value.name());
    return g.product(new Value(mixed, mixed(query, key, value)), g.matrix(WIDTH, WIDTH));
  }

  /** Projections and attention in one operator. */
  Value attention(Value x) {
    Value weights = g.constant(g.normal(WIDTH, 3 * WIDTH, 0.25), WIDTH, 3 * WIDTH);
    Value bias = g.vector(3 * WIDTH, 0);
    List<AttributeProto> heads = List.of(GraphBuilder.integer("num_heads", HEADS));
    String mixed = g.fused("Attention", heads, x.name(), weights.name(), bias.name());
    Value product = new Value(null, x.times(weights));
    Value all = new Value(null, product.with(bias, Double::sum));
    Value query = new Value(null, all.columns(0, WIDTH, 1));
    Value key = new Value(null, all.columns(WIDTH, 2 * WIDTH, 1));
    Value value = new Value(null, all.columns(2 * WIDTH, 3 * WIDTH, 1));
    return g.product(new Value(mixed, mixed(query, key, value)), g.matrix(WIDTH, WIDTH));
  }

  private static double[][] mixed(Value query, Value key, Value value) {
    return Heads.attend(
        query.rows(), key.rows(), value.rows(), HEADS, HEADS, 1 / Math.sqrt(SIZE), false);
  }
}
