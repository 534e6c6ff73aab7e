package org.snmf4j.onnx.llama2c;

import java.util.ArrayList;
import java.util.List;
import org.snmf4j.onnx.llama2c.CheckpointLayout.Kind;

/** A checkpoint's weights in the order and layout that {@link LlamaGraph} reads. */
final class LlamaWeights {
  /** Base of the rotary frequencies where the checkpoint holds no table of angles. */
  private static final double ROTARY_BASE = 10000;

  private static final int PIECE = 1 << 20;

  private final CheckpointReader reader;
  private final Llama2cShape shape;
  private final List<Weight> weights = new ArrayList<>();

  LlamaWeights(CheckpointReader reader, Llama2cShape shape) {
    this.reader = reader;
    this.shape = shape;
  }

  List<Weight> all() {
    long width = shape.width();
    long neurons = shape.neurons();
    long joint = width + 2L * shape.keyValueWidth();
    whole(LlamaGraph.EMBEDDINGS, List.of((long) shape.vocabulary(), width), Kind.EMBEDDINGS);
    List<Long> angles = List.of((long) shape.context(), (long) shape.headWidth());
    weights.add(new Weight(LlamaGraph.COSINES, angles, sink -> angles(Kind.COSINES, 1, sink)));
    weights.add(new Weight(LlamaGraph.SINES, angles, sink -> angles(Kind.SINES, -1, sink)));
    for (int i = 0; i < shape.layers(); i++) {
      int layer = i;
      vector(LlamaGraph.attentionNorm(layer), Kind.ATTENTION_NORM, layer);
      weights.add(
          new Weight(
              LlamaGraph.queryKeyValue(layer),
              List.of(width, joint),
              sink -> sink.accept(queryKeyValue(layer))));
      turned(LlamaGraph.attentionOut(layer), Kind.ATTENTION_OUT, layer, width, width);
      vector(LlamaGraph.mlpNorm(layer), Kind.MLP_NORM, layer);
      turned(LlamaGraph.gate(layer), Kind.GATE, layer, neurons, width);
      turned(LlamaGraph.up(layer), Kind.UP, layer, neurons, width);
      turned(LlamaGraph.down(layer), Kind.DOWN, layer, width, neurons);
    }
    vector(LlamaGraph.FINAL_NORM, Kind.FINAL_NORM, 0);
    if (!shape.tied()) {
      whole(LlamaGraph.OUTPUT, List.of((long) shape.vocabulary(), width), Kind.OUTPUT);
    }
    return weights;
  }

  private void vector(String name, Kind kind, int layer) {
    weights.add(
        new Weight(
            name, List.of((long) shape.width()), sink -> sink.accept(reader.all(kind, layer))));
  }

  /** A matrix as it is, in pieces: token embeddings are by far the largest. */
  private void whole(String name, List<Long> dimensions, Kind kind) {
    weights.add(
        new Weight(
            name,
            dimensions,
            sink -> {
              long size = reader.size(kind);
              for (long at = 0; at < size; at += PIECE) {
                sink.accept(reader.part(kind, 0, at, (int) Math.min(PIECE, size - at)));
              }
            }));
  }

  /** A matrix stored {@code [out, in]}, written {@code [in, out]}. */
  private void turned(String name, Kind kind, int layer, long out, long in) {
    weights.add(
        new Weight(
            name,
            List.of(in, out),
            sink -> {
              float[] rows = reader.all(kind, layer);
              float[] turned = new float[rows.length];
              place(rows, turned, (int) in, (int) out, 0, false);
              sink.accept(turned);
            }));
  }

  /** Queries, keys and values side by side: {@code [width, width + 2 * keyValueWidth]}. */
  private float[] queryKeyValue(int layer) {
    int width = shape.width();
    int keys = shape.keyValueWidth();
    int joint = width + 2 * keys;
    float[] all = new float[reader.elements("joint query weights", (long) width * joint)];
    place(reader.all(Kind.QUERY, layer), all, width, joint, 0, true);
    place(reader.all(Kind.KEY, layer), all, width, joint, width, true);
    place(reader.all(Kind.VALUE, layer), all, width, joint, width + keys, false);
    return all;
  }

  /**
   * Transposes {@code rows} {@code [out, in]} into columns of {@code target}.
   *
   * @param columns columns of {@code target}
   * @param first column of the first row
   * @param halves whether each head's even rows come first and its odd rows last
   */
  private void place(float[] rows, float[] target, int in, int columns, int first, boolean halves) {
    int half = shape.headWidth() / 2;
    int out = rows.length / in;
    for (int row = 0; row < out; row++) {
      int column = first + row;
      if (halves) {
        int inHead = row % (2 * half);
        column = first + row - inHead + inHead / 2 + (inHead % 2) * half;
      }
      for (int i = 0; i < in; i++) {
        target[i * columns + column] = rows[row * in + i];
      }
    }
  }

  /** A table {@code [context, headWidth / 2]} for both halves, the first half times a sign. */
  private void angles(Kind kind, int sign, Weight.Sink sink) {
    int half = shape.headWidth() / 2;
    int rows = Math.max(1, PIECE / half);
    for (int from = 0; from < shape.context(); from += rows) {
      int count = Math.min(rows, shape.context() - from);
      float[] table =
          reader.has(kind)
              ? reader.part(kind, 0, (long) from * half, count * half)
              : computed(kind, from, count);
      float[] both = new float[2 * table.length];
      for (int i = 0; i < table.length; i++) {
        int at = i / half * 2 * half + i % half;
        both[at] = sign * table[i];
        both[at + half] = table[i];
      }
      sink.accept(both);
    }
  }

  private float[] computed(Kind kind, int from, int count) {
    int half = shape.headWidth() / 2;
    float[] table = new float[count * half];
    for (int i = 0; i < table.length; i++) {
      double angle = (from + i / half) * Math.pow(ROTARY_BASE, -(double) (i % half) / half);
      table[i] = (float) (kind == Kind.COSINES ? Math.cos(angle) : Math.sin(angle));
    }
    return table;
  }
}
