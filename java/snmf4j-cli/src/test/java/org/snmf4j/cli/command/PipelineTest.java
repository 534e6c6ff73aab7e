package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.SnmfModel;
import org.snmf4j.io.NpyFile;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.io.SafeTensorsWriter;
import org.snmf4j.matrix.Matrix;

/** From text to a report, one command after the other. */
class PipelineTest {
  private static final int LAYER = 2;

  @TempDir Path directory;
  private Path activations;
  private Path model;

  @BeforeEach
  void extractAndFit() {
    activations = directory.resolve("activations");
    model = directory.resolve("model.safetensors");
    Run extract =
        Run.of(
            "extract",
            "--model",
            TinyModel.onnx(),
            "--tokenizer",
            TinyModel.writeTokenizer(directory.resolve("tokenizer.json")),
            "--data",
            TinyModel.writeData(directory.resolve("data.json")),
            "--layers",
            "0,1,2",
            "--site",
            "mlp",
            "--output",
            activations);
    assertEquals(0, extract.status(), extract.err());
    Run fit =
        Run.of(
            "fit",
            "--activations",
            activations,
            "--layer",
            LAYER,
            "--rank",
            4,
            "--density",
            0.2,
            "--output",
            model);
    assertEquals(0, fit.status(), fit.err());
  }

  @Test
  void contextsReadAsText() {
    Run run = Run.of("contexts", "--model", model, "--activations", activations);
    assertEquals(0, run.status(), run.err());
    assertEquals(4, run.out().lines().filter(line -> line.startsWith("feature ")).count());
    assertTrue(run.out().contains("labels   "), run.out());
    assertTrue(
        run.out().lines().anyMatch(line -> line.matches(" +\\d+\\.\\d{3}  .*\\[\\w+\\].*")),
        run.out());
    assertFalse(run.out().contains("\u001b"), run.out());
    Run two = Run.of("contexts", "--model", model, "--activations", activations, "--limit", 2);
    assertEquals(2, two.out().lines().filter(line -> line.startsWith("feature ")).count());
  }

  @Test
  void contextsJsonFindsTheLayerThatWasFitted() {
    Run run =
        Run.of(
            "contexts", "--model", model, "--activations", activations, "--contexts", 3, "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode report = run.json();
    assertEquals(LAYER, report.at("/model/layer").intValue());
    assertEquals("mlp", report.at("/model/site").textValue());
    assertEquals(4, report.get("features").size());
    for (JsonNode feature : report.get("features")) {
      assertTrue(feature.get("contexts").size() <= 3, feature.toString());
    }
  }

  @Test
  void contextsWriteTheFormThatTheFileNameAsksFor() throws IOException {
    for (String name : new String[] {"c.txt", "c.json", "c.html"}) {
      Path output = directory.resolve(name);
      Run run =
          Run.of("contexts", "--model", model, "--activations", activations, "--output", output);
      assertEquals(0, run.status(), run.err());
      assertTrue(run.out().endsWith("wrote " + output + System.lineSeparator()), run.out());
    }
    assertTrue(Files.readString(directory.resolve("c.txt")).startsWith("feature "));
    assertEquals(
        4,
        new ObjectMapper().readTree(directory.resolve("c.json").toFile()).get("features").size());
    assertTrue(Files.readString(directory.resolve("c.html")).contains("<html"));
  }

  @Test
  void reportWritesAPageAndJson() throws IOException {
    Path page = directory.resolve("report.html");
    Path data = directory.resolve("report.json");
    Run run =
        Run.of(
            "report",
            "--model",
            model,
            "--activations",
            activations,
            "--output",
            page,
            "--json-output",
            data,
            "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    assertEquals(LAYER, facts.get("layer").intValue());
    assertEquals(page.toString(), facts.get("output").textValue());
    assertTrue(Files.readString(page).contains("</html>"));
    assertEquals(
        "snmf4j-report", new ObjectMapper().readTree(data.toFile()).get("format").textValue());
  }

  @Test
  void anotherLayerThanTheFittedOneCanBeForced() {
    Run run =
        Run.of("contexts", "--model", model, "--activations", activations, "--layer", 0, "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals(0, run.json().at("/model/layer").intValue());
    Run absent = Run.of("contexts", "--model", model, "--activations", activations, "--layer", 7);
    assertEquals(1, absent.status());
    assertTrue(absent.err().contains("layer is 7"), absent.err());
  }

  @Test
  void activationsThatTheModelWasNotFittedToAreAFailure() {
    Path other = directory.resolve("other.safetensors");
    Run fit =
        Run.of(
            "fit",
            "--input",
            Planted.write(directory.resolve("A.npy")),
            "--rank",
            2,
            "--output",
            other);
    assertEquals(0, fit.status(), fit.err());
    Path page = directory.resolve("report.html");
    Run run = Run.of("report", "--model", other, "--activations", activations, "--output", page);
    assertEquals(1, run.status());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("mlp.0, mlp.1, mlp.2"), run.err());
    assertFalse(Files.exists(page));
  }

  @Test
  void theModelRemembersWhatItWasFittedTo() {
    try (SnmfModel fitted = SnmfModel.load(model)) {
      assertEquals(
          Map.of(
              "site", "mlp",
              "layer", Integer.toString(LAYER),
              "model", TinyModel.onnx().getFileName().toString()),
          fitted.attributes());
    }
  }

  /** The model with other attributes, and the same factors. */
  private Path withAttributes(Map<String, String> attributes) {
    Path copy = directory.resolve("other.safetensors");
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors tensors = SafeTensors.open(model);
        Matrix features = tensors.matrix("features");
        Matrix coefficients = tensors.matrix("coefficients")) {
      tensors.metadata().entrySet().stream()
          .filter(entry -> !entry.getKey().startsWith("attribute."))
          .forEach(entry -> writer.metadata(entry.getKey(), entry.getValue()));
      attributes.forEach((name, value) -> writer.metadata("attribute." + name, value));
      writer.add("features", features).add("coefficients", coefficients).write(copy);
    }
    return copy;
  }

  @Test
  void withoutAttributesTheNormTellsTheLayer() {
    Path plain = withAttributes(Map.of());
    Run run = Run.of("contexts", "--model", plain, "--activations", activations, "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals(LAYER, run.json().at("/model/layer").intValue());
  }

  @Test
  void attributesGoBeforeTheNorm() {
    String onnx = TinyModel.onnx().getFileName().toString();
    Path moved = withAttributes(Map.of("site", "mlp", "layer", "1", "model", onnx));
    Run run = Run.of("contexts", "--model", moved, "--activations", activations, "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals(1, run.json().at("/model/layer").intValue());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mlp|7|ONNX|layer is 7 but must be one that ",
        "mlp_out|2|ONNX|site is mlp_out but must be one that ",
        "mlp|two|ONNX|the model's attribute layer is two but must be an integer of at least 0",
        "mlp|-1|ONNX|the model's attribute layer is -1 but must be an integer of at least 0",
        "head|2|ONNX|the model's attribute site is head but must be one of mlp, mlp_out, residual",
        "mlp|2|another.onnx|the model was fitted to activations of another.onnx but "
      })
  void attributesThatDoNotFitAreAFailure(String site, String layer, String onnx, String message) {
    String name = onnx.replace("ONNX", TinyModel.onnx().getFileName().toString());
    Path strange = withAttributes(Map.of("site", site, "layer", layer, "model", name));
    Run run = Run.of("contexts", "--model", strange, "--activations", activations);
    assertEquals(1, run.status());
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("snmf4j contexts: " + message), run.err());
    Run forced =
        Run.of(
            "contexts",
            "--model",
            strange,
            "--activations",
            activations,
            "--site",
            "mlp",
            "--layer",
            LAYER);
    assertEquals(0, forced.status(), forced.err());
  }

  @Test
  void encodeTakesExtractedActivations() {
    Path output = directory.resolve("Y.npy");
    Run run =
        Run.of(
            "encode",
            "--model",
            model,
            "--activations",
            activations,
            "--layer",
            LAYER,
            "--output",
            output,
            "--json");
    assertEquals(0, run.status(), run.err());
    try (Matrix coefficients = NpyFile.read(output)) {
      assertEquals(4, coefficients.rows());
      assertEquals(run.json().get("tokens").longValue(), coefficients.columns());
    }
  }

  @Test
  void wrongNumbersAreUsageErrors() {
    for (String option : new String[] {"--contexts", "--limit"}) {
      Run run = Run.of("contexts", "--model", model, "--activations", activations, option, 0);
      assertEquals(2, run.status(), run.err());
      assertTrue(run.err().contains("is 0 but must be at least 1"), run.err());
    }
    Run run = Run.of("report", "--model", model, "--activations", activations, "--window", -1);
    assertEquals(2, run.status(), run.err());
  }
}
