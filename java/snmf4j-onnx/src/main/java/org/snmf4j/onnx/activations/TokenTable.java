package org.snmf4j.onnx.activations;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.error.InvalidArgumentException;

/**
 * The tokens behind the columns of an activation matrix, in the same order, and the sentences they
 * come from.
 *
 * <p>Immutable and safe for use by several threads.
 */
public final class TokenTable {
  private final int[] ids;
  private final String[] pieces;
  private final int[] starts;
  private final int[] ends;
  private final int[] sentences;
  private final int[] positions;
  private final List<Sentence> texts;

  /**
   * A sentence of the data set.
   *
   * @param text the text, or null if only token ids were given
   * @param label the label, or null if unlabelled
   */
  public record Sentence(String text, String label) {}

  private TokenTable(Builder builder) {
    int n = builder.size;
    ids = Arrays.copyOf(builder.ids, n);
    pieces = builder.pieces.toArray(String[]::new);
    starts = Arrays.copyOf(builder.starts, n);
    ends = Arrays.copyOf(builder.ends, n);
    sentences = Arrays.copyOf(builder.sentences, n);
    positions = Arrays.copyOf(builder.positions, n);
    texts = List.copyOf(builder.texts);
  }

  /** Number of tokens, n. */
  public int size() {
    return ids.length;
  }

  /** Id of a token in the model's vocabulary. */
  public int id(int token) {
    return ids[token];
  }

  /** The token as the tokenizer writes it, or null without a tokenizer. */
  public String piece(int token) {
    return pieces[token];
  }

  /** First character of the token in its sentence's text; -1 without a text. */
  public int start(int token) {
    return starts[token];
  }

  /** One past the last character of the token in its sentence's text; -1 without a text. */
  public int end(int token) {
    return ends[token];
  }

  /** Index of the token's sentence. */
  public int sentence(int token) {
    return sentences[token];
  }

  /** Position of the token in the model's input, special tokens counted. */
  public int position(int token) {
    return positions[token];
  }

  /** The sentences, by index. */
  public List<Sentence> sentences() {
    return texts;
  }

  /** Label of the token's sentence, or null. */
  public String label(int token) {
    return texts.get(sentences[token]).label();
  }

  /** Whether at least one sentence has a label. */
  public boolean isLabelled() {
    return texts.stream().anyMatch(sentence -> sentence.label() != null);
  }

  /** Collects tokens in the order of the matrix's columns. Not safe for use by several threads. */
  public static final class Builder {
    private int size;
    private int[] ids = new int[1024];
    private final List<String> pieces = new ArrayList<>();
    private final Map<String, String> samePieces = new HashMap<>();
    private int[] starts = new int[1024];
    private int[] ends = new int[1024];
    private int[] sentences = new int[1024];
    private int[] positions = new int[1024];
    private final List<Sentence> texts = new ArrayList<>();

    /**
     * Adds a sentence.
     *
     * @return its index
     */
    public int addSentence(String text, String label) {
      texts.add(new Sentence(text, label));
      return texts.size() - 1;
    }

    /**
     * Adds a token of a sentence added before.
     *
     * @param id its id in the vocabulary
     * @param piece the token as the tokenizer writes it, or null
     * @param start its first character in the sentence's text, or -1
     * @param end one past its last character, or -1
     * @param sentence index of its sentence
     * @param position its position in the model's input, special tokens counted
     */
    public Builder addToken(int id, String piece, int start, int end, int sentence, int position) {
      if (sentence < 0 || sentence >= texts.size()) {
        throw new InvalidArgumentException(
            "sentence", sentence, "between 0 and " + (texts.size() - 1));
      }
      if (size == ids.length) {
        int grown = size * 2;
        ids = Arrays.copyOf(ids, grown);
        starts = Arrays.copyOf(starts, grown);
        ends = Arrays.copyOf(ends, grown);
        sentences = Arrays.copyOf(sentences, grown);
        positions = Arrays.copyOf(positions, grown);
      }
      ids[size] = id;
      // A vocabulary is small beside a corpus: keep each of its strings once.
      pieces.add(piece == null ? null : samePieces.computeIfAbsent(piece, same -> same));
      starts[size] = start;
      ends[size] = end;
      sentences[size] = sentence;
      positions[size] = position;
      size++;
      return this;
    }

    /** The table of the tokens added so far. */
    public TokenTable build() {
      return new TokenTable(this);
    }
  }
}
