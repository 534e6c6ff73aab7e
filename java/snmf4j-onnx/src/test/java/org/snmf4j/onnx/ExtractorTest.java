package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.activations.TokenTable;
import org.snmf4j.onnx.runtime.NativeCounts;

class ExtractorTest {
  @TempDir Path directory;

  private final Random random = new Random(7);
  private long bytes;

  @BeforeEach
  void count() {
    bytes = Matrix.liveBytes();
  }

  @AfterEach
  void nothingNativeStaysOpen() {
    assertEquals(0, NativeCounts.sessions());
    assertEquals(0, NativeCounts.tensors());
    assertEquals(bytes, Matrix.liveBytes());
  }

  /** Sentences of very different lengths, not in the order of their lengths. */
  private long[][] ragged(int sentences) {
    long[][] ids = new long[sentences][];
    for (int i = 0; i < sentences; i++) {
      ids[i] = random.longs(1 + random.nextInt(40), 1, 97).toArray();
    }
    return ids;
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert-torchscript", "gpt2-dynamo", "llama-dynamo"})
  void batchingChangesNothingAndKeepsTheOrder(String name) {
    long[][] ids = ragged(23);
    try (OnnxModel model = OnnxModel.open(TestModels.model(name));
        Activations alone =
            Extractor.builder(model).tokenIds(ids, null).maxBatchTokens(1).build().extract();
        Activations together =
            Extractor.builder(model).tokenIds(ids, null).maxBatchTokens(300).build().extract()) {
      TokenTable tokens = together.tokens();
      int token = 0;
      for (int sentence = 0; sentence < ids.length; sentence++) {
        for (int position = 0; position < ids[sentence].length; position++) {
          assertEquals(ids[sentence][position], tokens.id(token));
          assertEquals(sentence, tokens.sentence(token));
          assertEquals(position, tokens.position(token));
          assertNull(tokens.piece(token));
          assertEquals(-1, tokens.start(token));
          token++;
        }
      }
      assertEquals(token, tokens.size());
      for (int layer = 0; layer < 3; layer++) {
        double[][] expected = alone.get(Site.MLP, layer).matrix().toArray();
        double[][] found = together.get(Site.MLP, layer).matrix().toArray();
        for (int i = 0; i < expected.length; i++) {
          assertArrayEquals(expected[i], found[i], 1e-5);
        }
      }
    }
  }

  @Test
  void paddingAnywhereIsDropped() {
    long[][] padded = {{0, 0, 5, 6, 7}, {8, 9, 0, 0, 0}, {0, 0, 0, 0, 0}, {1, 0, 2, 0, 3}};
    long[][] mask = {{0, 0, 1, 1, 1}, {1, 1, 0, 0, 0}, {0, 0, 0, 0, 0}, {1, 0, 1, 0, 1}};
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"));
        Activations activations =
            Extractor.builder(model).tokenIds(padded, mask).layers(List.of(1)).build().extract()) {
      TokenTable tokens = activations.tokens();
      int[] ids = new int[tokens.size()];
      int[] positions = new int[tokens.size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = tokens.id(i);
        positions[i] = tokens.position(i);
      }
      assertArrayEquals(new int[] {5, 6, 7, 8, 9, 1, 2, 3}, ids);
      assertArrayEquals(new int[] {2, 3, 4, 0, 1, 0, 2, 4}, positions);
      assertEquals(4, tokens.sentences().size());
      assertEquals(8, activations.get(Site.MLP, 1).matrix().columns());
    }
  }

  @Test
  void onlyTheWantedLayersRun() {
    try (OnnxModel model = OnnxModel.open(TestModels.model("gpt2-dynamo"));
        Activations activations =
            Extractor.builder(model)
                .tokenIds(new long[][] {{1, 2, 3}}, null)
                .sites(List.of(Site.MLP_OUT, Site.RESIDUAL))
                .layers(List.of(2, 0))
                .build()
                .extract()) {
      assertEquals(4, activations.all().size());
      assertEquals(32, activations.get(Site.RESIDUAL, 2).matrix().rows());
      InvalidArgumentException e =
          assertThrows(InvalidArgumentException.class, () -> activations.get(Site.MLP, 0));
      assertTrue(e.getMessage().contains("mlp.0"), e.getMessage());
      assertTrue(e.getMessage().contains("residual.2"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gptneox-cache", "llama-cache"})
  void modelsWithACacheRunFromAnEmptyOne(String name) {
    long[][] ids = ragged(5);
    try (OnnxModel model = OnnxModel.open(TestModels.model(name));
        Activations all =
            Extractor.builder(model)
                .tokenIds(ids, null)
                .sites(List.of(Site.values()))
                .build()
                .extract();
        Activations alone =
            Extractor.builder(model).tokenIds(ids, null).maxBatchTokens(1).build().extract()) {
      assertEquals(3, model.layers());
      for (int layer = 0; layer < 3; layer++) {
        double[][] expected = alone.get(Site.MLP, layer).matrix().toArray();
        double[][] found = all.get(Site.MLP, layer).matrix().toArray();
        for (int i = 0; i < expected.length; i++) {
          assertArrayEquals(expected[i], found[i], 1e-5);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gptneox-cache", "llama-cache"})
  void modelsWithACacheComputeTheirLogits(String name) {
    ModelOptions options = ModelOptions.builder().siteTensor(Site.RESIDUAL, 7, "logits").build();
    try (OnnxModel model = OnnxModel.open(TestModels.model(name), options);
        SafeTensors truth = TestModels.truth(name);
        Activations activations =
            Extractor.builder(model)
                .tokenIds(TestModels.longs(truth, "prompt"), null)
                .sites(List.of(Site.RESIDUAL))
                .layers(List.of(7))
                .build()
                .extract()) {
      double[] expected = truth.doubles("logits");
      double[][] found = activations.get(Site.RESIDUAL, 7).matrix().transpose().toArray();
      assertEquals(expected.length, found.length * found[0].length);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], found[i / found[0].length][i % found[0].length], 1e-4);
      }
    }
  }

  @Test
  void storesHoldTheSameAsMemory() throws Exception {
    long[][] ids = ragged(9);
    Path target = directory.resolve("store");
    try (OnnxModel model = OnnxModel.open(TestModels.model("bert-torchscript"))) {
      Extractor extractor =
          Extractor.builder(model)
              .tokenIds(ids, null)
              .sites(List.of(Site.values()))
              .maxBatchTokens(64)
              .build();
      ActivationStore store = extractor.extractTo(target);
      assertEquals("bert-torchscript.onnx", store.model().file());
      assertEquals(List.of(Site.values()), store.sites());
      try (Activations memory = extractor.extract()) {
        for (Site site : store.sites()) {
          assertEquals(List.of(0, 1, 2), store.layers(site));
          for (int layer : store.layers(site)) {
            try (ActivationSet loaded = store.load(site, layer)) {
              double[][] expected = memory.get(site, layer).matrix().toArray();
              double[][] found = loaded.matrix().toArray();
              for (int i = 0; i < expected.length; i++) {
                assertArrayEquals(expected[i], found[i]);
              }
            }
          }
        }
      }
    }
    assertEquals(List.of("store"), names());
  }

  @Test
  void consumersAreGivenTheSameAsMemory() {
    try (OnnxModel model = OnnxModel.open(TestModels.model("bert-torchscript"))) {
      Extractor extractor =
          Extractor.builder(model)
              .tokenIds(ragged(9), null)
              .sites(List.of(Site.values()))
              .maxBatchTokens(64)
              .build();
      try (Activations memory = extractor.extract()) {
        int n = memory.tokens().size();
        int[] seen = new int[n];
        int[] begun = new int[1];
        TokenTable tokens =
            extractor.extractTo(
                new ActivationConsumer() {
                  @Override
                  public void begin(TokenTable all) {
                    assertEquals(n, all.size());
                    begun[0]++;
                  }

                  @Override
                  public void accept(ActivationBlock block) {
                    double[][] expected =
                        memory.get(block.site(), block.layer()).matrix().toArray();
                    int d = block.dimension();
                    assertEquals(expected.length, d);
                    assertEquals(block.tokens() * d, block.values().remaining());
                    assertThrows(ReadOnlyBufferException.class, () -> block.values().put(0, 0));
                    for (int i = 0; i < block.tokens(); i++) {
                      int token = block.firstToken() + i;
                      for (int j = 0; j < d; j++) {
                        assertEquals(expected[j][token], block.values().get(i * d + j));
                      }
                      seen[token]++;
                    }
                  }
                });
        assertEquals(n, tokens.size());
        assertEquals(1, begun[0]);
        int each = memory.all().size();
        assertTrue(each > 3);
        assertTrue(Arrays.stream(seen).allMatch(times -> times == each));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5})
  void aConsumersFailureLeavesNothing(int blocks) {
    AtomicInteger taken = new AtomicInteger();
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"))) {
      Extractor extractor =
          Extractor.builder(model).tokenIds(ragged(12), null).maxBatchTokens(40).build();
      IllegalStateException e =
          assertThrows(
              IllegalStateException.class,
              () ->
                  extractor.extractTo(
                      block -> {
                        if (taken.getAndIncrement() >= blocks) {
                          throw new IllegalStateException("consumer");
                        }
                      }));
      assertEquals("consumer", e.getMessage());
      assertEquals(blocks + 1, taken.get());
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void progressCountsSentences() {
    List<Integer> heard = new ArrayList<>();
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"));
        Activations activations =
            Extractor.builder(model)
                .tokenIds(ragged(12), null)
                .maxBatchTokens(60)
                .listener(
                    (done, total) -> {
                      assertEquals(12, total);
                      heard.add(done);
                    })
                .build()
                .extract()) {
      assertTrue(activations.tokens().size() > 12);
      assertEquals(0, heard.get(0));
      assertEquals(12, heard.get(heard.size() - 1));
      assertTrue(heard.size() > 3, heard.toString());
      assertEquals(heard.stream().distinct().sorted().toList(), heard);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 4})
  void cancellationLeavesNothing(int questions) throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"))) {
      Extractor extractor =
          Extractor.builder(model)
              .tokenIds(ragged(12), null)
              .maxBatchTokens(40)
              .cancellation(() -> asked.getAndIncrement() >= questions)
              .build();
      CancelledException e =
          assertThrows(
              CancelledException.class, () -> extractor.extractTo(directory.resolve("store")));
      assertTrue(e.getMessage().contains("cancelled after"), e.getMessage());
      asked.set(0);
      assertThrows(CancelledException.class, extractor::extract);
      asked.set(0);
      assertThrows(CancelledException.class, () -> extractor.extractTo(block -> {}));
    }
    assertEquals(List.of(), names());
  }

  @Test
  void aListenersFailureLeavesNothing() throws Exception {
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"))) {
      Extractor extractor =
          Extractor.builder(model)
              .tokenIds(ragged(12), null)
              .maxBatchTokens(40)
              .listener(
                  (done, total) -> {
                    if (done > 3) {
                      throw new IllegalStateException("listener");
                    }
                  })
              .build();
      assertThrows(
          IllegalStateException.class, () -> extractor.extractTo(directory.resolve("store")));
      assertThrows(IllegalStateException.class, extractor::extract);
    }
    assertEquals(List.of(), names());
  }

  @Test
  void repeatedExtractionsLeakNothing() {
    try (OnnxModel model = OnnxModel.open(TestModels.model("gpt2-dynamo"))) {
      Extractor extractor =
          Extractor.builder(model).tokenIds(ragged(3), null).layers(List.of(0)).build();
      for (int i = 0; i < 50; i++) {
        extractor.extract().close();
      }
    }
  }

  @Test
  void twoThreadsMayExtractAtOnce() throws Exception {
    long[][] ids = ragged(20);
    try (OnnxModel model = OnnxModel.open(TestModels.model("gpt2-dynamo"))) {
      Extractor extractor = Extractor.builder(model).tokenIds(ids, null).build();
      List<double[][]> found = java.util.Collections.synchronizedList(new ArrayList<>());
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Thread thread =
            new Thread(
                () -> {
                  try (Activations activations = extractor.extract()) {
                    found.add(activations.get(Site.MLP, 2).matrix().toArray());
                  }
                });
        thread.start();
        threads.add(thread);
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(2, found.size());
      for (int i = 0; i < found.get(0).length; i++) {
        assertArrayEquals(found.get(0)[i], found.get(1)[i]);
      }
    }
  }

  @Test
  void closedModelsThrow() {
    OnnxModel model = OnnxModel.open(TestModels.model("gpt2-dynamo"));
    Extractor extractor = Extractor.builder(model).tokenIds(new long[][] {{1, 2, 3}}, null).build();
    model.close();
    model.close();
    ClosedException e = assertThrows(ClosedException.class, extractor::extract);
    assertTrue(e.getMessage().contains("gpt2-dynamo.onnx"), e.getMessage());
    assertThrows(ClosedException.class, model::layers);
  }

  @Test
  void truncationKeepsWhatFits() {
    long[][] ids = {random.longs(70, 1, 97).toArray(), {1, 2}};
    try (OnnxModel model = OnnxModel.open(TestModels.model("gpt2-dynamo"));
        Activations activations =
            Extractor.builder(model).tokenIds(ids, null).truncate(true).build().extract()) {
      assertEquals(64 + 2, activations.tokens().size());
      assertEquals(63, activations.tokens().position(63));
      assertEquals(1, activations.tokens().id(64));
    }
  }
}
