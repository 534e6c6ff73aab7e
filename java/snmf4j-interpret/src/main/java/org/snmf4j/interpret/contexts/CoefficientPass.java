package org.snmf4j.interpret.contexts;

import java.util.Arrays;
import org.snmf4j.matrix.Matrix;

/** One pass over a feature's coefficients: strongest tokens, sums, and sums per label. */
final class CoefficientPass {
  private static final int BLOCK = 1 << 15;

  private final Matrix coefficients;
  private final Labels labels;
  private final StrongestTokens strongest;
  private final double[] block;
  private final double[] labelMass;
  private double sum;
  private double squares;

  CoefficientPass(Matrix coefficients, Labels labels, int contexts) {
    this.coefficients = coefficients;
    this.labels = labels;
    int tokens = Math.toIntExact(coefficients.columns());
    strongest = new StrongestTokens(Math.min(contexts, tokens));
    block = new double[Math.min(BLOCK, tokens)];
    labelMass = new double[labels.count()];
  }

  /** Runs over a row and returns its strongest tokens, the strongest first. */
  int[] run(int feature) {
    strongest.clear();
    Arrays.fill(labelMass, 0);
    sum = 0;
    squares = 0;
    int tokens = (int) coefficients.columns();
    for (int from = 0; from < tokens; from += block.length) {
      int length = Math.min(block.length, tokens - from);
      coefficients.readRow(feature, from, block, 0, length);
      for (int i = 0; i < length; i++) {
        double value = block[i];
        if (value > 0) {
          add(from + i, value);
        }
      }
    }
    return strongest.drain();
  }

  private void add(int token, double value) {
    strongest.offer(token, value);
    sum += value;
    squares += value * value;
    int label = labels.of(token);
    if (label >= 0) {
      labelMass[label] += value;
    }
  }

  /** Share of the last row's sum that fell on a label. */
  double massShare(int label) {
    return sum > 0 ? labelMass[label] / sum : 0;
  }

  /** Treves and Rolls's sparseness of the last row; 0 for a row of zeros. */
  double selectivity() {
    if (squares == 0) {
      return 0;
    }
    // Rounding may bring a row of equal coefficients below 0.
    return Math.max(0, 1 - sum / squares * (sum / coefficients.columns()));
  }
}
