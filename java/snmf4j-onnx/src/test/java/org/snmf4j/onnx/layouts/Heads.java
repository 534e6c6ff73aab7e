package org.snmf4j.onnx.layouts;

/** Attention in plain Java. */
final class Heads {
  private Heads() {}

  /**
   * Attention within each sentence of {@link TracedGraph#IDS}.
   *
   * @param query {@code [tokens, heads * size]}
   * @param key {@code [tokens, shared * size]}
   * @param value as {@code key}
   * @param heads heads of the query
   * @param shared heads of key and value, each used by {@code heads / shared} of the query's
   */
  static double[][] attend(
      double[][] query,
      double[][] key,
      double[][] value,
      int heads,
      int shared,
      double scale,
      boolean causal) {
    int length = TracedGraph.IDS[0].length;
    int size = query[0].length / heads;
    double[][] result = new double[query.length][query[0].length];
    for (int token = 0; token < query.length; token++) {
      int first = token / length * length;
      int end = causal ? token + 1 : first + length;
      for (int head = 0; head < heads; head++) {
        int from = head * size;
        int other = head / (heads / shared) * size;
        double[] weights = new double[end - first];
        double sum = 0;
        for (int i = first; i < end; i++) {
          double score = 0;
          for (int j = 0; j < size; j++) {
            score += query[token][from + j] * key[i][other + j];
          }
          weights[i - first] = Math.exp(score * scale);
          sum += weights[i - first];
        }
        for (int i = first; i < end; i++) {
          for (int j = 0; j < size; j++) {
            result[token][from + j] += weights[i - first] / sum * value[i][other + j];
          }
        }
      }
    }
    return result;
  }
}
