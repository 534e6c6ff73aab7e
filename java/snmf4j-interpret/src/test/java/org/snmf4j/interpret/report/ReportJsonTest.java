package org.snmf4j.interpret.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.SnmfModel;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.interpret.Models;
import org.snmf4j.interpret.contexts.TopContexts;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

class ReportJsonTest {
  @TempDir Path directory;

  @Test
  void hasTheDocumentedFields() throws IOException {
    JsonNode json = write(report());
    assertEquals(List.of("format", "version", "model", "fit", "options", "features"), names(json));
    assertEquals("snmf4j-report", json.get("format").asText());
    assertEquals(1, json.get("version").asInt());

    JsonNode model = json.get("model");
    assertEquals(
        List.of(
            "name",
            "data",
            "site",
            "layer",
            "neurons",
            "tokens",
            "sentences",
            "rank",
            "feature_density",
            "coefficients_per_token",
            "mean_largest_correlation",
            "dead_features",
            "mean_support_size",
            "labels"),
        names(model));
    assertEquals("tiny", model.get("name").asText());
    assertTrue(model.get("data").isNull());
    assertEquals("mlp", model.get("site").asText());
    assertEquals(3, model.get("layer").asInt());
    assertEquals(3, model.get("neurons").asInt());
    assertEquals(5, model.get("tokens").asInt());
    assertEquals(2, model.get("sentences").asInt());
    assertEquals(2, model.get("rank").asInt());
    assertEquals(0.5, model.get("feature_density").asDouble());
    // Feature 0 fires on two of five tokens, feature 1 on all.
    assertEquals(1.4, model.get("coefficients_per_token").asDouble(), 1e-9);
    assertEquals(0, model.get("dead_features").asInt());
    assertEquals(1.5, model.get("mean_support_size").asDouble());
    assertEquals("day", model.get("labels").get(0).asText());

    JsonNode fit = json.get("fit");
    assertEquals(
        List.of(
            "solver",
            "initialization",
            "feature_density",
            "iterations",
            "best_iteration",
            "loss",
            "relative_loss",
            "losses",
            "squared_norm",
            "stop_reason",
            "seconds",
            "backend",
            "backend_description",
            "seed",
            "threads"),
        names(fit));
    assertEquals(3, fit.get("iterations").asInt());
    assertEquals(500.5, fit.get("loss").asDouble());
    assertEquals(0.5005, fit.get("relative_loss").asDouble());
    assertArrayEquals(
        new double[] {900, 600.25, 500.5},
        new ObjectMapper().convertValue(fit.get("losses"), double[].class));
    assertEquals("max_iterations", fit.get("stop_reason").asText());
    assertEquals("multiplicative", fit.get("solver").asText());
    assertEquals(7, fit.get("seed").asLong());

    assertEquals(List.of("contexts", "window", "neurons", "labels"), names(json.get("options")));
    assertEquals(2, json.get("features").size());
  }

  @Test
  void tellsAFeature() throws IOException {
    JsonNode feature = write(report()).get("features").get(0);
    assertEquals(
        List.of(
            "feature",
            "explained_variance",
            "density",
            "max_coefficient",
            "support_size",
            "legibility",
            "contexts",
            "neurons",
            "labels"),
        names(feature));
    assertEquals(0.5, feature.get("explained_variance").asDouble());
    assertEquals(0.4, feature.get("density").asDouble());
    assertEquals(2.5, feature.get("max_coefficient").asDouble());
    assertEquals(2, feature.get("support_size").asInt());
    assertEquals(
        List.of("score", "token_purity", "token", "label_purity", "label", "selectivity", "spread"),
        names(feature.get("legibility")));

    JsonNode context = feature.get("contexts").get(0);
    assertEquals(
        List.of(
            "token",
            "coefficient",
            "sentence",
            "position",
            "label",
            "starts_sentence",
            "ends_sentence",
            "focus",
            "tokens",
            "ids",
            "coefficients"),
        names(context));
    assertEquals(1, context.get("token").asInt());
    assertEquals(2.5, context.get("coefficient").asDouble());
    assertEquals(1, context.get("focus").asInt());
    List<String> tokens = new ArrayList<>();
    context.get("tokens").forEach(token -> tokens.add(token.asText()));
    assertEquals("On Friday", String.join("", tokens));
    assertEquals(1.5, context.get("coefficients").get(0).asDouble());
    assertEquals(2, context.get("ids").size());

    JsonNode neuron = feature.get("neurons").get(0);
    assertEquals(List.of("neuron", "weight"), names(neuron));
    assertEquals(1, neuron.get("neuron").asInt());
    assertEquals(-0.8f, (float) neuron.get("weight").asDouble());

    JsonNode label = feature.get("labels").get(0);
    assertEquals(
        List.of("label", "contexts", "context_share", "mass_share", "token_share", "lift"),
        names(label));
    assertEquals("day", label.get("label").asText());
    assertEquals(1, label.get("lift").asDouble());
  }

  @Test
  void float32ValuesSurvive() throws IOException {
    JsonNode contexts = write(report()).get("features").get(1).get("contexts");
    for (int i = 0; i < 5; i++) {
      int token = contexts.get(i).get("token").asInt();
      assertEquals(1f / (token + 3), (float) contexts.get(i).get("coefficient").asDouble());
    }
  }

  @Test
  void replacesAFileAndLeavesNothingElse() throws IOException {
    Path file = directory.resolve("report.json");
    Files.writeString(file, "old");
    Report report = report();
    Path models = Files.createTempDirectory(directory, "unused");
    ReportJson.write(report, file);
    assertEquals(2, new ObjectMapper().readTree(file.toFile()).get("features").size());
    try (Stream<Path> left = Files.list(directory)) {
      assertTrue(left.noneMatch(path -> path.getFileName().toString().endsWith(".tmp")));
    }
    assertTrue(Files.exists(models));
  }

  @Test
  void failuresLeaveNothing() throws IOException {
    Report report = report();
    Path missing = directory.resolve("missing").resolve("report.json");
    FileAccessException error =
        assertThrows(FileAccessException.class, () -> ReportJson.write(report, missing));
    assertTrue(error.getMessage().contains(missing.toString()), error::getMessage);
    assertFalse(Files.exists(missing.getParent()));

    Path taken = Files.createDirectory(directory.resolve("taken"));
    assertThrows(FileAccessException.class, () -> ReportJson.write(report, taken));
    assertThrows(FileAccessException.class, () -> ReportHtml.write(report, taken));
    try (Stream<Path> left = Files.list(taken)) {
      assertEquals(0, left.count());
    }
    try (Stream<Path> left = Files.list(directory)) {
      assertTrue(left.noneMatch(path -> path.getFileName().toString().endsWith(".tmp")));
    }
  }

  @Test
  void aFullStreamIsReportedAndNotClosed() {
    Report report = report();
    FullStream full = new FullStream();
    assertThrows(IOException.class, () -> ReportJson.write(report, full));
    assertThrows(IOException.class, () -> ReportHtml.write(report, full));
    assertFalse(full.closed);
  }

  @Test
  void refusesContextsOfAnotherModel() {
    TopContexts two = report().contexts();
    TokenTable.Builder tokens = new TokenTable.Builder();
    Models.addWords(tokens, "on Friday", null);
    try (Matrix z = Matrix.of(new float[][] {{1}});
        Matrix y = Matrix.of(new float[][] {{1, 2}});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet activations = Models.activations(1, tokens.build())) {
      InvalidArgumentException error =
          assertThrows(
              InvalidArgumentException.class,
              () -> Report.of(model, activations, two, ReportSource.unknown()));
      assertEquals("contexts is of 2 features but must be of the model's 1", error.getMessage());
    }
  }

  private Report report() {
    return ReportFixture.of(
        directory, new ReportSource("tiny", null), "day", "On Friday", "we rest again");
  }

  private static JsonNode write(Report report) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ReportJson.write(report, bytes);
    return new ObjectMapper().readTree(bytes.toByteArray());
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** A disk without room for a report. */
  private static final class FullStream extends OutputStream {
    private boolean closed;

    @Override
    public void write(int value) throws IOException {
      throw new IOException("No space left on device");
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
