package org.snmf4j.causal.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Direction;
import org.snmf4j.causal.Steering;
import org.snmf4j.causal.steering.AlphaResult;
import org.snmf4j.causal.steering.AlphaSearch;
import org.snmf4j.causal.steering.SteeringEffect;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.llama2c.Llama2cCheckpoint;
import org.snmf4j.onnx.llama2c.Llama2cTokenizer;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * stories15M, from the bytes that {@code bin/fetch-model stories15m} put into the folder that
 * SNMF4J_MODELS names (else {@code out/models}), continues and is steered as PyTorch did it.
 */
class Stories15mGenerationTest {
  @TempDir static Path directory;
  private static Path model;
  private static Path tokenizerJson;
  private static JsonNode golden;
  private static SafeTensors truth;

  @BeforeAll
  static void importModel() throws Exception {
    String named = System.getenv("SNMF4J_MODELS");
    Path models = Path.of(named == null || named.isBlank() ? "../../out/models" : named);
    Path checkpoint = models.resolve("stories15m.bin");
    Path tokenizer = models.resolve("stories15m.tokenizer.bin");
    assumeTrue(
        Files.exists(checkpoint) && Files.exists(tokenizer),
        () ->
            "stories15M is not in "
                + models.toAbsolutePath().normalize()
                + "; 'bin/fetch-model stories15m' puts it there");
    model = directory.resolve("stories15m.onnx");
    tokenizerJson = directory.resolve("stories15m.tokenizer.json");
    Llama2cCheckpoint.open(checkpoint).writeOnnx(model);
    Llama2cTokenizer.read(tokenizer).writeJson(tokenizerJson);
    try (InputStream json = resource("stories15m.json");
        InputStream tensors = resource("stories15m.safetensors")) {
      golden = new ObjectMapper().readTree(json);
      Path copy = directory.resolve("golden.safetensors");
      Files.copy(tensors, copy);
      truth = SafeTensors.open(copy);
    }
  }

  private static InputStream resource(String name) {
    return Objects.requireNonNull(
        Stories15mGenerationTest.class.getResourceAsStream("/golden/" + name), name);
  }

  private static int[] ids(JsonNode list) {
    int[] ids = new int[list.size()];
    Arrays.setAll(ids, i -> list.get(i).intValue());
    return ids;
  }

  private static int[][] prompts() {
    int[][] prompts = new int[golden.get("ids").size()][];
    Arrays.setAll(prompts, i -> ids(golden.get("ids").get(i)));
    return prompts;
  }

  private static Direction vector() {
    double[] values = truth.doubles("steering_vector");
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return Direction.of("golden", Site.MLP, floats);
  }

  private static CausalModel open(OnnxModel onnx, boolean useCache) {
    return CausalModel.builder(onnx).steerable(Site.MLP, layer()).useCache(useCache).open();
  }

  private static int layer() {
    return golden.get("steering").get("layer").intValue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void logitsAndGreedyContinuations(boolean useCache) {
    try (OnnxModel onnx = OnnxModel.open(model);
        CausalModel causal = open(onnx, useCache);
        TextTokenizer tokenizer = TextTokenizer.open(tokenizerJson)) {
      assertEquals(useCache, causal.usesCache());
      float[][] logits = causal.nextLogits(prompts(), List.of(Steering.NONE));
      for (int i = 0; i < logits.length; i++) {
        double[] expected = truth.doubles("logits_last." + i);
        double worst = 0;
        for (int j = 0; j < expected.length; j++) {
          worst = Math.max(worst, Math.abs(expected[j] - logits[i][j]));
        }
        // Single precision on both sides, in other orders.
        assertTrue(worst <= 2e-3, "error " + worst);
      }
      List<String> texts = new ArrayList<>();
      golden.get("texts").forEach(text -> texts.add(text.textValue()));
      GenerationOptions options = GenerationOptions.builder().maxNewTokens(40).build();
      List<Generation> found =
          Generator.of(causal, tokenizer, options).continueTexts(texts, Steering.NONE);
      for (int i = 0; i < found.size(); i++) {
        JsonNode expected = golden.get("greedy").get(i);
        assertArrayEquals(ids(expected.get("ids")), found.get(i).ids());
        assertEquals(expected.get("text").textValue(), found.get(i).text());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void steering(boolean useCache) {
    JsonNode expected = golden.get("steering");
    int[][] prompt = {prompts()[2]};
    List<Steering> steerings = new ArrayList<>();
    expected
        .get("alphas")
        .forEach(alpha -> steerings.add(Steering.add(vector(), alpha.doubleValue(), layer())));
    try (OnnxModel onnx = OnnxModel.open(model);
        CausalModel causal = open(onnx, useCache);
        TextTokenizer tokenizer = TextTokenizer.open(tokenizerJson)) {
      GenerationOptions options = GenerationOptions.builder().maxNewTokens(25).build();
      List<List<Generation>> found =
          Generator.of(causal, tokenizer, options).compareIds(prompt, steerings);
      for (int i = 0; i < steerings.size(); i++) {
        JsonNode greedy = expected.get("greedy").get(i);
        assertArrayEquals(ids(greedy.get("ids")), found.get(i).get(0).ids());
        assertEquals(greedy.get("text").textValue(), found.get(i).get(0).text());
        double kl = expected.get("kl_last").get(i).doubleValue();
        assertEquals(kl, SteeringEffect.measure(causal, prompt, steerings.get(i)).kl(), 1e-3 * kl);
      }
    }
  }

  @Test
  void alphaForWantedDivergence() {
    try (OnnxModel onnx = OnnxModel.open(model);
        CausalModel causal = open(onnx, true)) {
      AlphaSearch search =
          AlphaSearch.builder(causal, Steering.add(vector(), 1, layer()), prompts()).build();
      for (double target : new double[] {0.25, 0.5}) {
        for (AlphaResult found : List.of(search.positive(target), search.negative(target))) {
          assertEquals(target, found.kl(), 0.01 * target, found.toString());
        }
      }
    }
  }

  /** Where llama2.c stops: at the token that begins the next story. */
  @Test
  void aStoryEndsWhereTheNextBegins() {
    GenerationOptions.Builder options = GenerationOptions.builder().maxNewTokens(250);
    try (OnnxModel onnx = OnnxModel.open(model);
        CausalModel causal = CausalModel.open(onnx);
        TextTokenizer tokenizer = TextTokenizer.open(tokenizerJson)) {
      assertArrayEquals(new int[] {1, 2}, causal.endOfTextIds());
      Generation story =
          Generator.of(causal, tokenizer, options.build())
              .continueTexts(List.of("Once upon a time"), Steering.NONE)
              .get(0);
      assertEquals(FinishReason.STOP, story.finish());
      assertEquals(1, story.ids()[story.ids().length - 1]);
      int[] longer =
          Generator.of(causal, tokenizer, options.stopIds().build())
              .continueTexts(List.of("Once upon a time"), Steering.NONE)
              .get(0)
              .ids();
      assertTrue(longer.length > story.ids().length);
      assertArrayEquals(story.ids(), Arrays.copyOf(longer, story.ids().length));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void eightInParallelEqualOneByOne(boolean useCache) {
    int[][] prompts = new int[8][];
    Arrays.setAll(prompts, i -> Arrays.copyOf(prompts()[i % 3], 2 + i % 3 * (i + 1) % 4 + i % 2));
    GenerationOptions sampled =
        GenerationOptions.builder().maxNewTokens(40).temperature(0.9).topP(0.95).seed(3).build();
    try (OnnxModel onnx = OnnxModel.open(model);
        CausalModel causal = open(onnx, useCache)) {
      for (GenerationOptions options : List.of(GenerationOptions.DEFAULT, sampled)) {
        Generator generator = Generator.of(causal, options);
        List<Generation> together = generator.continueIds(prompts, Steering.NONE);
        for (int i = 0; i < prompts.length; i++) {
          int[] alone = generator.continueIds(new int[][] {prompts[i]}, Steering.NONE).get(0).ids();
          assertArrayEquals(alone, together.get(i).ids(), "prompt " + i);
        }
      }
    }
  }
}
