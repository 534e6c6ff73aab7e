package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * Native libraries that do not load are reported with their cause; each in a process of its own.
 */
class NativeLibraryTest {
  @TempDir Path directory;

  /** Opens a tokenizer or runs a model, and prints what goes wrong. */
  static final class Main {
    private Main() {}

    public static void main(String[] arguments) {
      try {
        if (arguments[0].equals("tokenizer")) {
          TextTokenizer.open(Path.of(arguments[1])).close();
        } else {
          try (OnnxModel model = OnnxModel.open(Path.of(arguments[1]))) {
            Extractor.builder(model)
                .tokenIds(new long[][] {{1, 2}}, null)
                .build()
                .extract()
                .close();
          }
        }
        System.out.println("works");
      } catch (BackendUnavailableException e) {
        System.out.println("unavailable: " + e.getMessage());
      }
    }
  }

  private String run(String what, Path file, String property) throws Exception {
    return run(what, file, property, directory);
  }

  private String run(String what, Path file, String property, Path home) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add(property);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(what, file.toString()));
    Path output = directory.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("HOME", home.toString());
    // Telemetry must be absent, not only silenced where tests usually run.
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.equals("CI") || name.startsWith("ORT_") || name.startsWith("XDG_"));
    Process process = builder.start();
    assertEquals(0, process.waitFor());
    return Files.readString(output, StandardCharsets.UTF_8);
  }

  @Test
  void onnxRuntime() throws Exception {
    Path broken = Files.createDirectory(directory.resolve("broken"));
    for (String library : List.of("onnxruntime", "onnxruntime4j_jni")) {
      Files.writeString(broken.resolve(System.mapLibraryName(library)), "no library");
    }
    Path model = TestModels.model("llama-dynamo");
    String failure = run("model", model, "-Donnxruntime.native.path=" + broken);
    assertTrue(failure.contains("unavailable: ONNX Runtime's native library"), failure);
    assertTrue(failure.contains(broken.toString()), failure);
    assertEquals("works", run("model", model, "-Dnothing=else").strip());
  }

  @Test
  void onnxRuntimeBearsALongCommandLineAndKeepsNoRecords() throws Exception {
    Path home = Files.createDirectory(directory.resolve("home"));
    String longest = "-Dclasspath=" + "x".repeat(100_000);
    assertEquals("works", run("model", TestModels.model("llama-dynamo"), longest, home).strip());
    try (var files = Files.list(home)) {
      assertEquals(List.of(), files.toList(), "a device's identity, or events to send");
    }
  }

  @Test
  void tokenizers() throws Exception {
    Path tokenizer = MiniLm.tokenizer(directory);
    Path file = Files.writeString(directory.resolve("file"), "no directory");
    String failure = run("tokenizer", tokenizer, "-DENGINE_CACHE_DIR=" + file);
    assertTrue(failure.contains("unavailable: the tokenizers' native library"), failure);
    assertTrue(failure.contains(file.toString()), failure);
    Path empty = Files.createDirectory(directory.resolve("empty"));
    assertEquals("works", run("tokenizer", tokenizer, "-DENGINE_CACHE_DIR=" + empty).strip());
  }
}
