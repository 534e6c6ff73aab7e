package org.snmf4j.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.TokenTable;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.EncodedText;
import org.snmf4j.onnx.text.TextTokenizer;

/** Turns sentences into sequences for the model and fills the table of the tokens to keep. */
final class SequenceBuilder {
  private final OptionalInt limit;
  private final boolean truncate;
  private final OptionalLong vocabulary;
  private final TokenTable.Builder table = new TokenTable.Builder();
  private final List<TokenSequence> sequences = new ArrayList<>();
  private int kept;

  /**
   * @param limit longest sequence that the model takes
   * @param truncate whether to shorten longer sentences instead of refusing them
   * @param vocabulary limit of token ids
   */
  SequenceBuilder(OptionalInt limit, boolean truncate, OptionalLong vocabulary) {
    this.limit = limit;
    this.truncate = truncate;
    this.vocabulary = vocabulary;
  }

  List<TokenSequence> sequences() {
    return sequences;
  }

  TokenTable table() {
    return table.build();
  }

  void addText(DataSet.Sentence sentence, TextTokenizer tokenizer) {
    EncodedText encoded = tokenizer.encode(sentence.text());
    int number = table.addSentence(sentence.text(), sentence.label());
    int length = encoded.size();
    int[] positions = new int[length];
    Arrays.setAll(positions, i -> i);
    if (overflows(number, length)) {
      positions = shortened(encoded, limit.getAsInt());
    }
    int[] ids = new int[positions.length];
    BitSet wanted = new BitSet();
    int first = kept;
    for (int i = 0; i < positions.length; i++) {
      int token = positions[i];
      ids[i] = encoded.ids()[token];
      requireInVocabulary(number, ids[i]);
      if (!encoded.special()[token]) {
        wanted.set(i);
        table.addToken(
            ids[i],
            encoded.pieces()[token],
            encoded.starts()[token],
            encoded.ends()[token],
            number,
            i);
        kept++;
      }
    }
    add(new TokenSequence(number, ids, new BitSet(), wanted, first));
  }

  /** Drops tokens before the special tokens at the end (SEP, EOS), which stay. */
  private static int[] shortened(EncodedText encoded, int limit) {
    int size = encoded.size();
    int trailing = 0;
    while (trailing < limit && encoded.special()[size - 1 - trailing]) {
      trailing++;
    }
    int[] positions = new int[limit];
    for (int i = 0; i < limit; i++) {
      positions[i] = i < limit - trailing ? i : size - limit + i;
    }
    return positions;
  }

  /**
   * @param mask 0 for padding, 1 for tokens, or null for none of the former
   */
  void addIds(long[] tokens, long[] mask) {
    int number = table.addSentence(null, null);
    int length = tokens.length;
    while (mask != null && length > 0 && mask[length - 1] == 0) {
      length--;
    }
    if (overflows(number, length)) {
      length = limit.getAsInt();
    }
    int[] ids = new int[length];
    BitSet padding = new BitSet();
    BitSet wanted = new BitSet();
    int first = kept;
    for (int i = 0; i < length; i++) {
      if (mask != null && mask[i] == 0) {
        padding.set(i);
        continue;
      }
      if (tokens[i] < 0) {
        throw new InvalidArgumentException(
            "token id at sentence " + number + ", position " + i, tokens[i], "at least 0");
      }
      requireInVocabulary(number, tokens[i]);
      ids[i] = (int) tokens[i];
      wanted.set(i);
      table.addToken(ids[i], null, -1, -1, number, i);
      kept++;
    }
    add(new TokenSequence(number, ids, padding, wanted, first));
  }

  private void add(TokenSequence sequence) {
    // A sentence of nothing but special tokens or padding has no activations to offer.
    if (!sequence.kept().isEmpty()) {
      sequences.add(sequence);
    }
  }

  private boolean overflows(int sentence, int length) {
    if (limit.isEmpty() || length <= limit.getAsInt()) {
      return false;
    }
    if (!truncate) {
      throw new ContextOverflowException(sentence, length, limit.getAsInt());
    }
    return true;
  }

  private void requireInVocabulary(int sentence, long id) {
    long size = vocabulary.orElse(Integer.MAX_VALUE);
    if (id >= size) {
      throw new TokenizerMismatchException(sentence, id, size);
    }
  }
}
