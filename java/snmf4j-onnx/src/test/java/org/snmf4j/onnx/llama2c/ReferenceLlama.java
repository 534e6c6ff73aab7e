package org.snmf4j.onnx.llama2c;

/**
 * The forward pass as llama2.c defines it, token by token and in double precision: the truth for
 * imported models. Shares no code with the importer.
 */
final class ReferenceLlama {
  /** {@code [tokens][vocabulary]} */
  final double[][] logits;

  /** {@code [layers][tokens][neurons]} */
  final double[][][] mlp;

  private final TestCheckpoint weights;
  private final int width;
  private final int headWidth;
  private final double[][][] keys;
  private final double[][][] values;

  ReferenceLlama(TestCheckpoint weights, int... ids) {
    Llama2cShape shape = weights.shape;
    this.weights = weights;
    this.width = shape.width();
    this.headWidth = width / shape.heads();
    this.keys = new double[shape.layers()][ids.length][];
    this.values = new double[shape.layers()][ids.length][];
    this.logits = new double[ids.length][];
    this.mlp = new double[shape.layers()][ids.length][];
    for (int position = 0; position < ids.length; position++) {
      double[] x = new double[width];
      for (int i = 0; i < width; i++) {
        x[i] = weights.embeddings[ids[position] * width + i];
      }
      for (int layer = 0; layer < shape.layers(); layer++) {
        add(x, attention(layer, position, norm(x, weights.attentionNorm[layer])));
        double[] normed = norm(x, weights.mlpNorm[layer]);
        double[] gate = times(weights.gate[layer], normed);
        double[] up = times(weights.up[layer], normed);
        double[] hidden = new double[gate.length];
        for (int i = 0; i < hidden.length; i++) {
          hidden[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
        }
        mlp[layer][position] = hidden;
        add(x, times(weights.down[layer], hidden));
      }
      logits[position] = times(weights.output, norm(x, weights.finalNorm));
    }
  }

  private double[] attention(int layer, int position, double[] x) {
    Llama2cShape shape = weights.shape;
    double[] query = rotated(times(weights.query[layer], x), position);
    keys[layer][position] = rotated(times(weights.key[layer], x), position);
    values[layer][position] = times(weights.value[layer], x);
    double[] mixed = new double[width];
    int group = shape.heads() / shape.keyValueHeads();
    for (int head = 0; head < shape.heads(); head++) {
      int at = head * headWidth;
      int from = head / group * headWidth;
      double[] scores = new double[position + 1];
      double sum = 0;
      for (int t = 0; t <= position; t++) {
        for (int i = 0; i < headWidth; i++) {
          scores[t] += query[at + i] * keys[layer][t][from + i];
        }
        scores[t] = Math.exp(scores[t] / Math.sqrt(headWidth));
        sum += scores[t];
      }
      for (int t = 0; t <= position; t++) {
        for (int i = 0; i < headWidth; i++) {
          mixed[at + i] += scores[t] / sum * values[layer][t][from + i];
        }
      }
    }
    return times(weights.attentionOut[layer], mixed);
  }

  /** Turns each pair of neighbours. */
  private double[] rotated(double[] x, int position) {
    double[] turned = new double[x.length];
    for (int i = 0; i < x.length; i += 2) {
      double frequency = Math.pow(weights.rotaryBase, -(double) (i % headWidth) / headWidth);
      double cos = Math.cos(position * frequency);
      double sin = Math.sin(position * frequency);
      turned[i] = x[i] * cos - x[i + 1] * sin;
      turned[i + 1] = x[i] * sin + x[i + 1] * cos;
    }
    return turned;
  }

  private static double[] norm(double[] x, float[] weight) {
    double squares = 0;
    for (double value : x) {
      squares += value * value;
    }
    double scale = 1 / Math.sqrt(squares / x.length + 1e-5);
    double[] normed = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      normed[i] = x[i] * scale * weight[i];
    }
    return normed;
  }

  /** A matrix {@code [out, in]} times a vector. */
  private static double[] times(float[] matrix, double[] x) {
    double[] product = new double[matrix.length / x.length];
    for (int i = 0; i < product.length; i++) {
      for (int j = 0; j < x.length; j++) {
        product[i] += matrix[i * x.length + j] * x[j];
      }
    }
    return product;
  }

  private static void add(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }
}
