package org.snmf4j.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where {@code bin/fetch-model stories15m} puts its files. */
public final class Stories15m {
  private Stories15m() {}

  /** The model. */
  public static Path model() {
    return file("stories15m.onnx");
  }

  /** Its tokenizer. */
  public static Path tokenizer() {
    return file("stories15m.tokenizer.json");
  }

  private static Path file(String name) {
    String named = System.getenv("SNMF4J_MODELS");
    Path models = Path.of(named == null || named.isBlank() ? "out/models" : named);
    Path file = models.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new IllegalStateException(
          file.toAbsolutePath().normalize()
              + " is missing; 'bin/fetch-model stories15m' makes it, in the folder that"
              + " SNMF4J_MODELS names or in out/models");
    }
    return file;
  }
}
