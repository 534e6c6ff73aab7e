package org.snmf4j.onnx.llama2c;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;

/**
 * The graph of a Llama model, without its large weights.
 *
 * <p>Norms, rotation and attention are spelt out in the operators that ONNX Runtime's optimizer
 * knows to fuse. Query heads that share keys are a broadcast axis of their own, so that no key is
 * copied.
 */
final class LlamaGraph {
  static final String EMBEDDINGS = "model.embed_tokens.weight";
  static final String COSINES = "model.rotary.cos";
  static final String SINES = "model.rotary.sin";
  static final String FINAL_NORM = "model.norm.weight";
  static final String OUTPUT = "lm_head.weight";

  private static final float EPSILON = 1e-5f;

  /** Added to the score of an invisible key; an infinity would make rows of padding NaN. */
  private static final float INVISIBLE = -Float.MAX_VALUE;

  private final Llama2cShape shape;
  private final boolean grouped;
  private final GraphNodes nodes = new GraphNodes();

  private LlamaGraph(Llama2cShape shape) {
    this.shape = shape;
    this.grouped = shape.keyValueHeads() < shape.heads();
  }

  /** The graph; its initializers of {@link LlamaWeights} are missing. */
  static GraphProto of(Llama2cShape shape) {
    return new LlamaGraph(shape).build();
  }

  static String attentionNorm(int layer) {
    return block(layer) + "input_layernorm.weight";
  }

  static String queryKeyValue(int layer) {
    return block(layer) + "self_attn.qkv_proj.weight";
  }

  static String attentionOut(int layer) {
    return block(layer) + "self_attn.o_proj.weight";
  }

  static String mlpNorm(int layer) {
    return block(layer) + "post_attention_layernorm.weight";
  }

  static String gate(int layer) {
    return block(layer) + "mlp.gate_proj.weight";
  }

  static String up(int layer) {
    return block(layer) + "mlp.up_proj.weight";
  }

  static String down(int layer) {
    return block(layer) + "mlp.down_proj.weight";
  }

  private static String block(int layer) {
    return "model.layers." + layer + ".";
  }

  private GraphProto build() {
    nodes.input("input_ids", DataType.INT64, "batch_size", "sequence_length");
    nodes.input("attention_mask", DataType.INT64, "batch_size", "total_sequence_length");
    nodes.input("position_ids", DataType.INT64, "batch_size", "sequence_length");
    nodes.output("logits", "batch_size", "sequence_length", shape.vocabulary());
    nodes.real("epsilon", EPSILON);
    nodes.real("two", 2);
    nodes.real("score_scale", (float) (1 / Math.sqrt(shape.headWidth())));
    nodes.integers("half_sizes", shape.headWidth() / 2, shape.headWidth() / 2);
    nodes.integers("heads_shape", 0, 0, shape.heads() + 2 * shape.keyValueHeads(), headWidth());
    nodes.integers("rotated_sizes", shape.heads() + shape.keyValueHeads(), shape.keyValueHeads());
    nodes.integers("query_key_sizes", shape.heads(), shape.keyValueHeads());
    nodes.integers("joined_shape", 0, 0, shape.width());
    if (grouped) {
      int group = shape.heads() / shape.keyValueHeads();
      nodes.integers("grouped_shape", 0, shape.keyValueHeads(), group, -1, headWidth());
      nodes.integers("ungrouped_shape", 0, shape.heads(), -1, headWidth());
      nodes.integers("group_axis", 2);
    }
    mask();
    angles(COSINES, "rotary_cos");
    angles(SINES, "rotary_sin");
    String stream = nodes.add("Gather", "model.embed_tokens", EMBEDDINGS, "input_ids");
    for (int layer = 0; layer < shape.layers(); layer++) {
      stream = block(layer, stream);
    }
    String normed = norm("model.norm", stream, FINAL_NORM);
    String weights = shape.tied() ? EMBEDDINGS : OUTPUT;
    nodes.add("Transpose", "lm_head.turned", List.of(GraphNodes.list("perm", 1, 0)), weights);
    nodes.add("MatMul", "logits", normed, "lm_head.turned");
    return nodes.graph("llama");
  }

  private int headWidth() {
    return shape.headWidth();
  }

  /** {@code attention_bias} {@code [batch, 1, length, past + length]}, grouped with one more 1. */
  private void mask() {
    nodes.scalar("zero_index", 0);
    nodes.scalar("one_index", 1);
    nodes.integers("row_axis", 1);
    nodes.integers("mask_axes", grouped ? new long[] {1, 2, 3} : new long[] {1, 2});
    nodes.real("visible", 0);
    nodes.real("invisible", INVISIBLE);
    nodes.add("Shape", "input_shape", "input_ids");
    nodes.add("Gather", "length", "input_shape", "one_index");
    nodes.add("Shape", "mask_shape", "attention_mask");
    nodes.add("Gather", "total", "mask_shape", "one_index");
    nodes.add("Sub", "past", "total", "length");
    nodes.add("Range", "keys", "zero_index", "total", "one_index");
    nodes.add("Range", "queries", "past", "total", "one_index");
    nodes.add("Unsqueeze", "query_rows", "queries", "row_axis");
    nodes.add("LessOrEqual", "causal", "keys", "query_rows");
    nodes.add(
        "Cast",
        "tokens",
        List.of(GraphNodes.integer("to", DataType.BOOL.getNumber())),
        "attention_mask");
    nodes.add("Unsqueeze", "token_columns", "tokens", "mask_axes");
    nodes.add("And", "seen", "causal", "token_columns");
    nodes.add("Where", "attention_bias", "seen", "visible", "invisible");
  }

  /** {@code [batch, 1, length, headWidth]} */
  private void angles(String table, String name) {
    nodes.add("Gather", name + ".rows", table, "position_ids");
    nodes.add("Unsqueeze", name, name + ".rows", "row_axis");
  }

  private String norm(String name, String input, String weight) {
    nodes.add("Pow", name + ".square", input, "two");
    nodes.add(
        "ReduceMean",
        name + ".mean",
        List.of(GraphNodes.list("axes", -1), GraphNodes.integer("keepdims", 1)),
        name + ".square");
    nodes.add("Add", name + ".shifted", name + ".mean", "epsilon");
    nodes.add("Sqrt", name + ".root", name + ".shifted");
    nodes.add("Div", name + ".scaled", input, name + ".root");
    return nodes.add("Mul", name, name + ".scaled", weight);
  }

  private String block(int layer, String stream) {
    String name = block(layer);
    String normed = norm(name + "input_layernorm", stream, attentionNorm(layer));
    String attended = nodes.add("Add", name + "attended", stream, attention(layer, normed));
    normed = norm(name + "post_attention_layernorm", attended, mlpNorm(layer));
    nodes.add("MatMul", name + "mlp.gate_proj", normed, gate(layer));
    nodes.add("MatMul", name + "mlp.up_proj", normed, up(layer));
    nodes.add("Sigmoid", name + "mlp.sigmoid", name + "mlp.gate_proj");
    nodes.add("Mul", name + "mlp.silu", name + "mlp.gate_proj", name + "mlp.sigmoid");
    nodes.add("Mul", name + "mlp.hidden", name + "mlp.silu", name + "mlp.up_proj");
    nodes.add("MatMul", name + "mlp.down_proj", name + "mlp.hidden", down(layer));
    return nodes.add("Add", name + "output", attended, name + "mlp.down_proj");
  }

  private String attention(int layer, String normed) {
    String name = block(layer) + "self_attn.";
    AttributeProto heads = GraphNodes.list("perm", 0, 2, 1, 3);
    nodes.add("MatMul", name + "qkv_proj", normed, queryKeyValue(layer));
    nodes.add("Reshape", name + "qkv_heads", name + "qkv_proj", "heads_shape");
    nodes.add("Transpose", name + "qkv", List.of(heads), name + "qkv_heads");
    split(name + "qkv", "rotated_sizes", 1, name + "qk", name + "v");
    split(name + "qk", "half_sizes", -1, name + "qk.first", name + "qk.second");
    concat(name + "qk.swapped", -1, name + "qk.second", name + "qk.first");
    nodes.add("Mul", name + "qk.cos", name + "qk", "rotary_cos");
    nodes.add("Mul", name + "qk.sin", name + "qk.swapped", "rotary_sin");
    nodes.add("Add", name + "qk.rotated", name + "qk.cos", name + "qk.sin");
    split(name + "qk.rotated", "query_key_sizes", 1, name + "q", name + "k");
    String key = cached(layer, "key", name + "k");
    String value = cached(layer, "value", name + "v");
    String query = name + "q";
    if (grouped) {
      query = nodes.add("Reshape", name + "q.grouped", query, "grouped_shape");
      key = nodes.add("Unsqueeze", name + "k.grouped", key, "group_axis");
      value = nodes.add("Unsqueeze", name + "v.grouped", value, "group_axis");
    }
    AttributeProto turned =
        grouped ? GraphNodes.list("perm", 0, 1, 2, 4, 3) : GraphNodes.list("perm", 0, 1, 3, 2);
    nodes.add("Transpose", name + "k.turned", List.of(turned), key);
    nodes.add("MatMul", name + "products", query, name + "k.turned");
    nodes.add("Mul", name + "scores", name + "products", "score_scale");
    nodes.add("Add", name + "masked", name + "scores", "attention_bias");
    nodes.add(
        "Softmax", name + "weights", List.of(GraphNodes.integer("axis", -1)), name + "masked");
    String mixed = nodes.add("MatMul", name + "mixed", name + "weights", value);
    if (grouped) {
      mixed = nodes.add("Reshape", name + "mixed.ungrouped", mixed, "ungrouped_shape");
    }
    nodes.add("Transpose", name + "mixed.turned", List.of(heads), mixed);
    nodes.add("Reshape", name + "joined", name + "mixed.turned", "joined_shape");
    return nodes.add("MatMul", name + "o_proj", name + "joined", attentionOut(layer));
  }

  /** What the cache holds followed by the new keys or values, which is the next cache. */
  private String cached(int layer, String what, String fresh) {
    String past = "past_key_values." + layer + "." + what;
    String present = "present." + layer + "." + what;
    int heads = shape.keyValueHeads();
    nodes.input(past, DataType.FLOAT, "batch_size", heads, "past_sequence_length", headWidth());
    nodes.output(present, "batch_size", heads, "total_sequence_length", headWidth());
    concat(present, 2, past, fresh);
    return present;
  }

  private void split(String input, String sizes, int axis, String first, String second) {
    nodes.add(
        "Split",
        List.of(first, second),
        List.of(GraphNodes.integer("axis", axis)),
        List.of(input, sizes));
  }

  private void concat(String output, int axis, String first, String second) {
    nodes.add("Concat", output, List.of(GraphNodes.integer("axis", axis)), first, second);
  }
}
