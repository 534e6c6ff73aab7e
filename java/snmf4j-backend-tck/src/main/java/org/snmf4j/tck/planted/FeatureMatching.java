package org.snmf4j.tck.planted;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/**
 * Fitted features matched with planted ones, one to one, so that the sum of their cosines is
 * largest. Order and positive scale of the features, which a factorization leaves open, do not
 * matter. Sign does: coefficients are not negative, so a feature turned round is another feature,
 * and cosines are signed. Immutable.
 */
public final class FeatureMatching {
  private final int[] planted;
  private final double[] cosines;
  private final double meanCosine;

  private FeatureMatching(int[] planted, double[] cosines) {
    this.planted = planted;
    this.cosines = cosines;
    meanCosine =
        IntStream.range(0, planted.length)
            .filter(j -> planted[j] >= 0)
            .mapToDouble(j -> cosines[j])
            .average()
            .orElseThrow();
  }

  /**
   * Matches in O(d·k·K + min(k, K)²·max(k, K)).
   *
   * @param fitted {@code [d, k]}, finite
   * @param planted {@code [d, K]}, finite
   */
  public static FeatureMatching of(Matrix fitted, Matrix planted) {
    if (fitted.rows() != planted.rows()) {
      throw new InvalidArgumentException(
          "fitted features", "of " + fitted.rows() + " neurons", "of " + planted.rows());
    }
    fitted.requireFinite("fitted features");
    planted.requireFinite("planted features");
    double[][] cosine = cosines(fitted, planted);
    int[] match = new int[cosine.length];
    if (cosine.length <= cosine[0].length) {
      match = Assignment.solve(costs(cosine));
    } else {
      Arrays.fill(match, -1);
      int[] reverse = Assignment.solve(costs(transpose(cosine)));
      for (int l = 0; l < reverse.length; l++) {
        match[reverse[l]] = l;
      }
    }
    double[] matched = new double[match.length];
    for (int j = 0; j < match.length; j++) {
      matched[j] = match[j] < 0 ? Double.NaN : cosine[j][match[j]];
    }
    return new FeatureMatching(match, matched);
  }

  /**
   * For every fitted feature the planted one, {@code [k]}; −1 for those left over if k exceeds K. A
   * copy.
   */
  public int[] planted() {
    return planted.clone();
  }

  /**
   * For every fitted feature its cosine with the planted one, {@code [k]}; NaN for those left over.
   * A zero feature has cosine 0 with all. A copy.
   */
  public double[] cosines() {
    return cosines.clone();
  }

  /** Mean cosine of the min(k, K) matched pairs, in [−1, 1]. */
  public double meanCosine() {
    return meanCosine;
  }

  private static double[][] cosines(Matrix fitted, Matrix planted) {
    int k = Math.toIntExact(fitted.columns());
    int count = Math.toIntExact(planted.columns());
    double[][] products = new double[k][count];
    double[] squares = new double[k];
    double[] plantedSquares = new double[count];
    double[] row = new double[k];
    double[] plantedRow = new double[count];
    for (long i = 0; i < fitted.rows(); i++) {
      fitted.readRow(i, 0, row, 0, k);
      planted.readRow(i, 0, plantedRow, 0, count);
      for (int l = 0; l < count; l++) {
        plantedSquares[l] += plantedRow[l] * plantedRow[l];
      }
      for (int j = 0; j < k; j++) {
        // Fitted features are sparse.
        if (row[j] != 0) {
          squares[j] += row[j] * row[j];
          for (int l = 0; l < count; l++) {
            products[j][l] += row[j] * plantedRow[l];
          }
        }
      }
    }
    for (int j = 0; j < k; j++) {
      for (int l = 0; l < count; l++) {
        double norms = Math.sqrt(squares[j]) * Math.sqrt(plantedSquares[l]);
        products[j][l] = norms > 0 ? products[j][l] / norms : 0;
      }
    }
    return products;
  }

  private static double[][] costs(double[][] cosine) {
    double[][] costs = new double[cosine.length][];
    Arrays.setAll(costs, j -> Arrays.stream(cosine[j]).map(value -> -value).toArray());
    return costs;
  }

  private static double[][] transpose(double[][] values) {
    double[][] transposed = new double[values[0].length][values.length];
    for (int i = 0; i < values.length; i++) {
      for (int j = 0; j < values[i].length; j++) {
        transposed[j][i] = values[i][j];
      }
    }
    return transposed;
  }
}
