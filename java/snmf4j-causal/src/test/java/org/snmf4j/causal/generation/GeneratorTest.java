package org.snmf4j.causal.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Fixtures;
import org.snmf4j.causal.Fixtures.Truth;
import org.snmf4j.causal.Steering;
import org.snmf4j.error.CancelledException;
import org.snmf4j.onnx.ModelOptions;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.text.TextTokenizer;

class GeneratorTest {
  @ParameterizedTest
  @CsvSource({"gptneox-cache,true", "gptneox-cache,false", "llama-cache,true", "llama-cache,false"})
  void greedyContinuationsEqualTheOriginals(String name, boolean useCache) {
    Truth truth = new Truth(name);
    int count = truth.greedy.length - truth.prompt.length;
    GenerationOptions options = GenerationOptions.builder().maxNewTokens(count).build();
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = Fixtures.steerable(onnx, truth, useCache)) {
      Generator generator = Generator.of(model, options);
      List<List<Generation>> found =
          generator.compareIds(
              new int[][] {truth.prompt}, List.of(Steering.NONE, truth.steering()));
      assertArrayEquals(truth.greedy, found.get(0).get(0).ids());
      assertArrayEquals(truth.greedySteered, found.get(1).get(0).ids());
      assertEquals(FinishReason.LENGTH, found.get(0).get(0).finish());
      assertEquals(count, found.get(0).get(0).newIds().length);
      assertNull(found.get(0).get(0).text());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gptneox-cache,true,true",
    "gptneox-cache,true,false",
    "gptneox-cache,false,true",
    "llama-cache,true,true",
    "llama-cache,true,false",
    "llama-cache,false,true"
  })
  void eightInParallelEqualOneByOne(String name, boolean useCache, boolean sampled) {
    Truth truth = new Truth(name);
    int[][] prompts = Fixtures.ragged(8);
    GenerationOptions.Builder options = GenerationOptions.builder().maxNewTokens(30).stopIds(3, 17);
    if (sampled) {
      options.temperature(0.9).topK(40).topP(0.95).frequencyPenalty(0.2).seed(11);
    }
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = Fixtures.steerable(onnx, truth, useCache)) {
      Generator generator = Generator.of(model, options.build());
      for (Steering steering : List.of(Steering.NONE, truth.steering())) {
        List<Generation> together = generator.continueIds(prompts, steering);
        Set<FinishReason> reasons = new HashSet<>();
        for (int i = 0; i < prompts.length; i++) {
          Generation alone = generator.continueIds(new int[][] {prompts[i]}, steering).get(0);
          assertArrayEquals(alone.ids(), together.get(i).ids(), "prompt " + i);
          assertEquals(alone.finish(), together.get(i).finish());
          assertEquals(i, together.get(i).prompt());
          reasons.add(alone.finish());
        }
        // Rows must also have left the batch on the way, or the test shows less than it says.
        assertTrue(!sampled || reasons.size() == 2, reasons.toString());
      }
    }
  }

  @Test
  void samplesHaveStreamsOfTheirOwn() {
    Truth truth = new Truth("llama-cache");
    try (OnnxModel onnx = Fixtures.model("llama-cache");
        CausalModel model = CausalModel.open(onnx)) {
      GenerationOptions.Builder options = GenerationOptions.builder().sampled().seed(40);
      int[][] prompts = {truth.prompt, {5}};
      List<Generation> all =
          Generator.of(model, options.samples(8).maxParallel(5).build())
              .continueIds(prompts, Steering.NONE);
      List<Generation> again =
          Generator.of(model, options.maxParallel(32).build()).continueIds(prompts, Steering.NONE);
      assertEquals(16, all.size());
      Set<List<Integer>> different = new HashSet<>();
      for (int i = 0; i < all.size(); i++) {
        Generation one = all.get(i);
        assertEquals(i / 8, one.prompt());
        assertEquals(i % 8, one.sample());
        assertArrayEquals(one.ids(), again.get(i).ids());
        Generation alone =
            Generator.of(model, options.samples(1).seed(40 + one.sample()).build())
                .continueIds(new int[][] {prompts[one.prompt()]}, Steering.NONE)
                .get(0);
        assertArrayEquals(alone.ids(), one.ids());
        different.add(Arrays.stream(one.ids()).boxed().toList());
      }
      assertEquals(16, different.size());
      Generation other =
          Generator.of(model, options.seed(1000).build())
              .continueIds(prompts, Steering.NONE)
              .get(0);
      assertNotEquals(Arrays.toString(all.get(0).ids()), Arrays.toString(other.ids()));
    }
  }

  @Test
  void streamsEveryTokenWithItsText(@TempDir Path directory) {
    int[][] prompts = Fixtures.ragged(5);
    List<StringBuilder> texts = new ArrayList<>();
    List<List<Integer>> ids = new ArrayList<>();
    for (int i = 0; i < prompts.length; i++) {
      texts.add(new StringBuilder());
      ids.add(new ArrayList<>());
    }
    List<String> progress = new ArrayList<>();
    List<Integer> order = new ArrayList<>();
    try (OnnxModel onnx = Fixtures.model("llama-cache");
        CausalModel model = CausalModel.open(onnx);
        TextTokenizer tokenizer = TextTokenizer.open(Fixtures.tokenizer(directory))) {
      GenerationOptions options =
          GenerationOptions.builder()
              .maxNewTokens(60)
              .temperature(1.5)
              .seed(2)
              .listener(
                  (sequence, id, text) -> {
                    order.add(sequence);
                    ids.get(sequence).add(id);
                    texts.get(sequence).append(text);
                  })
              .progress((done, total) -> progress.add(done + "/" + total))
              .build();
      List<Generation> found =
          Generator.of(model, tokenizer, options).continueIds(prompts, Steering.NONE);
      boolean stopped = false;
      for (int i = 0; i < prompts.length; i++) {
        Generation one = found.get(i);
        assertEquals(Arrays.stream(one.newIds()).boxed().toList(), ids.get(i));
        assertEquals(one.text(), tokenizer.decode(prompts[i]) + texts.get(i));
        assertEquals(tokenizer.decode(one.ids()), one.text());
        // The end of a text was found in the tokenizer.
        int last = one.ids()[one.ids().length - 1];
        assertEquals(last == 0, one.finish() == FinishReason.STOP);
        stopped |= one.finish() == FinishReason.STOP;
      }
      assertTrue(stopped, "no sequence met the end of a text");
      assertEquals(List.of(0, 1, 2, 3, 4, 0), order.subList(0, 6));
      assertEquals(List.of("0/5", "1/5", "2/5", "3/5", "4/5", "5/5"), progress);
      List<Generation> fromText =
          Generator.of(model, tokenizer, GenerationOptions.DEFAULT)
              .continueTexts(List.of("abc"), Steering.NONE);
      assertTrue(fromText.get(0).text().startsWith("abc"), fromText.get(0).text());
      assertEquals(3, fromText.get(0).promptLength());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void contextEndsASequence(boolean useCache) {
    ModelOptions limited = ModelOptions.builder().contextLength(10).build();
    try (OnnxModel onnx = OnnxModel.open(Fixtures.file("llama-cache"), limited);
        CausalModel model = CausalModel.builder(onnx).useCache(useCache).open()) {
      List<Generation> found =
          Generator.of(model, GenerationOptions.builder().maxNewTokens(5).build())
              .continueIds(new int[][] {new int[8], new int[2], new int[10]}, Steering.NONE);
      assertEquals(10, found.get(0).ids().length);
      assertEquals(FinishReason.CONTEXT, found.get(0).finish());
      assertEquals(7, found.get(1).ids().length);
      assertEquals(FinishReason.LENGTH, found.get(1).finish());
      assertEquals(FinishReason.CONTEXT, found.get(2).finish());
    }
  }

  @Test
  void cancels() {
    AtomicInteger tokens = new AtomicInteger();
    GenerationOptions options =
        GenerationOptions.builder()
            .listener((sequence, id, text) -> tokens.incrementAndGet())
            .cancellation(() -> tokens.get() >= 6)
            .build();
    try (OnnxModel onnx = Fixtures.model("llama-cache");
        CausalModel model = CausalModel.open(onnx)) {
      Generator generator = Generator.of(model, options);
      int[][] prompts = {{1, 2}, {3, 4, 5}};
      CancelledException e =
          assertThrows(
              CancelledException.class, () -> generator.continueIds(prompts, Steering.NONE));
      assertTrue(e.getMessage().contains("0 of 2"), e.getMessage());
      assertEquals(6, tokens.get());
    }
  }
}
