package org.snmf4j.interpret.contexts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.SnmfModel;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.interpret.Models;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

class TopContextsTest {
  @TempDir Path directory;

  @Test
  void strongestTokensAreThoseOfBruteForce() {
    int tokens = 70_001; // more than two blocks of a row, the last one partial
    TokenTable.Builder table = new TokenTable.Builder();
    for (int i = 0; i < tokens; i++) {
      if (i % 10 == 0) {
        table.addSentence(null, null);
      }
      table.addToken(i, null, -1, -1, i / 10, i % 10);
    }
    Random random = new Random(5);
    float[][] coefficients = new float[3][tokens];
    for (int t = 0; t < tokens; t++) {
      coefficients[0][t] = random.nextFloat();
      coefficients[1][t] = random.nextInt(4); // thousands of ties at the top
      coefficients[2][t] = t % 30_000 == 29_999 ? 1 + t : 0; // fewer than asked for
    }
    try (Matrix y = Matrix.of(coefficients);
        Matrix z = Matrix.of(new float[][] {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet activations = Models.activations(3, table.build())) {
      ContextOptions options = ContextOptions.defaults().withContexts(25);
      TopContexts contexts = TopContexts.of(model, activations, options);
      for (int feature = 0; feature < 3; feature++) {
        float[] row = coefficients[feature];
        List<Integer> expected =
            IntStream.range(0, tokens)
                .filter(t -> row[t] > 0)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer t) -> -row[t]).thenComparing(t -> t))
                .limit(25)
                .toList();
        List<Context> found = contexts.features().get(feature).contexts();
        assertEquals(expected, found.stream().map(Context::token).toList());
        for (Context context : found) {
          assertEquals(row[context.token()], context.coefficient());
        }
      }
      assertEquals(2, contexts.features().get(2).contexts().size());
    }
  }

  @Test
  void windowEndsWithTheSentence() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "one two three four five", null);
    Models.addWords(table, "six", null);
    Models.addWords(table, "seven eight", null);
    float[] row = {0, 0, 5, 0, 4, 6, 7, 0};
    List<Context> contexts = read(table.build(), row, 1).contexts();

    assertEquals(
        List.of("seven eight", "six", "two three four", "four five"),
        contexts.stream().map(Context::text).toList());
    assertEquals(List.of(0, 0, 1, 1), contexts.stream().map(Context::focus).toList());
    assertEquals(
        List.of("seven", "six", "three", "five"),
        contexts.stream().map(Context::focusText).toList());
    assertEquals(
        List.of(true, true, false, false), contexts.stream().map(Context::startsSentence).toList());
    assertEquals(
        List.of(true, true, false, true), contexts.stream().map(Context::endsSentence).toList());
    assertEquals(List.of(2, 1, 0, 0), contexts.stream().map(Context::sentence).toList());
    assertEquals(List.of(1, 1, 3, 5), contexts.stream().map(Context::position).toList());
    assertEquals(
        List.of(0.0, 5.0, 0.0),
        contexts.get(2).tokens().stream().map(ContextToken::coefficient).toList());
    assertEquals("three", read(table.build(), row, 0).contexts().get(2).text());
  }

  @Test
  void neuronsBySizeWithSign() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "one two", null);
    try (Matrix z = Matrix.of(new float[][] {{0.1f}, {-0.7f}, {0}, {0.7f}, {0.2f}});
        Matrix y = Matrix.of(new float[][] {{1, 2}});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet activations = Models.activations(5, table.build())) {
      FeatureContexts feature =
          TopContexts.of(model, activations, ContextOptions.defaults().withNeurons(3))
              .features()
              .get(0);
      assertEquals(
          List.of(new NeuronWeight(1, -0.7f), new NeuronWeight(3, 0.7f), new NeuronWeight(4, 0.2f)),
          feature.neurons());
      assertEquals(model.statistics(0), feature.statistics());
      assertEquals(0.5, feature.statistics().explainedVariance());
      assertEquals(4, feature.statistics().supportSize());
    }
  }

  @Test
  void deadFeatureIsEmptyAndLast() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "one two", "a");
    Models.addWords(table, "three four", "b");
    try (Matrix z = Matrix.of(new float[][] {{0, 1}, {0, 0}});
        Matrix y = Matrix.of(new float[][] {{0, 0, 0, 0}, {1, 0, 0, 2}});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet activations = Models.activations(2, table.build())) {
      TopContexts contexts = TopContexts.of(model, activations, ContextOptions.defaults());
      FeatureContexts dead = contexts.features().get(0);
      assertTrue(dead.contexts().isEmpty());
      assertTrue(dead.neurons().isEmpty());
      assertTrue(dead.labels().isEmpty());
      assertEquals(new Legibility(0, 0, null, 0, null, 0, 0), dead.legibility());
      assertEquals(
          List.of(1, 0), contexts.byLegibility().stream().map(FeatureContexts::feature).toList());
    }
  }

  @Test
  void refusesOtherActivations() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "one two three", null);
    try (Matrix z = Matrix.of(new float[][] {{1}, {0}});
        Matrix y = Matrix.of(new float[][] {{1, 2}});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet moreTokens = Models.activations(2, table.build())) {
      ActivationMismatchException tokens =
          assertThrows(
              ActivationMismatchException.class,
              () -> TopContexts.of(model, moreTokens, ContextOptions.defaults()));
      assertEquals(
          "the model has 2 tokens but the activations have 3; they must come from the same"
              + " extraction, site and layer",
          tokens.getMessage());
    }
    try (Matrix z = Matrix.of(new float[][] {{1}, {0}});
        Matrix y = Matrix.of(new float[][] {{1, 2, 3}});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet moreNeurons = Models.activations(5, table.build())) {
      ActivationMismatchException neurons =
          assertThrows(
              ActivationMismatchException.class,
              () -> TopContexts.of(model, moreNeurons, ContextOptions.defaults()));
      assertTrue(
          neurons.getMessage().startsWith("the model has 2 neurons but the activations have 5"),
          neurons::getMessage);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 15, 10, 5, contexts is 0 but must be at least 1",
    "10, -1, 10, 5, window is -1 but must be at least 0",
    "10, 15, -2, 5, neurons is -2 but must be at least 0",
    "10, 15, 10, -3, labels is -3 but must be at least 0"
  })
  void refusesOptions(int contexts, int window, int neurons, int labels, String message) {
    InvalidArgumentException error =
        assertThrows(
            InvalidArgumentException.class,
            () -> new ContextOptions(contexts, window, neurons, labels));
    assertEquals(message, error.getMessage());
  }

  @Test
  void defaultsAreTheDocumentedOnes() {
    assertEquals(new ContextOptions(10, 15, 10, 5), ContextOptions.defaults());
    assertEquals(
        new ContextOptions(1, 2, 3, 4),
        ContextOptions.defaults().withContexts(1).withWindow(2).withNeurons(3).withLabels(4));
  }

  @Test
  void outlivesModelAndActivations() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "one two", null);
    long before = Matrix.liveBytes();
    TopContexts contexts;
    try (Matrix z = Matrix.allocate(ElementType.FLOAT32, 2, 1);
        Matrix y = Matrix.of(new float[][] {{0, 1}})) {
      z.set(0, 0, 1);
      try (SnmfModel model = Models.of(directory, z, y);
          ActivationSet activations = Models.activations(2, table.build())) {
        contexts = TopContexts.of(model, activations, ContextOptions.defaults());
      }
    }
    assertEquals(before, Matrix.liveBytes());
    assertEquals("one two", contexts.features().get(0).contexts().get(0).text());
    assertFalse(contexts.isLabelled());
  }

  /** Reads a single feature. */
  private FeatureContexts read(TokenTable tokens, float[] row, int window) {
    try (Matrix z = Matrix.of(new float[][] {{1}});
        Matrix y = Matrix.of(new float[][] {row});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet activations = Models.activations(1, tokens)) {
      return TopContexts.of(model, activations, ContextOptions.defaults().withWindow(window))
          .features()
          .get(0);
    }
  }
}
