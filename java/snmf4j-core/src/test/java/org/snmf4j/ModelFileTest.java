package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Precision;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.fixture.Planted;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.io.SafeTensorsWriter;
import org.snmf4j.matrix.Matrix;

class ModelFileTest {
  @TempDir Path directory;
  private Path file;
  private final Map<String, String> metadata = new LinkedHashMap<>();

  @BeforeEach
  void saveAModel() {
    file = directory.resolve("model.safetensors");
    SnmfOptions options =
        SnmfOptions.builder(3).featureDensity(0.3).maxIterations(5).backend("java").build();
    try (Matrix a = Planted.matrix(20, 50, 3, 1);
        SnmfModel model = Snmf.fit(a, options)) {
      model.save(file);
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      metadata.putAll(tensors.metadata());
    }
  }

  /** Writes a model file of the metadata as they stand and these tensors' shapes; null for none. */
  private void rewrite(int[] features, int[] coefficients) {
    SafeTensorsWriter writer = new SafeTensorsWriter();
    metadata.forEach(writer::metadata);
    if (features != null) {
      writer.add("features", Matrix.of(new double[features[0]][features[1]]));
    }
    if (coefficients != null) {
      writer.add("coefficients", Matrix.of(new double[coefficients[0]][coefficients[1]]));
    }
    writer.write(file);
  }

  private void rewrite() {
    rewrite(new int[] {20, 3}, new int[] {3, 50});
  }

  private void requireRefused(String reason) {
    FileFormatException thrown =
        assertThrowsExactly(FileFormatException.class, () -> SnmfModel.load(file));
    assertEquals(file + ": " + reason, thrown.getMessage());
  }

  @Test
  void rewritingItselfIsHarmless() {
    rewrite();
    try (SnmfModel model = SnmfModel.load(file)) {
      assertEquals(3, model.rank());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "version",
        "iterations",
        "best_iteration",
        "losses",
        "squared_norm",
        "stop_reason",
        "seconds",
        "solver",
        "feature_density",
        "coefficient_penalty",
        "initialization",
        "backend",
        "backend_description",
        "threads",
        "seed",
        "peak_bytes",
        "explained_variance"
      })
  void missingMetadataIsNamed(String key) {
    assertTrue(metadata.containsKey(key), "a model no longer has " + key);
    metadata.remove(key);
    rewrite();
    requireRefused("metadata " + key + " is missing");
  }

  /** Files of before there was a choice. */
  @Test
  void modelsWithoutAPrecisionAreFp32() {
    assertEquals("FP32", metadata.remove("precision"));
    rewrite();
    try (SnmfModel model = SnmfModel.load(file)) {
      assertEquals(Precision.FP32, model.report().precision());
    }
    metadata.put("precision", "BF16");
    rewrite();
    try (SnmfModel model = SnmfModel.load(file)) {
      assertEquals(Precision.BF16, model.report().precision());
    }
  }

  @Test
  void everyKeyIsTested() {
    assertEquals(19, metadata.size(), () -> "a new key needs a test: " + metadata.keySet());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "attribute.|x|attribute name is '' but must be 1 to 64 of a-z, 0-9 and _, the first a"
            + " letter",
        "attribute.Site|x|attribute name is 'Site' but must be 1 to 64 of a-z, 0-9 and _, the first"
            + " a letter",
        "attribute.site|''|attribute site is of length 0 but must be between 1 and 4096 characters"
            + " long"
      })
  void attributesMustFollowTheRules(String key, String value, String reason) {
    metadata.put(key, value);
    rewrite();
    requireRefused("metadata: " + reason);
  }

  @Test
  void anotherFormatIsNotAModel() {
    metadata.put("format", "pt");
    rewrite();
    requireRefused("not an snmf4j model: its metadata does not say format=snmf4j-model");
    metadata.clear();
    rewrite();
    requireRefused("not an snmf4j model: its metadata does not say format=snmf4j-model");
  }

  @Test
  void anotherVersionIsNamed() {
    metadata.put("version", "2");
    rewrite();
    requireRefused("model format version 2, this library reads version 1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "iterations|five",
        "iterations|5.0",
        "iterations|99999999999",
        "best_iteration|''",
        "losses|1,2,x",
        "losses|''",
        "losses|1,,2",
        "squared_norm|big",
        "stop_reason|TIRED",
        "seconds|1s",
        "solver|multiplicative",
        "feature_density|1%",
        "coefficient_penalty|none",
        "precision|FP8",
        "threads|two",
        "seed|0x10",
        "peak_bytes|1e6",
        "explained_variance|0.1;0.2;0.3"
      })
  void unreadableMetadataIsQuoted(String key, String value) {
    metadata.put(key, value);
    rewrite();
    requireRefused("metadata " + key + " is not readable: " + value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-0.5", "NaN", "Infinity"})
  void thePenaltyMustBeOne(String penalty) {
    metadata.put("coefficient_penalty", penalty);
    rewrite();
    requireRefused(
        "metadata coefficient_penalty is " + penalty + " but must be finite and not negative");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "6"})
  void bestIterationMustBeOneOfThem(String best) {
    metadata.put("best_iteration", best);
    rewrite();
    requireRefused("metadata best_iteration is " + best + " but must be between 1 and 5");
  }

  @Test
  void iterationsMustMatchTheLosses() {
    metadata.put("iterations", "4");
    rewrite();
    requireRefused("metadata iterations is 4 but losses has 5 entries");
  }

  @Test
  void missingTensorsAreNamed() {
    rewrite(null, new int[] {3, 50});
    requireRefused("not an snmf4j model: tensor features is missing, found [coefficients]");
    rewrite(new int[] {20, 3}, null);
    requireRefused("not an snmf4j model: tensor coefficients is missing, found [features]");
  }

  @Test
  void shapesMustFitTogether() {
    rewrite(new int[] {20, 4}, new int[] {3, 50});
    requireRefused(
        "features [20, 4], coefficients [3, 50] and 3 explained variances do not fit together");
    rewrite(new int[] {20, 4}, new int[] {4, 50});
    requireRefused(
        "features [20, 4], coefficients [4, 50] and 3 explained variances do not fit together");
  }

  @Test
  void tensorsMustBeMatrices() {
    SafeTensorsWriter writer = new SafeTensorsWriter();
    metadata.forEach(writer::metadata);
    writer.addLongs("features", new long[8], 2, 2, 2).addLongs("coefficients", new long[1], 1);
    writer.write(file);
    requireRefused("tensor features has shape [2, 2, 2] but a matrix is expected");
  }

  @Test
  void filesCutAnywhereAreRefused() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    for (int length : new int[] {0, 1, 7, 8, 9, 100, bytes.length / 2, bytes.length - 1}) {
      Files.write(file, java.util.Arrays.copyOf(bytes, length));
      FileFormatException thrown =
          assertThrowsExactly(FileFormatException.class, () -> SnmfModel.load(file));
      assertTrue(thrown.getMessage().startsWith(file + ": "), thrown::getMessage);
    }
  }

  @Test
  void aMissingFileIsNamed() {
    Path missing = directory.resolve("nothing.safetensors");
    FileAccessException thrown =
        assertThrowsExactly(FileAccessException.class, () -> SnmfModel.load(missing));
    assertTrue(thrown.getMessage().startsWith("cannot read " + missing), thrown::getMessage);
  }
}
