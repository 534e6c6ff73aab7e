package org.snmf4j.onnx.activations;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A safetensors file of one float32 tensor {@code activations} {@code [n, d]}, whose rows are
 * written in any order.
 */
final class RowFile implements Closeable {
  /** Opens a file for writing at any position. */
  @FunctionalInterface
  interface Opener {
    Target open(Path file) throws IOException;
  }

  /** A file open for writing at any position. */
  interface Target extends Closeable {
    /** Writes all remaining bytes. */
    void write(ByteBuffer bytes, long position) throws IOException;

    /** Makes sure that what was written is on the disk. */
    void force() throws IOException;
  }

  private final Target target;
  private final int dimension;
  private final long start;
  private long rows;

  private RowFile(Target target, int dimension, long start) {
    this.target = target;
    this.dimension = dimension;
    this.start = start;
  }

  static RowFile create(Path file, long tokens, int dimension, Opener opener) throws IOException {
    byte[] header = header(tokens, dimension);
    Target target = opener.open(file);
    try {
      ByteBuffer bytes =
          ByteBuffer.allocate(Long.BYTES + header.length).order(ByteOrder.LITTLE_ENDIAN);
      target.write(bytes.putLong(header.length).put(header).flip(), 0);
      return new RowFile(target, dimension, Long.BYTES + header.length);
    } catch (IOException | RuntimeException e) {
      target.close();
      throw e;
    }
  }

  private static byte[] header(long tokens, int dimension) {
    long size = tokens * dimension * Float.BYTES;
    String json =
        "{\""
            + StoredFile.TENSOR
            + "\":{\"dtype\":\"F32\",\"shape\":["
            + tokens
            + ","
            + dimension
            + "],\"data_offsets\":[0,"
            + size
            + "]}}";
    // Padded so that the elements are aligned in a mapping of the file.
    int padded = (json.length() + 7) / 8 * 8;
    return (json + " ".repeat(padded - json.length())).getBytes(StandardCharsets.US_ASCII);
  }

  int dimension() {
    return dimension;
  }

  /** Rows written so far. */
  long rows() {
    return rows;
  }

  /**
   * Writes rows.
   *
   * @param buffer scratch memory, little-endian, for at least one row
   */
  void write(long row, FloatBuffer values, int at, int count, ByteBuffer buffer)
      throws IOException {
    int room = buffer.capacity() / (dimension * Float.BYTES);
    for (int done = 0; done < count; done += room) {
      int part = Math.min(room, count - done);
      buffer.clear();
      buffer.asFloatBuffer().put(0, values, at + done * dimension, part * dimension);
      buffer.limit(part * dimension * Float.BYTES);
      target.write(buffer, start + (row + done) * dimension * Float.BYTES);
    }
    rows += count;
  }

  void force() throws IOException {
    target.force();
  }

  @Override
  public void close() throws IOException {
    target.close();
  }

  /** The file system's own files. */
  static Target open(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return new Target() {
      @Override
      public void write(ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
          at += channel.write(bytes, at);
        }
      }

      @Override
      public void force() throws IOException {
        channel.force(true);
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }
}
