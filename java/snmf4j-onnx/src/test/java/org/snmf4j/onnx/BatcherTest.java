package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BatcherTest {
  private static final OptionalInt FREE = OptionalInt.empty();

  private static List<TokenSequence> sequences(int... lengths) {
    List<TokenSequence> sequences = new ArrayList<>();
    for (int length : lengths) {
      sequences.add(
          new TokenSequence(sequences.size(), new int[length], new BitSet(), new BitSet(), 0));
    }
    return sequences;
  }

  private static List<TokenSequence> random(int count) {
    return sequences(new Random(5).ints(count, 1, 50).toArray());
  }

  /** Every sequence runs once, and no batch is larger than it may be. */
  private static void assertComplete(
      List<TokenBatch> batches, List<TokenSequence> sequences, int maxTokens) {
    List<TokenSequence> run = new ArrayList<>();
    for (TokenBatch batch : batches) {
      run.addAll(batch.sequences());
      assertTrue(batch.rows() * batch.length() <= maxTokens || batch.rows() == 1, batch::toString);
      for (TokenSequence sequence : batch.sequences()) {
        assertTrue(sequence.length() <= batch.length());
      }
    }
    assertEquals(sequences.size(), run.size());
    assertTrue(run.containsAll(sequences));
  }

  @Test
  void batchesHoldSequencesOfSimilarLength() {
    List<TokenSequence> sequences = random(200);
    List<TokenBatch> batches = new Batcher(256, FREE, FREE, true).batches(sequences);
    assertComplete(batches, sequences, 256);
    long tokens = sequences.stream().mapToLong(TokenSequence::length).sum();
    long padded = batches.stream().mapToLong(batch -> batch.rows() * batch.length()).sum();
    assertTrue(padded < 1.1 * tokens, padded + " for " + tokens);
  }

  @Test
  void withoutAMaskOnlyEqualLengthsRunTogether() {
    List<TokenSequence> sequences = random(200);
    List<TokenBatch> batches = new Batcher(256, FREE, FREE, false).batches(sequences);
    assertComplete(batches, sequences, 256);
    for (TokenBatch batch : batches) {
      for (TokenSequence sequence : batch.sequences()) {
        assertEquals(batch.length(), sequence.length());
      }
    }
  }

  @Test
  void longSequencesRunAlone() {
    List<TokenSequence> sequences = sequences(900, 3, 700);
    List<TokenBatch> batches = new Batcher(10, FREE, FREE, true).batches(sequences);
    assertEquals(3, batches.size());
    assertComplete(batches, sequences, 10);
  }

  @Test
  void noBatchIsSquare() {
    for (int length = 1; length < 9; length++) {
      for (int count = 1; count < 20; count++) {
        List<TokenSequence> sequences =
            sequences(Collections.nCopies(count, length).stream().mapToInt(i -> i).toArray());
        List<TokenBatch> batches = new Batcher(1000, FREE, FREE, true).batches(sequences);
        assertComplete(batches, sequences, 1000);
        for (TokenBatch batch : batches) {
          assertTrue(batch.rows() == 1 || batch.rows() != batch.length());
        }
      }
    }
  }

  @Test
  void modelsForOneShapeGetThatShape() {
    List<TokenSequence> sequences = random(10);
    List<TokenBatch> batches =
        new Batcher(10, OptionalInt.of(4), OptionalInt.of(60), true).batches(sequences);
    assertEquals(3, batches.size());
    for (TokenBatch batch : batches) {
      assertEquals(4, batch.rows());
      assertEquals(60, batch.length());
      assertEquals(240, batch.ids().length);
    }
    assertEquals(2, batches.get(2).sequences().size());
  }
}
