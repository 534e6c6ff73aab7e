package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.cli.terminal.Interrupt;
import org.snmf4j.io.NpyFile;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;

class ExtractCommandTest {
  @TempDir Path directory;
  private Path ids;
  private Path mask;
  private Path output;

  @BeforeEach
  void writeInputs() {
    ids = TinyModel.writeIntegers(directory.resolve("ids.npy"), "input_ids");
    mask = TinyModel.writeIntegers(directory.resolve("mask.npy"), "attention_mask");
    output = directory.resolve("activations");
  }

  @Test
  void exportsWhatTheOriginalModelComputed() {
    Run run =
        extract(
            "--token-ids",
            ids,
            "--attention-mask",
            mask,
            "--layers",
            "0,2",
            "--site",
            "mlp,residual",
            "--export",
            "npy",
            "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    assertEquals(4, facts.get("activations").size());
    assertEquals(4, facts.get("exported").size());
    try (SafeTensors truth = TinyModel.truth()) {
      long[] unmasked = truth.longs("attention_mask");
      assertEquals(Arrays.stream(unmasked).sum(), facts.get("tokens").intValue());
      for (String site : List.of("mlp", "residual")) {
        for (int layer : new int[] {0, 2}) {
          try (Matrix written = NpyFile.read(output.resolve(site + "." + layer + ".npy"))) {
            assertColumns(written, truth.doubles(site + "." + layer), unmasked);
          }
        }
      }
    }
  }

  private static void assertColumns(Matrix written, double[] expected, long[] unmasked) {
    int neurons = expected.length / unmasked.length;
    assertEquals(neurons, written.rows());
    int column = 0;
    for (int token = 0; token < unmasked.length; token++) {
      if (unmasked[token] == 0) {
        continue;
      }
      for (int i = 0; i < neurons; i++) {
        assertEquals(expected[token * neurons + i], written.get(i, column), 2e-4);
      }
      column++;
    }
    assertEquals(column, written.columns());
  }

  @Test
  void allLayersAreTheDefault() {
    Run run = extract("--token-ids", ids);
    assertEquals(0, run.status(), run.err());
    for (int layer = 0; layer < TinyModel.LAYERS; layer++) {
      assertTrue(run.out().contains("mlp of layer " + layer + ": 80 neurons"), run.out());
    }
    assertTrue(run.out().contains("wrote " + output), run.out());
  }

  @Test
  void replacesAnEarlierExtraction() {
    assertEquals(0, extract("--token-ids", ids, "--layers", 0).status());
    assertEquals(0, extract("--token-ids", ids, "--layers", 1).status());
    assertFalse(Files.exists(output.resolve("mlp.0.safetensors")));
    assertTrue(Files.exists(output.resolve("mlp.1.safetensors")));
  }

  @Test
  void createsTheDirectoryAboveTheOutput() {
    output = directory.resolve("some/where/activations");
    assertEquals(0, extract("--token-ids", ids, "--layers", 0).status());
    assertTrue(Files.exists(output.resolve("manifest.json")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--token-ids ids.npy --layers -1 | layer is -1 but must be at least 0",
        "--token-ids ids.npy --layers x | Invalid value for option '--layers'",
        "--token-ids ids.npy --site attention | site is attention but must be one of mlp, mlp_out",
        "--token-ids ids.npy --site-tensor mlp=x | --site-tensor is mlp=x but must be SITE:LAYER",
        "--token-ids ids.npy --provider gpu | provider is gpu but must be one of auto, cpu, cuda",
        "--token-ids ids.npy --site-tensor mpl:0=x | site is mpl but must be one of mlp, mlp_out",
        "--token-ids ids.npy --export csv | Invalid value for option '--export'",
        "--token-ids ids.npy --threads -1 | threads is -1 but must be at least 0",
        "--token-ids ids.npy --context-length 0 | contextLength is 0 but must be at least 1",
        "--token-ids ids.npy --tokenizer t.json --data d.json | mutually exclusive",
        "--tokenizer t.json | --data",
        "--data d.json | --tokenizer",
        "--layers 0 | Missing required argument",
      })
  void whatTheCommandLineAloneGetsWrongIsAUsageError(String arguments, String message) {
    Run run = extract((Object[]) arguments.split(" "));
    assertEquals(2, run.status(), run.err());
    assertOneLine(run, message);
    assertFalse(Files.exists(output));
  }

  @Test
  void tensorsNamedByHand() {
    String tensor;
    try (OnnxModel model = OnnxModel.open(TinyModel.onnx())) {
      tensor = model.siteTensor(Site.RESIDUAL, 1).name();
    }
    Run run =
        extract("--token-ids", ids, "--site-tensor", "mlp:0=" + tensor, "--layers", 0, "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals(32, run.json().get("activations").get(0).get("neurons").intValue());
    Run wrong = extract("--token-ids", ids, "--site-tensor", "mlp:0=nowhere", "--layers", 0);
    assertEquals(1, wrong.status());
    assertOneLine(wrong, "no tensor is called 'nowhere'; candidates: '");
  }

  @Test
  void aLayerBeyondTheModelIsAFailure() {
    Run run = extract("--token-ids", ids, "--layers", 3);
    assertEquals(1, run.status());
    assertOneLine(run, "layer is 3");
    assertFalse(Files.exists(output));
  }

  @Test
  void aFileThatIsNoModelIsAFailureThatNamesIt() {
    Run run = Run.of("extract", "--model", ids, "--token-ids", ids, "--output", output);
    assertEquals(1, run.status());
    assertOneLine(run, ids.toString());
    assertFalse(Files.exists(output));
  }

  @Test
  void aMaskOfAnotherShapeIsAFailure() {
    Path other = TinyModel.writeIntegers(directory.resolve("other.npy"), new long[] {1, 1}, 2);
    Run run = extract("--token-ids", ids, "--attention-mask", other);
    assertEquals(1, run.status());
    assertOneLine(run, "attention mask");
    assertFalse(Files.exists(output));
  }

  @Test
  void anIdBeyondTheVocabularyIsAFailure() {
    Path other = TinyModel.writeIntegers(directory.resolve("other.npy"), new long[] {1, 97}, 2);
    Run run = extract("--token-ids", other);
    assertEquals(1, run.status());
    assertOneLine(run, "97");
    assertFalse(Files.exists(output));
  }

  @Test
  void aSentenceBeyondTheContextIsAFailureUnlessTruncated() {
    Path other = TinyModel.writeIntegers(directory.resolve("other.npy"), new long[1000], 1000);
    Run refused = extract("--token-ids", other);
    assertEquals(1, refused.status());
    assertOneLine(refused, "1000");
    Run truncated = extract("--token-ids", other, "--truncate", "--layers", 0, "--json");
    assertEquals(0, truncated.status(), truncated.err());
    assertTrue(truncated.json().get("tokens").intValue() < 1000, truncated.out());
  }

  @Test
  void aDirectoryWithOtherFilesIsRefusedAndLeftAlone() throws IOException {
    Files.createDirectories(output);
    Files.writeString(output.resolve("thesis.tex"), "years of work");
    Run run = extract("--token-ids", ids, "--layers", 0);
    assertEquals(1, run.status());
    assertOneLine(run, "thesis.tex");
    assertEquals("years of work", Files.readString(output.resolve("thesis.tex")));
  }

  @Test
  void aCancelledExtractionLeavesNothing() throws IOException {
    Interrupt interrupt = new Interrupt();
    interrupt.request();
    Run run =
        Run.of(
            interrupt,
            "extract",
            "--model",
            TinyModel.onnx(),
            "--token-ids",
            ids,
            "--output",
            output);
    assertEquals(1, run.status());
    assertOneLine(run, "cancelled; nothing was written");
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(
          List.of("ids.npy", "mask.npy"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }

  private Run extract(Object... more) {
    List<Object> arguments =
        new ArrayList<>(List.of("extract", "--model", TinyModel.onnx(), "--output", output));
    arguments.addAll(Arrays.asList(more));
    return Run.of(arguments.toArray());
  }

  private static void assertOneLine(Run run, String part) {
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(part), run.err());
  }
}
