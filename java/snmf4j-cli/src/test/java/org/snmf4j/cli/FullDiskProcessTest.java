package org.snmf4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * The system takes no more bytes half-way through the output. A limit on the size of files stands
 * for the full disk: it ends a write at the same place, and needs no disk to fill.
 */
@Timeout(60)
class FullDiskProcessTest {
  @TempDir Path directory;
  private Path input;

  @BeforeEach
  void writeInput() {
    input = directory.resolve("A.npy");
    try (Matrix a = Matrix.allocate(ElementType.FLOAT32, 30, 2000)) {
      for (int i = 0; i < 30; i++) {
        for (int t = 0; t < 2000; t++) {
          a.set(i, t, Math.sin(i * 3 + t * (1 + i % 4)));
        }
      }
      NpyFile.write(input, a);
    }
  }

  /** The command in a process whose files may not exceed 32 KiB. */
  private int run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("sh", "-c", "ulimit -f 64; exec \"$@\"", "sh"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // The JVM's own files are not what is to fail.
    command.add("-XX:-UsePerfData");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "org.snmf4j.cli.Main"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(file("stdout"))
            .redirectError(file("stderr"))
            .start();
    assertTrue(process.waitFor(50, TimeUnit.SECONDS), "still running");
    return process.exitValue();
  }

  private File file(String name) {
    return directory.resolve(name).toFile();
  }

  private String said(String name) throws IOException {
    return Files.readString(directory.resolve(name));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private int fit(Path output) throws IOException, InterruptedException {
    return run(
        "fit",
        "--input",
        input.toString(),
        "--rank",
        "10",
        "--iterations",
        "3",
        "--backend",
        "java",
        "--output",
        output.toString(),
        "--json");
  }

  @Test
  void aFitThatCannotBeWrittenLeavesTheOldModel() throws Exception {
    Path output = directory.resolve("model.safetensors");
    Files.writeString(output, "the old model");
    assertEquals(1, fit(output), said("stderr"));
    assertEquals("", said("stdout"));
    assertEquals(
        "snmf4j fit: cannot write " + output + ": IOException: File too large",
        said("stderr").strip());
    assertEquals("the old model", Files.readString(output));
    assertEquals(List.of("A.npy", "model.safetensors", "stderr", "stdout"), names());
  }

  @Test
  void aFirstFitThatCannotBeWrittenLeavesNothing() throws Exception {
    assertEquals(1, fit(directory.resolve("model.safetensors")), said("stderr"));
    assertEquals(List.of("A.npy", "stderr", "stdout"), names());
  }

  @Test
  void aResultThatStandardOutputRefusesIsAFailure() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "org.snmf4j.cli.Main",
                "doctor",
                "--json")
            .redirectOutput(new File("/dev/full"))
            .redirectError(file("stderr"))
            .start();
    assertTrue(process.waitFor(50, TimeUnit.SECONDS), "still running");
    assertEquals(1, process.exitValue());
    assertEquals("snmf4j: cannot write to standard output", said("stderr").strip());
  }
}
