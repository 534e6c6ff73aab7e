package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.SnmfModel;
import org.snmf4j.cli.demo.DemoData;
import org.snmf4j.onnx.text.DataSet;

class DemoCommandTest {
  @TempDir Path directory;

  @Test
  void showsFeaturesOfTheRealModelAndWritesAReport() throws IOException {
    Path output = directory.resolve("out/demo");
    Run run = Run.of("demo", "--output", output, "--iterations", 2);
    assertEquals(0, run.status(), run.err());
    assertEquals(
        10, run.out().lines().filter(line -> line.startsWith("feature ")).count(), run.out());
    assertTrue(run.out().contains(" s  1536 neurons x "), run.out());
    assertTrue(run.out().contains("total "), run.out());
    assertTrue(Files.readString(output.resolve("report.html")).contains("all-minilm-l6-v2"));
    try (SnmfModel model = SnmfModel.load(output.resolve("model.safetensors"))) {
      assertEquals(1536, model.neurons());
      assertEquals(100, model.rank());
      assertEquals(2, model.report().iterations());
    }

    Path onnx = output.resolve("minilm/all-minilm-l6-v2.onnx");
    FileTime unpacked = Files.getLastModifiedTime(onnx);
    assertEquals(0, Run.of("demo", "--output", output, "--iterations", 1).status());
    assertEquals(unpacked, Files.getLastModifiedTime(onnx), "unpacked twice");
  }

  @Test
  void theDataSetHoldsTheConceptsThatWerePromised() {
    DataSet data = DataSet.read(DemoData.write(directory));
    Map<String, Long> sizes =
        data.sentences().stream()
            .collect(Collectors.groupingBy(DataSet.Sentence::label, Collectors.counting()));
    assertTrue(sizes.size() >= 24, sizes.toString());
    assertFalse(sizes.values().stream().anyMatch(size -> size < 20), sizes.toString());
    assertEquals(
        data.size(),
        data.sentences().stream().map(DataSet.Sentence::text).distinct().count(),
        "a sentence occurs twice");
  }

  @Test
  void wrongNumbersAreUsageErrors() {
    Run run = Run.of("demo", "--output", directory.resolve("demo"), "--iterations", 0);
    assertEquals(2, run.status());
    assertTrue(run.err().contains("max iterations is 0"), run.err());
    assertFalse(Files.exists(directory.resolve("demo")));
  }

  @Test
  void anOutputThatIsAFileIsAFailure() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "text");
    Run run = Run.of("demo", "--output", file);
    assertEquals(1, run.status());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("cannot write " + file), run.err());
  }
}
