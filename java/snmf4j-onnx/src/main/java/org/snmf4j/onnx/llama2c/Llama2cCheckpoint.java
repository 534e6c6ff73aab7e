package org.snmf4j.onnx.llama2c;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;

/**
 * A llama2.c checkpoint with float32 weights: the legacy layout, where a negative vocabulary size
 * says that the output weights are stored apart, or version 1. Version 2 (int8) is refused.
 *
 * <p>Holds the header only; the weights are read when they are written elsewhere. Immutable and
 * safe for use by several threads.
 */
public final class Llama2cCheckpoint {
  private final Path file;
  private final CheckpointHeader header;
  private final CheckpointLayout layout;

  private Llama2cCheckpoint(Path file, CheckpointHeader header) {
    this.file = file;
    this.header = header;
    this.layout = new CheckpointLayout(header);
  }

  /**
   * Reads a checkpoint's header and compares the file's length with what it demands.
   *
   * @param file a {@code .bin} file
   * @throws FileFormatException if it is no checkpoint, of a version other than 0 and 1, cut short
   *     or too long
   * @throws FileAccessException if it cannot be read
   */
  public static Llama2cCheckpoint open(Path file) {
    ByteBuffer start = ByteBuffer.allocate(CheckpointHeader.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long length;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      length = channel.size();
      while (start.hasRemaining() && channel.read(start) >= 0) {
        // One read may give less than there is.
      }
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
    start.flip();
    if (start.remaining() < CheckpointHeader.LEGACY_BYTES) {
      throw new FileFormatException(
          file,
          "has "
              + start.remaining()
              + " bytes but a llama2.c checkpoint's header alone takes "
              + CheckpointHeader.LEGACY_BYTES);
    }
    Llama2cCheckpoint checkpoint = new Llama2cCheckpoint(file, CheckpointHeader.of(file, start));
    long expected = checkpoint.layout.bytes();
    if (length != expected) {
      throw new FileFormatException(
          file,
          "has " + length + " bytes but its header " + checkpoint.shape() + " demands " + expected);
    }
    return checkpoint;
  }

  /** Path the checkpoint was read from. */
  public Path file() {
    return file;
  }

  /** The model's sizes. */
  public Llama2cShape shape() {
    return header.shape();
  }

  /**
   * Writes the model as ONNX.
   *
   * <p>Inputs, as Optimum lays them out: {@code input_ids}, {@code position_ids} {@code [batch,
   * length]} and {@code attention_mask} {@code [batch, past + length]} (int64), {@code
   * past_key_values.L.key} and {@code .value} {@code [batch, kv_heads, past, head_width]} (float32)
   * for every layer L. Outputs: {@code logits} {@code [batch, length, vocabulary]}, {@code
   * present.L.key} and {@code .value} {@code [batch, kv_heads, past + length, head_width]}. Only
   * operators of ONNX's own domain, opset 17. Tokens whose mask is 0 are invisible to all others,
   * so that shorter sequences may be padded on the left (positions counted from their first true
   * token) or on the right. Query and key weights are stored with each head's pairs split into
   * halves, which turns the interleaved rotation into one of halves and leaves all products as they
   * are.
   *
   * <p>Weights lie inside the file up to 1.5 GB and beyond that in {@code NAME.data} beside it,
   * where {@code NAME} is the model's file name. Memory: one weight matrix.
   *
   * @param target the {@code .onnx} file; replaced in one step if it exists, and left as it was
   *     after a failure. Of a model with external data the two files are replaced one directly
   *     after the other
   * @throws FileFormatException if a weight is not finite, or a single layer's matrix has more than
   *     2^31 - 1 elements
   * @throws FileAccessException if the checkpoint cannot be read or the target not be written
   */
  public void writeOnnx(Path target) {
    writeOnnx(target, OnnxFileWriter.MAX_INTERNAL_BYTES);
  }

  void writeOnnx(Path target, long maxInternalBytes) {
    try (CheckpointReader reader = new CheckpointReader(file, layout)) {
      LlamaWeights weights = new LlamaWeights(reader, header.shape());
      new OnnxFileWriter(target, LlamaGraph.of(header.shape()), weights.all(), maxInternalBytes)
          .write();
    }
  }
}
