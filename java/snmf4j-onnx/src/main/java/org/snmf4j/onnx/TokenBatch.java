package org.snmf4j.onnx;

import java.util.List;

/**
 * Sequences that run together, padded on the right to one length.
 *
 * @param sequences at least one
 * @param rows sequences with padding rows, as many as the model wants
 * @param length tokens per row
 */
record TokenBatch(List<TokenSequence> sequences, int rows, int length) {

  /** Ids row by row, 0 where padded. */
  long[] ids() {
    long[] ids = new long[rows * length];
    for (int row = 0; row < sequences.size(); row++) {
      int[] tokens = sequences.get(row).ids();
      for (int i = 0; i < tokens.length; i++) {
        ids[row * length + i] = tokens[i];
      }
    }
    return ids;
  }

  /** 1 for tokens, 0 for padding. */
  long[] mask() {
    long[] mask = new long[rows * length];
    for (int row = 0; row < rows; row++) {
      if (row >= sequences.size()) {
        // A row without any token would divide by zero in attention.
        mask[row * length] = 1;
        continue;
      }
      TokenSequence sequence = sequences.get(row);
      for (int i = 0; i < sequence.length(); i++) {
        mask[row * length + i] = sequence.isAttended(i) ? 1 : 0;
      }
    }
    return mask;
  }

  /** Position of each token among those that are not padding, from 0 on. */
  long[] positions() {
    long[] mask = mask();
    long[] positions = new long[mask.length];
    for (int row = 0; row < rows; row++) {
      long next = 0;
      for (int i = row * length; i < (row + 1) * length; i++) {
        positions[i] = Math.max(0, next + mask[i] - 1);
        next += mask[i];
      }
    }
    return positions;
  }
}
