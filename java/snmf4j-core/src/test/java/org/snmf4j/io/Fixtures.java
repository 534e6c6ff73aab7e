package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of the test resources, and files put together by hand. */
final class Fixtures {
  private Fixtures() {}

  static Path file(String name) {
    URL url = Fixtures.class.getResource("/io/" + name);
    assertNotNull(url, name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes a file anew; some file systems flush to the disk when one is truncated instead. */
  static void rewrite(Path file, byte[] bytes) throws IOException {
    Files.deleteIfExists(file);
    Files.write(file, bytes);
  }

  /** An npy file with this dictionary, to the letter, for its header. */
  static byte[] npy(int version, String dictionary, byte[] data) {
    byte[] header =
        dictionary.getBytes(version < 3 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate((version == 1 ? 10 : 12) + header.length + data.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    file.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    file.put((byte) version).put((byte) 0);
    if (version == 1) {
      file.putShort((short) header.length);
    } else {
      file.putInt(header.length);
    }
    return file.put(header).put(data).array();
  }

  /** A safetensors file with this JSON, to the letter, for its header. */
  static byte[] safeTensors(String json, byte[] data) {
    return safeTensors(json.getBytes(StandardCharsets.UTF_8), data);
  }

  static byte[] safeTensors(byte[] json, byte[] data) {
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }
}
