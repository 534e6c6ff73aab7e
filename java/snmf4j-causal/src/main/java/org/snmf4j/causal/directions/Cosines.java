package org.snmf4j.causal.directions;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.snmf4j.causal.Direction;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;

/** How much the activations of tokens point along a direction. */
public final class Cosines {
  private Cosines() {}

  /**
   * The token of a sentence that points most along a direction.
   *
   * @param sentence 0-based index in the set
   * @param token index of that token in the set's table; -1 if the sentence has no tokens there
   * @param cosine of the angle between its activations and the direction; NaN without tokens
   */
  public record Maximum(int sentence, int token, double cosine) {}

  /**
   * Cosine of the angle between every token's activations and a direction, 0 for activations that
   * are zero.
   *
   * @return {@code [tokens]}, each from -1 to 1
   * @throws InvalidArgumentException if the direction is zero or of another site or width
   */
  public static double[] perToken(ActivationSet activations, Direction direction) {
    if (direction.site() != activations.site()) {
      throw new InvalidArgumentException(
          "direction " + direction.name(),
          "at " + direction.site().id(),
          "at the activations' site, " + activations.site().id());
    }
    Matrix tokens = activations.matrix().transpose();
    if (direction.size() != tokens.columns()) {
      throw new InvalidArgumentException(
          "direction " + direction.name(),
          "of " + direction.size() + " values",
          "as wide as the activations (" + tokens.columns() + ")");
    }
    double length = direction.length();
    if (!(length > 0)) {
      throw new InvalidArgumentException("direction " + direction.name(), "zero", "nonzero");
    }
    float[] values = direction.values();
    float[] row = new float[values.length];
    double[] cosines = new double[Math.toIntExact(tokens.rows())];
    for (int token = 0; token < cosines.length; token++) {
      tokens.readRow(token, 0, row, 0, row.length);
      double product = 0;
      double square = 0;
      for (int i = 0; i < row.length; i++) {
        product += (double) row[i] * values[i];
        square += (double) row[i] * row[i];
      }
      cosines[token] = square > 0 ? product / (Math.sqrt(square) * length) : 0;
    }
    return cosines;
  }

  /**
   * Per sentence the token with the largest cosine, of equal ones the first.
   *
   * @return an element per sentence of the set
   * @throws InvalidArgumentException if the direction is zero or of another site or width
   */
  public static List<Maximum> maxima(ActivationSet activations, Direction direction) {
    double[] cosines = perToken(activations, direction);
    int[] best = new int[activations.tokens().sentences().size()];
    Arrays.fill(best, -1);
    for (int token = 0; token < cosines.length; token++) {
      int sentence = activations.tokens().sentence(token);
      if (best[sentence] < 0 || cosines[token] > cosines[best[sentence]]) {
        best[sentence] = token;
      }
    }
    List<Maximum> maxima = new ArrayList<>();
    for (int sentence = 0; sentence < best.length; sentence++) {
      double cosine = best[sentence] < 0 ? Double.NaN : cosines[best[sentence]];
      maxima.add(new Maximum(sentence, best[sentence], cosine));
    }
    return List.copyOf(maxima);
  }
}
