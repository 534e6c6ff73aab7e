package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.snmf4j.error.FileFormatException;

/** Reads and writes that are never partial. */
final class FileBytes {
  private FileBytes() {}

  /** Fills {@code target} from {@code position} on and flips it. */
  static void read(FileChannel channel, Path file, long position, ByteBuffer target)
      throws IOException {
    long from = position;
    while (target.hasRemaining()) {
      int count = channel.read(target, from);
      if (count < 0) {
        throw new FileFormatException(
            file, "ends at byte " + from + ", " + target.remaining() + " bytes short");
      }
      from += count;
    }
    target.flip();
  }

  /** Writes all that remains in {@code source}. */
  static void write(FileChannel channel, ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      channel.write(source);
    }
  }

  /** {@code text} in quotes, fit for a one-line message: no control characters, not too long. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("'");
    int length = Math.min(text.length(), 80);
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (Character.isISOControl(c) || Character.isSurrogate(c)) {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append(text.length() > length ? "…'" : "'").toString();
  }
}
