package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.SnmfModel;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

class EncodeCommandTest {
  @TempDir Path directory;
  private Path input;
  private Path model;
  private Path output;

  @BeforeEach
  void fit() {
    input = Planted.write(directory.resolve("A.npy"));
    model = directory.resolve("model.safetensors");
    output = directory.resolve("Y.npy");
    Run run = Run.of("fit", "--input", input, "--rank", 3, "--density", 0.4, "--output", model);
    assertEquals(0, run.status(), run.err());
  }

  @Test
  void writesWhatTheLibraryFinds() {
    Run run = Run.of("encode", "--model", model, "--input", input, "--output", output, "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    assertEquals(3, facts.get("rank").intValue());
    assertEquals(Planted.TOKENS, facts.get("tokens").intValue());
    assertEquals(output.toString(), facts.get("output").textValue());
    try (SnmfModel expected = SnmfModel.load(model);
        Matrix activations = NpyFile.read(input);
        Matrix coefficients = expected.encode(activations);
        Matrix written = NpyFile.read(output)) {
      assertEquals(ElementType.FLOAT32, written.type());
      assertEquals(3, written.rows());
      for (int j = 0; j < 3; j++) {
        assertArrayEquals(coefficients.toArray()[j], written.toArray()[j], 1e-5);
      }
    }
  }

  @Test
  void textNamesTheFile() {
    Run run = Run.of("encode", "--model", model, "--input", input, "--output", output);
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("wrote " + output), run.out());
  }

  @Test
  void otherNeuronsAreAFailure() {
    Path other = Planted.write(directory.resolve("B.npy"), new float[5][7]);
    Run run = Run.of("encode", "--model", model, "--input", other, "--output", output);
    assertEquals(1, run.status());
    assertEquals(
        "snmf4j encode: activations is of shape [5, 7] but must be of 24 rows, the model's"
            + " neurons"
            + System.lineSeparator(),
        run.err());
    assertFalse(Files.exists(output));
  }

  @Test
  void aFileThatIsNoModelIsAFailure() {
    Run run = Run.of("encode", "--model", input, "--input", input, "--output", output);
    assertEquals(1, run.status());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(input.toString()), run.err());
    assertFalse(Files.exists(output));
  }
}
