package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.io.NpyFile;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;

/** {@code generate}, {@code steer} and {@code project} on a small causal model, by token ids. */
class CausalCommandsTest {
  private static final int NEW_TOKENS = 20;
  private static final int NEURONS = 80;

  @TempDir Path directory;

  private Path model;
  private Path ids;
  private Path vector;
  private long[] greedy;
  private long[] steered;
  private long layer;
  private double alpha;
  private double kl;

  private static Path resource(String name) {
    try {
      return Path.of(CausalCommandsTest.class.getResource("/models/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void prepare() {
    model = resource("llama-cache.onnx");
    ids = directory.resolve("ids.npy");
    vector = directory.resolve("v.npy");
    try (SafeTensors truth = SafeTensors.open(resource("llama-cache.safetensors"))) {
      long[] prompt = truth.longs("prompt");
      TinyModel.writeIntegers(ids, prompt, prompt.length);
      greedy = truth.longs("greedy");
      steered = truth.longs("greedy_steered");
      layer = truth.longs("layer")[0];
      alpha = truth.doubles("alpha")[0];
      kl = truth.doubles("kl_last")[0];
      double[] values = truth.doubles("vector");
      try (Matrix matrix = Matrix.of(new double[][] {values})) {
        NpyFile.write(vector, matrix);
      }
    }
  }

  private Run run(String command, Object... more) {
    List<Object> words = new ArrayList<>(List.of(command, "--model", model));
    words.addAll(List.of(more));
    return Run.of(words.toArray());
  }

  private static long[] ids(JsonNode text) {
    return StreamSupport.stream(text.get("ids").spliterator(), false)
        .mapToLong(JsonNode::asLong)
        .toArray();
  }

  @Test
  void generatesTheOriginalsContinuation() {
    Run run = run("generate", "--token-ids", ids, "--max-new-tokens", NEW_TOKENS, "--json");
    assertEquals(Commands.OK, run.status(), run.err());
    JsonNode texts = run.json().get("texts");
    assertEquals(1, texts.size());
    assertArrayEquals(greedy, ids(texts.get(0)));
    assertTrue(texts.get(0).get("text").isNull());
  }

  @Test
  void steersAsTheOriginal() {
    Run run =
        run(
            "steer",
            "--token-ids",
            ids,
            "--vector",
            vector,
            "--layer",
            layer,
            "--alpha",
            alpha,
            "--greedy",
            "--max-new-tokens",
            NEW_TOKENS,
            "--json");
    assertEquals(Commands.OK, run.status(), run.err());
    JsonNode json = run.json();
    assertEquals(alpha, json.get("alpha").asDouble(), 1e-6);
    assertEquals(-alpha, json.get("alpha_negative").asDouble(), 1e-6);
    // The tolerance: what float32 logits of two runtimes leave of a KL.
    assertEquals(kl, json.get("kl").asDouble(), 1e-4);
    assertTrue(json.get("kl_negative").asDouble() > 0);
    assertArrayEquals(greedy, ids(json.get("base").get(0)));
    assertArrayEquals(steered, ids(json.get("positive").get(0)));
    assertEquals(1, json.get("negative").size());
  }

  /** As {@code numpy.save} writes a plain list of ids, and of values in double precision. */
  @Test
  void arraysOfOneDimension() throws IOException {
    Path flatIds = directory.resolve("flat-ids.npy");
    Path flatVector = directory.resolve("flat-v.npy");
    flatten(ids, flatIds);
    flatten(vector, flatVector);
    Run run =
        run(
            "steer",
            "--token-ids",
            flatIds,
            "--vector",
            flatVector,
            "--layer",
            layer,
            "--alpha",
            alpha,
            "--max-new-tokens",
            NEW_TOKENS,
            "--json");
    assertEquals(Commands.OK, run.status(), run.err());
    assertArrayEquals(greedy, ids(run.json().get("base").get(0)));
    assertArrayEquals(steered, ids(run.json().get("positive").get(0)));
  }

  private static void flatten(Path from, Path to) throws IOException {
    String bytes = Files.readString(from, StandardCharsets.ISO_8859_1);
    String flat = bytes.replaceFirst("\\(1, (\\d+)\\)", "($1,)  ");
    assertEquals(bytes.length(), flat.length());
    Files.writeString(to, flat, StandardCharsets.ISO_8859_1);
  }

  @Test
  void findsTheStrengthForBothSigns() {
    double wanted = kl / 2;
    Run run =
        run(
            "steer",
            "--token-ids",
            ids,
            "--vector",
            vector,
            "--layer",
            layer,
            "--kl",
            wanted,
            "--samples",
            3,
            "--seed",
            7,
            "--max-new-tokens",
            4,
            "--json");
    assertEquals(Commands.OK, run.status(), run.err());
    JsonNode json = run.json();
    assertEquals(wanted, json.get("kl").asDouble(), 0.01 * wanted);
    assertEquals(wanted, json.get("kl_negative").asDouble(), 0.01 * wanted);
    assertTrue(json.get("alpha").asDouble() > 0);
    assertTrue(json.get("alpha_negative").asDouble() < 0);
    for (String list : List.of("base", "positive", "negative")) {
      assertEquals(3, json.get(list).size(), list);
    }
  }

  @Test
  void whatIsOutOfReachIsNull() {
    Run run =
        run(
            "steer",
            "--token-ids",
            ids,
            "--vector",
            vector,
            "--layer",
            layer,
            "--kl",
            1e6,
            "--max-new-tokens",
            2,
            "--json");
    assertEquals(Commands.OK, run.status(), run.err());
    JsonNode json = run.json();
    for (String fact : List.of("alpha", "kl", "alpha_negative", "kl_negative")) {
      assertTrue(json.get(fact).isNull(), fact);
    }
    assertEquals(1, json.get("base").size());
    assertEquals(0, json.get("positive").size());
    assertEquals(0, json.get("negative").size());
  }

  @Test
  void showsTextsSideBySide() {
    Run run =
        run(
            "steer",
            "--token-ids",
            ids,
            "--vector",
            vector,
            "--layer",
            layer,
            "--alpha",
            alpha,
            "--max-new-tokens",
            3);
    assertEquals(Commands.OK, run.status(), run.err());
    assertTrue(run.out().contains("raised"), run.out());
    String titles = run.out().lines().filter(line -> line.startsWith("base ")).findFirst().get();
    assertTrue(titles.matches("base +alpha \\+\\S+ +alpha -\\S+"), titles);
    assertFalse(run.out().contains("null"), run.out());
  }

  @Test
  void projectsOntoTheVocabulary() {
    Run run = run("project", "--vector", vector, "--layer", layer, "--count", 5, "--json");
    assertEquals(Commands.OK, run.status(), run.err());
    JsonNode tokens = run.json().get("layers").get(0);
    assertEquals(5, tokens.get("positive").size());
    assertEquals(5, tokens.get("negative").size());
    double best = tokens.get("positive").get(0).get("score").asDouble();
    assertTrue(best > tokens.get("positive").get(4).get("score").asDouble());
    Run text = run("project", "--vector", vector, "--layer", layer);
    assertTrue(text.out().contains("positive  "), text.out());
  }

  @Test
  void mistakesAreNamed() {
    Path wrong = directory.resolve("wrong.npy");
    try (Matrix matrix = Matrix.of(new float[1][NEURONS + 1])) {
      matrix.set(0, 0, 1);
      NpyFile.write(wrong, matrix);
    }
    Object[] usual = {"--token-ids", ids, "--alpha", 1, "--layer", 1};
    assertFails("81 values", "steer", usual, "--vector", wrong);
    assertFails("none.npy", "steer", usual, "--vector", directory.resolve("none.npy"));
    assertFails("MODEL.safetensors:J", "steer", usual, "--feature", "model.safetensors");
    assertFails(
        "layer",
        "steer",
        new Object[] {"--token-ids", ids, "--alpha", 1},
        "--vector",
        vector,
        "--layer",
        9);
    assertFails(
        "--layer", "steer", new Object[] {"--token-ids", ids, "--alpha", 1}, "--vector", vector);
    assertFails("--tokenizer", "generate", new Object[] {"--prompt", "a"});
  }

  private void assertFails(String part, String command, Object[] words, Object... more) {
    List<Object> all = new ArrayList<>(List.of(words));
    all.addAll(List.of(more));
    Run run = run(command, all.toArray());
    assertFalse(run.status() == Commands.OK, run.out());
    assertEquals("", run.out());
    assertTrue(run.err().contains(part), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
  }
}
