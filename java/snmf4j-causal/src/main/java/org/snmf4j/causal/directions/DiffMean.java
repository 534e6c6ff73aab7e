package org.snmf4j.causal.directions;

import java.util.ArrayList;
import java.util.List;
import org.snmf4j.causal.Direction;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.Activations;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * The difference of means: the mean activation over the tokens of positive sentences minus that
 * over the tokens of negative ones, scaled to unit length. A simple baseline to steer with.
 */
public final class DiffMean {
  private DiffMean() {}

  /**
   * The direction from negative to positive sentences.
   *
   * @param positive sentences with the concept, at least one
   * @param negative sentences without it, at least one
   * @param layer 0-based
   * @throws InvalidArgumentException if a side is empty or both have the same mean, or the model
   *     has fewer layers
   * @throws org.snmf4j.onnx.ContextOverflowException if a sentence is longer than the model's
   *     context
   * @throws org.snmf4j.onnx.TokenizerMismatchException if a token is not in the model's vocabulary
   */
  public static Direction of(
      OnnxModel model,
      TextTokenizer tokenizer,
      List<String> positive,
      List<String> negative,
      Site site,
      int layer) {
    requireAny(positive.size(), "positive sentences");
    requireAny(negative.size(), "negative sentences");
    List<DataSet.Sentence> sentences = new ArrayList<>();
    positive.forEach(text -> sentences.add(new DataSet.Sentence(text, null)));
    negative.forEach(text -> sentences.add(new DataSet.Sentence(text, null)));
    return of(
        Extractor.builder(model).text(DataSet.of(sentences), tokenizer),
        positive.size(),
        site,
        layer);
  }

  /**
   * As {@link #of(OnnxModel, TextTokenizer, List, List, Site, int)}, from token ids {@code
   * [sentences][length]}; every token counts.
   */
  public static Direction ofIds(
      OnnxModel model, long[][] positive, long[][] negative, Site site, int layer) {
    requireAny(positive.length, "positive sentences");
    requireAny(negative.length, "negative sentences");
    long[][] all = new long[positive.length + negative.length][];
    System.arraycopy(positive, 0, all, 0, positive.length);
    System.arraycopy(negative, 0, all, positive.length, negative.length);
    return of(Extractor.builder(model).tokenIds(all, null), positive.length, site, layer);
  }

  private static void requireAny(int count, String name) {
    if (count == 0) {
      throw new InvalidArgumentException(name, "empty", "at least one");
    }
  }

  private static Direction of(Extractor.Builder sentences, int positive, Site site, int layer) {
    Extractor extractor = sentences.sites(List.of(site)).layers(List.of(layer)).build();
    try (Activations activations = extractor.extract()) {
      ActivationSet set = activations.get(site, layer);
      // A view, a row per token.
      Matrix tokens = set.matrix().transpose();
      int width = Math.toIntExact(tokens.columns());
      double[][] sums = new double[2][width];
      int[] counts = new int[2];
      float[] row = new float[width];
      for (int token = 0; token < set.tokens().size(); token++) {
        int side = set.tokens().sentence(token) < positive ? 0 : 1;
        tokens.readRow(token, 0, row, 0, width);
        counts[side]++;
        for (int i = 0; i < width; i++) {
          sums[side][i] += row[i];
        }
      }
      requireAny(counts[0], "tokens of the positive sentences");
      requireAny(counts[1], "tokens of the negative sentences");
      float[] difference = new float[width];
      for (int i = 0; i < width; i++) {
        difference[i] = (float) (sums[0][i] / counts[0] - sums[1][i] / counts[1]);
      }
      return Direction.of("difference of means", site, difference).unit();
    }
  }
}
