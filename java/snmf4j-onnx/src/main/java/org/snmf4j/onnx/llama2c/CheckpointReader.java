package org.snmf4j.onnx.llama2c;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.onnx.llama2c.CheckpointLayout.Kind;

/** Reads weights from a checkpoint, piece by piece. For use by one thread. */
final class CheckpointReader implements AutoCloseable {
  private static final int MAX_ELEMENTS = Integer.MAX_VALUE - 8;

  private final Path file;
  private final CheckpointLayout layout;
  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);

  CheckpointReader(Path file, CheckpointLayout layout) {
    this.file = file;
    this.layout = layout;
    try {
      this.channel = FileChannel.open(file, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  boolean has(Kind kind) {
    return layout.has(kind);
  }

  long size(Kind kind) {
    return layout.size(kind);
  }

  /** All weights of a kind, of one layer where every layer has some. */
  float[] all(Kind kind, int layer) {
    return part(kind, layer, 0, elements(name(kind, layer), layout.size(kind)));
  }

  /** A size that an array can have. */
  int elements(String name, long size) {
    if (size > MAX_ELEMENTS) {
      throw new FileFormatException(
          file, name + " have " + size + " elements but must have at most " + MAX_ELEMENTS);
    }
    return (int) size;
  }

  /** Some weights of a kind. */
  float[] part(Kind kind, int layer, long first, int count) {
    float[] values = new float[count];
    long at = layout.offset(kind, layer) + first * Float.BYTES;
    int done = 0;
    while (done < count) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), (count - done) * (long) Float.BYTES));
      fill(at);
      int floats = buffer.flip().remaining() / Float.BYTES;
      buffer.asFloatBuffer().get(values, done, floats);
      done += floats;
      at += (long) floats * Float.BYTES;
    }
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(values[i])) {
        throw new FileFormatException(
            file,
            name(kind, layer)
                + " holds "
                + values[i]
                + " at element "
                + (first + i)
                + " but must be finite everywhere");
      }
    }
    return values;
  }

  private void fill(long from) {
    long at = from;
    try {
      while (buffer.hasRemaining()) {
        int read = channel.read(buffer, at);
        if (read < 0) {
          throw new FileFormatException(
              file, "has " + channel.size() + " bytes but its header demands " + layout.bytes());
        }
        at += read;
      }
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  private static String name(Kind kind, int layer) {
    return "weights " + kind.name().toLowerCase(Locale.ROOT) + " of layer " + layer;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new FileAccessException("close", file, e);
    }
  }
}
