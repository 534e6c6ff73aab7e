package org.snmf4j.onnx;

import java.util.BitSet;

/**
 * A sentence as the model reads it. Arrays must not be changed.
 *
 * @param sentence its index in the data set
 * @param ids token ids
 * @param padding positions that attention must not see
 * @param kept positions whose activations are wanted
 * @param firstToken index of its first kept token among all kept tokens
 */
record TokenSequence(int sentence, int[] ids, BitSet padding, BitSet kept, int firstToken) {

  int length() {
    return ids.length;
  }

  boolean isAttended(int position) {
    return !padding.get(position);
  }
}
