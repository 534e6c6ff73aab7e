package org.snmf4j.onnx.llama2c;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.io.AtomicFile;

/**
 * A llama2.c {@code tokenizer.bin}: strings with scores, of which the highest that can be formed is
 * merged first.
 *
 * <p>Ids 0, 1 and 2 are unknown, beginning and end of text, 3 to 258 the 256 bytes, stored either
 * as the character with the byte's number (older files) or as {@code <0xHH>}. Of equal strings the
 * later id counts. Immutable and safe for use by several threads.
 */
public final class Llama2cTokenizer {
  static final int UNKNOWN = 0;
  static final int BEGIN = 1;
  static final int END = 2;
  static final int FIRST_BYTE = 3;
  static final int FIRST_PIECE = FIRST_BYTE + 256;

  /** A tokenizer of a hundred times the usual vocabulary is no tokenizer. */
  private static final long MAX_BYTES = 1L << 28;

  private final Path file;
  private final List<String> strings;
  private final float[] scores;

  private Llama2cTokenizer(Path file, List<String> strings, float[] scores) {
    this.file = file;
    this.strings = strings;
    this.scores = scores;
  }

  /**
   * Reads a tokenizer.
   *
   * @param file a {@code tokenizer.bin}: the longest length (int32), then per token its score
   *     (float32), length (int32) and bytes (UTF-8), all little-endian
   * @throws FileFormatException if it is none, cut short, or lacks the byte tokens
   * @throws FileAccessException if it cannot be read
   */
  public static Llama2cTokenizer read(Path file) {
    ByteBuffer bytes = bytes(file);
    if (bytes.remaining() < Integer.BYTES) {
      throw new FileFormatException(
          file, "has " + bytes.remaining() + " bytes but its header alone takes 4");
    }
    int longest = bytes.getInt();
    if (longest < 1) {
      throw new FileFormatException(
          file,
          "not a llama2.c tokenizer: longest token is " + longest + " but must be at least 1 byte");
    }
    List<String> strings = new ArrayList<>();
    List<Float> scores = new ArrayList<>();
    while (bytes.hasRemaining()) {
      int id = strings.size();
      if (bytes.remaining() < Float.BYTES + Integer.BYTES) {
        throw cut(file, bytes, id);
      }
      float score = bytes.getFloat();
      int length = bytes.getInt();
      if (Float.isNaN(score)) {
        throw new FileFormatException(file, "score of token " + id + " is NaN");
      }
      if (length < 0 || length > longest) {
        throw new FileFormatException(
            file,
            "length of token " + id + " is " + length + " but must be between 0 and " + longest);
      }
      if (length > bytes.remaining()) {
        throw cut(file, bytes, id);
      }
      strings.add(string(file, id, bytes.slice(bytes.position(), length)));
      scores.add(score);
      bytes.position(bytes.position() + length);
    }
    float[] all = new float[scores.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = scores.get(i);
    }
    Llama2cTokenizer tokenizer = new Llama2cTokenizer(file, List.copyOf(strings), all);
    tokenizer.requireBytes();
    return tokenizer;
  }

  private static FileFormatException cut(Path file, ByteBuffer bytes, int id) {
    return new FileFormatException(file, "ends inside token " + id + ", at byte " + bytes.limit());
  }

  private static ByteBuffer bytes(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size > MAX_BYTES) {
        throw new FileFormatException(
            file, "has " + size + " bytes but a tokenizer must have at most " + MAX_BYTES);
      }
      byte[] all = Channels.newInputStream(channel).readNBytes((int) size);
      return ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  private static String string(Path file, int id, ByteBuffer bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new FileFormatException(file, "token " + id + " is not UTF-8", e);
    }
  }

  private void requireBytes() {
    if (size() < FIRST_PIECE) {
      throw new FileFormatException(
          file,
          "has "
              + size()
              + " tokens but must have at least "
              + FIRST_PIECE
              + ": three special ones and the bytes");
    }
    for (int value = 0; value < 256; value++) {
      String string = strings.get(FIRST_BYTE + value);
      if (!string.equals(Character.toString(value)) && !string.equals(byteName(value))) {
        throw new FileFormatException(
            file,
            "token "
                + (FIRST_BYTE + value)
                + " must stand for the byte "
                + byteName(value)
                + ", as that text or as the character of that number");
      }
    }
  }

  /** How tokenizers write a byte that is part of no known character. */
  static String byteName(int value) {
    return String.format("<0x%02X>", value);
  }

  /** Path the tokenizer was read from. */
  public Path file() {
    return file;
  }

  /** Number of tokens. */
  public int size() {
    return strings.size();
  }

  String string(int id) {
    return strings.get(id);
  }

  float score(int id) {
    return scores[id];
  }

  /**
   * Writes the tokenizer as Hugging Face's {@code tokenizer.json}, for the library of version 0.20
   * or newer.
   *
   * <p>Any text gets the ids that llama2.c gives it, its start token first, with these exceptions:
   *
   * <ul>
   *   <li>A text that is nothing but {@code <unk>}, {@code <s>} or {@code </s>} is that special
   *       token. Inside longer texts they are plain text, as everywhere in llama2.c.
   *   <li>Where different merges of one score compete for the same token (llama2.c takes the
   *       leftmost of all), the one with the longer left part wins, so that runs grow from the
   *       left. Vocabularies trained by SentencePiece have such ties among runs of spaces only,
   *       where both rules agree.
   * </ul>
   *
   * <p>Decoding joins byte tokens into the characters that they spell (older llama2.c printed them
   * as the characters of their numbers), and takes one leading space away.
   *
   * @param target the {@code .json} file; replaced in one step if it exists
   * @throws FileFormatException if two tokens cannot be told apart in that format
   * @throws FileAccessException if it cannot be written
   */
  public void writeJson(Path target) {
    byte[] json = new TokenizerJson(this).bytes();
    AtomicFile.write(
        target,
        channel -> {
          ByteBuffer bytes = ByteBuffer.wrap(json);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }
}
