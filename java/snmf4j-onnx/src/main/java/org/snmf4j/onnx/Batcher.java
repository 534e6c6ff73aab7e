package org.snmf4j.onnx;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/** Groups sequences of similar length, so that little of a batch is padding. */
final class Batcher {
  private final int maxTokens;
  private final OptionalInt fixedRows;
  private final OptionalInt fixedLength;
  private final boolean padding;

  /**
   * @param maxTokens most tokens of a batch, padding counted; a longer sequence runs alone
   * @param fixedRows rows that every batch must have
   * @param fixedLength length that every row must have
   * @param padding whether sequences of different length may share a batch
   */
  Batcher(int maxTokens, OptionalInt fixedRows, OptionalInt fixedLength, boolean padding) {
    this.maxTokens = maxTokens;
    this.fixedRows = fixedRows;
    this.fixedLength = fixedLength;
    this.padding = padding;
  }

  List<TokenBatch> batches(List<TokenSequence> sequences) {
    List<TokenSequence> sorted = new ArrayList<>(sequences);
    sorted.sort(Comparator.comparingInt(TokenSequence::length));
    List<TokenBatch> batches = new ArrayList<>();
    for (int from = 0; from < sorted.size(); ) {
      int to = from + 1;
      while (to < sorted.size() && joins(sorted.subList(from, to), sorted.get(to))) {
        to++;
      }
      // In a square result the axes of sentences and positions could not be told apart.
      while (isSquare(to - from, sorted.get(to - 1).length())) {
        to--;
      }
      batches.add(batch(sorted.subList(from, to)));
      from = to;
    }
    return batches;
  }

  private boolean isSquare(int rows, int length) {
    return rows > 1 && fixedRows.orElse(rows) == fixedLength.orElse(length) && fixedRows.isEmpty();
  }

  private boolean joins(List<TokenSequence> open, TokenSequence next) {
    if (fixedRows.isPresent()) {
      return open.size() < fixedRows.getAsInt();
    }
    long length = fixedLength.orElse(next.length());
    return (padding || open.get(0).length() == next.length())
        && (open.size() + 1) * length <= maxTokens;
  }

  private TokenBatch batch(List<TokenSequence> sequences) {
    int longest = sequences.get(sequences.size() - 1).length();
    return new TokenBatch(
        List.copyOf(sequences), fixedRows.orElse(sequences.size()), fixedLength.orElse(longest));
  }
}
