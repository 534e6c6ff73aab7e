package org.snmf4j.onnx.llama2c;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.Activations;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * stories15M, imported afresh from the bytes that {@code bin/fetch-model stories15m} put into the
 * folder that SNMF4J_MODELS names (else {@code out/models}), against what PyTorch computed.
 */
class Stories15mTest {
  /** Float32 on both sides, in other orders: logits of size 20 differ by about 1e-4. */
  private static final double LOGIT_TOLERANCE = 2e-3;

  /** Float32 on both sides: activations of size 5 differ by about 1e-5. */
  private static final double ACTIVATION_TOLERANCE = 1e-4;

  @TempDir static Path directory;
  private static Path model;
  private static Path tokenizerBin;
  private static Path tokenizerJson;
  private static JsonNode golden;

  @BeforeAll
  static void importModel() throws Exception {
    String named = System.getenv("SNMF4J_MODELS");
    Path models = Path.of(named == null || named.isBlank() ? "../../out/models" : named);
    Path checkpoint = models.resolve("stories15m.bin");
    tokenizerBin = models.resolve("stories15m.tokenizer.bin");
    assumeTrue(
        Files.exists(checkpoint) && Files.exists(tokenizerBin),
        () ->
            "stories15M is not in "
                + models.toAbsolutePath().normalize()
                + "; 'bin/fetch-model stories15m' puts it there");
    model = directory.resolve("stories15m.onnx");
    tokenizerJson = directory.resolve("stories15m.tokenizer.json");
    Llama2cCheckpoint.open(checkpoint).writeOnnx(model);
    Llama2cTokenizer.read(tokenizerBin).writeJson(tokenizerJson);
    try (InputStream json = resource("stories15m.json")) {
      golden = new ObjectMapper().readTree(json);
    }
  }

  private static InputStream resource(String name) {
    return Objects.requireNonNull(Stories15mTest.class.getResourceAsStream("/golden/" + name));
  }

  private static SafeTensors truth() throws Exception {
    Path copy = directory.resolve("golden.safetensors");
    if (!Files.exists(copy)) {
      try (InputStream tensors = resource("stories15m.safetensors")) {
        Files.copy(tensors, copy);
      }
    }
    return SafeTensors.open(copy);
  }

  private static long[] ids(JsonNode list) {
    long[] ids = new long[list.size()];
    Arrays.setAll(ids, i -> list.get(i).longValue());
    return ids;
  }

  private static long[][] prompts() {
    long[][] prompts = new long[golden.get("ids").size()][];
    Arrays.setAll(prompts, i -> ids(golden.get("ids").get(i)));
    return prompts;
  }

  @Test
  void tokenIds() throws Exception {
    try (TextTokenizer tokenizer = TextTokenizer.open(tokenizerJson);
        HuggingFaceTokenizer decoder = HuggingFaceTokenizer.newInstance(tokenizerJson)) {
      for (int i = 0; i < prompts().length; i++) {
        String text = golden.get("texts").get(i).textValue();
        int[] found = tokenizer.encode(text).ids();
        assertArrayEquals(prompts()[i], Arrays.stream(found).asLongStream().toArray(), text);
        assertEquals(text, decoder.decode(prompts()[i], true));
        JsonNode greedy = golden.get("greedy").get(i);
        assertEquals(greedy.get("text").textValue(), decoder.decode(ids(greedy.get("ids")), true));
      }
      String emoji = "I like 😀 in x龘 café";
      assertEquals(emoji, decoder.decode(decoder.encode(emoji).getIds(), true));
    }
  }

  @Test
  void tokenIdsOfAnyText() {
    ReferenceTokenizer reference = new ReferenceTokenizer(tokenizerBin);
    List<String> texts = TestTexts.corners();
    texts.addAll(TestTexts.random(10_000, 5));
    try (TextTokenizer tokenizer = TextTokenizer.open(tokenizerJson)) {
      for (String text : TestTexts.plain(texts)) {
        assertArrayEquals(reference.encode(text), tokenizer.encode(text).ids(), "'" + text + "'");
      }
      // Neighbours in a vocabulary joined at random: every kind of piece meets every other.
      java.util.Random random = new java.util.Random(9);
      for (int i = 0; i < 10_000; i++) {
        StringBuilder text = new StringBuilder();
        for (int j = 0; j < 6; j++) {
          text.append(reference.string(3 + random.nextInt(reference.size() - 3)));
        }
        assertArrayEquals(
            reference.encode(text.toString()),
            tokenizer.encode(text.toString()).ids(),
            "'" + text + "'");
      }
    }
  }

  @Test
  void lastTokensLogits() throws Exception {
    double worst = 0;
    long[][] prompts = prompts();
    try (SafeTensors truth = truth();
        CachedRun run = new CachedRun(model)) {
      float[][][] padded =
          run.next(CachedRun.padded(prompts, false), CachedRun.padded(prompts, true));
      for (int i = 0; i < prompts.length; i++) {
        double[] expected = truth.doubles("logits_last." + i);
        run.reset();
        float[][] alone = run.next(prompts[i]);
        run.reset();
        float[][] stepped = null;
        for (long id : prompts[i]) {
          stepped = run.next(id);
        }
        for (int j = 0; j < expected.length; j++) {
          for (float found :
              new float[] {
                alone[prompts[i].length - 1][j], stepped[0][j], padded[i][padded[i].length - 1][j]
              }) {
            worst = Math.max(worst, Math.abs(found - expected[j]));
          }
        }
      }
    }
    System.out.println("stories15M: largest error of the last token's logits " + worst);
    assertTrue(worst <= LOGIT_TOLERANCE, "error " + worst);
  }

  @Test
  void activations() throws Exception {
    double worst = 0;
    long[][] prompts = prompts();
    try (SafeTensors truth = truth();
        OnnxModel open = OnnxModel.open(model)) {
      assertEquals(6, open.layers());
      assertEquals(256, open.contextLength().orElseThrow());
      assertEquals(32000, open.vocabularySize().orElseThrow());
      for (int i = 0; i < prompts.length; i++) {
        long[] mask = new long[prompts[i].length];
        Arrays.fill(mask, 1);
        try (Activations activations =
            Extractor.builder(open)
                .tokenIds(new long[][] {prompts[i]}, new long[][] {mask})
                .sites(List.of(Site.MLP))
                .build()
                .extract()) {
          for (int layer : new int[] {0, 3, 5}) {
            double[] expected = truth.doubles("mlp." + i + "." + layer);
            double[][] found = activations.get(Site.MLP, layer).matrix().transpose().toArray();
            assertEquals(prompts[i].length, found.length);
            assertEquals(expected.length, found.length * found[0].length);
            for (int j = 0; j < expected.length; j++) {
              double value = found[j / found[0].length][j % found[0].length];
              worst = Math.max(worst, Math.abs(value - expected[j]));
            }
          }
        }
      }
    }
    System.out.println("stories15M: largest error of the MLP activations " + worst);
    assertTrue(worst <= ACTIVATION_TOLERANCE, "error " + worst);
  }

  @Test
  void greedyContinuations() throws Exception {
    long[][] prompts = prompts();
    try (CachedRun run = new CachedRun(model)) {
      for (int i = 0; i < prompts.length; i++) {
        long[] expected = ids(golden.get("greedy").get(i).get("ids"));
        run.reset();
        float[][] logits = run.next(prompts[i]);
        for (int at = prompts[i].length; at < expected.length; at++) {
          assertEquals(expected[at], largest(logits[logits.length - 1]), "token " + at);
          logits = run.next(expected[at]);
        }
      }
    }
  }

  private static int largest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
