package org.snmf4j.onnx.llama2c;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.snmf4j.error.FileFormatException;

/**
 * Reads the header of either layout: seven integers (legacy), or 256 bytes that begin with a magic
 * number and a version.
 *
 * @param legacy whether it is the legacy layout
 * @param shape the model's sizes, each within its limits
 */
record CheckpointHeader(boolean legacy, Llama2cShape shape) {
  static final int LEGACY_BYTES = 7 * Integer.BYTES;
  static final int BYTES = 256;

  private static final int MAGIC = 0x616b3432;
  private static final int FLOAT_VERSION = 1;

  // Far beyond any model, and small enough that no product of three of them overflows a long.
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_LAYERS = 1 << 12;
  private static final int MAX_TOKENS = 1 << 24;
  private static final int MAX_CONTEXT = 1 << 21;

  /**
   * @param bytes the file's beginning, at least {@link #LEGACY_BYTES}, little-endian
   */
  static CheckpointHeader of(Path file, ByteBuffer bytes) {
    int from = bytes.position();
    if (bytes.getInt(from) != MAGIC) {
      int vocabulary = bytes.getInt(from + 5 * Integer.BYTES);
      return new CheckpointHeader(true, shape(file, bytes, from, vocabulary >= 0));
    }
    int version = bytes.getInt(from + Integer.BYTES);
    if (version != FLOAT_VERSION) {
      throw new FileFormatException(
          file,
          "checkpoint version is "
              + version
              + " but must be 0 (legacy) or 1, which hold float32 weights"
              + (version == 2 ? "; version 2 holds int8" : ""));
    }
    if (bytes.remaining() < BYTES) {
      throw new FileFormatException(
          file, "has " + bytes.remaining() + " bytes but the header alone takes " + BYTES);
    }
    int sizes = from + 2 * Integer.BYTES;
    byte tied = bytes.get(sizes + LEGACY_BYTES);
    if (tied != 0 && tied != 1) {
      throw new FileFormatException(
          file, "the flag for shared output weights is " + tied + " but must be 0 or 1");
    }
    if (bytes.getInt(sizes + 5 * Integer.BYTES) < 0) {
      throw new FileFormatException(
          file,
          "vocabulary size is "
              + bytes.getInt(sizes + 5 * Integer.BYTES)
              + " but must be between 1 and "
              + MAX_TOKENS
              + " in a checkpoint of version 1");
    }
    return new CheckpointHeader(false, shape(file, bytes, sizes, tied == 1));
  }

  private static Llama2cShape shape(Path file, ByteBuffer bytes, int from, boolean tied) {
    int[] sizes = new int[7];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = bytes.getInt(from + i * Integer.BYTES);
    }
    require(file, "dim", sizes[0], MAX_WIDTH);
    require(file, "hidden_dim", sizes[1], MAX_WIDTH);
    require(file, "n_layers", sizes[2], MAX_LAYERS);
    require(file, "n_heads", sizes[3], sizes[0]);
    require(file, "n_kv_heads", sizes[4], sizes[3]);
    // A negative size says that the output weights are the file's last matrix.
    int vocabulary = sizes[5] < 0 && sizes[5] != Integer.MIN_VALUE ? -sizes[5] : sizes[5];
    require(file, "vocab_size", vocabulary, MAX_TOKENS);
    require(file, "max_seq_len", sizes[6], MAX_CONTEXT);
    if (sizes[0] % sizes[3] != 0 || sizes[0] / sizes[3] % 2 != 0) {
      throw new FileFormatException(
          file,
          "dim is "
              + sizes[0]
              + " but must be an even multiple of n_heads "
              + sizes[3]
              + ", for rotary positions turn pairs");
    }
    if (sizes[3] % sizes[4] != 0) {
      throw new FileFormatException(
          file, "n_heads is " + sizes[3] + " but must be a multiple of n_kv_heads " + sizes[4]);
    }
    return new Llama2cShape(
        sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], vocabulary, sizes[6], tied);
  }

  private static void require(Path file, String name, int value, int limit) {
    if (value < 1 || value > limit) {
      throw new FileFormatException(
          file,
          "not a llama2.c checkpoint: "
              + name
              + " is "
              + value
              + " but must be between 1 and "
              + limit);
    }
  }
}
