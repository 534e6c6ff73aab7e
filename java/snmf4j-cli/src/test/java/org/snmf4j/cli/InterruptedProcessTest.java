package org.snmf4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.Matrix;

/** Sends a real SIGINT to a real process. */
@Timeout(60)
class InterruptedProcessTest {
  @TempDir Path directory;

  @Test
  void ctrlCEndsAFitAndLeavesNothingBehind() throws Exception {
    Path input = directory.resolve("A.npy");
    Path errors = directory.resolve("stderr");
    writeNoise(input);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "org.snmf4j.cli.Main",
                "fit",
                "--input",
                input.toString(),
                "--rank",
                "20",
                "--iterations",
                "10000000",
                "--patience",
                "10000000",
                "--output",
                directory.resolve("model.safetensors").toString(),
                "--json")
            .redirectError(errors.toFile())
            .redirectOutput(directory.resolve("stdout").toFile())
            .start();
    try {
      // The first line of progress tells that the fit is under way.
      while (process.isAlive() && !Files.readString(errors).contains("relative loss")) {
        Thread.sleep(50);
      }
      assertTrue(process.isAlive(), Files.readString(errors));
      assertEquals(
          0, new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor());
      assertTrue(process.waitFor(40, TimeUnit.SECONDS), "still running");
    } finally {
      process.destroyForcibly();
    }
    String said = Files.readString(errors);
    assertEquals(130, process.exitValue(), said);
    assertTrue(said.contains("snmf4j fit: cancelled; nothing was written"), said);
    assertEquals("", Files.readString(directory.resolve("stdout")));
    assertEquals(List.of("A.npy", "stderr", "stdout"), names());
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static void writeNoise(Path file) {
    Random random = new Random(1);
    float[][] values = new float[200][500];
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    try (Matrix matrix = Matrix.of(values)) {
      NpyFile.write(file, matrix);
    }
  }
}
