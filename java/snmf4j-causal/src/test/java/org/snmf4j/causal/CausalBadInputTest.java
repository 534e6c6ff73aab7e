package org.snmf4j.causal;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.causal.Fixtures.Truth;
import org.snmf4j.causal.generation.GenerationOptions;
import org.snmf4j.causal.generation.Generator;
import org.snmf4j.causal.steering.SteeringEffect;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.onnx.ContextOverflowException;
import org.snmf4j.onnx.ModelOptions;
import org.snmf4j.onnx.ModelRunException;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.TokenizerMismatchException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.LogitsNotFoundException;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.runtime.NativeCounts;

/** Every mistake has its own exception, and none leaves a native object open. */
class CausalBadInputTest {
  private static final String NAME = "llama-cache";
  private static final int[][] PROMPT = {{1, 2, 3}};

  private final Truth truth = new Truth(NAME);
  private long sessions;
  private long tensors;

  @BeforeEach
  void count() {
    sessions = NativeCounts.sessions();
    tensors = NativeCounts.tensors();
  }

  @AfterEach
  void nothingIsLeftOpen() {
    assertEquals(sessions, NativeCounts.sessions(), "sessions");
    assertEquals(tensors, NativeCounts.tensors(), "tensors");
  }

  private void with(Consumer<CausalModel> use) {
    ModelOptions limited = ModelOptions.builder().contextLength(10).build();
    try (OnnxModel onnx = OnnxModel.open(Fixtures.file(NAME), limited);
        CausalModel model = CausalModel.builder(onnx).steerable(Site.MLP, 0, 1).open()) {
      use.accept(model);
    }
  }

  private static <E extends SnmfException> void assertFails(
      Class<E> type, String part, Executable action) {
    E e = assertThrows(type, action);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void steeringThatDoesNotFit() {
    float[] vector = truth.vector;
    with(
        model -> {
          assertRefused(
              model,
              "of 3 values but must be as wide as mlp of layer 1: 80",
              Steering.add(Direction.of("v", Site.MLP, new float[3]), 1, 1));
          assertRefused(
              model,
              "mlp of layer 2 but must be among those that the model was opened for: mlp of layer 0,"
                  + " mlp of layer 1",
              Steering.add(truth.direction(), 1, 0, 2));
          assertRefused(
              model,
              "mlp_out of layer 0",
              Steering.add(Direction.of("v", Site.MLP_OUT, new float[32]), 1, 0));
        });
    assertFails(
        InvalidArgumentException.class, "layer", () -> Steering.add(truth.direction(), 1, -1));
    assertFails(InvalidArgumentException.class, "layers", () -> Steering.add(truth.direction(), 1));
    for (double alpha : new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 1e39}) {
      assertFails(
          InvalidArgumentException.class,
          "alpha is " + alpha,
          () -> Steering.replace(truth.direction(), alpha, 0));
    }
    assertFails(InvalidArgumentException.class, "NONE", () -> Steering.NONE.withAlpha(1));
    vector[7] = Float.NaN;
    assertFails(NonFiniteValueException.class, "row 7", () -> Direction.of("v", Site.MLP, vector));
  }

  private static void assertRefused(CausalModel model, String part, Steering steering) {
    assertFails(
        InvalidArgumentException.class, part, () -> model.nextLogits(PROMPT, List.of(steering)));
    assertFails(
        InvalidArgumentException.class, part, () -> model.decode(PROMPT, List.of(steering)));
    assertFails(
        InvalidArgumentException.class,
        part,
        () -> Generator.of(model, GenerationOptions.DEFAULT).continueIds(PROMPT, steering));
    assertFails(
        InvalidArgumentException.class,
        part,
        () -> SteeringEffect.measure(model, PROMPT, steering));
  }

  @Test
  void layersOutOfRange() {
    try (OnnxModel onnx = Fixtures.model(NAME)) {
      assertFails(
          InvalidArgumentException.class,
          "layer is 3 but must be between 0 and 2",
          () -> CausalModel.builder(onnx).steerable(Site.MLP, 3));
      assertFails(
          InvalidArgumentException.class,
          "layer is -1",
          () -> CausalModel.builder(onnx).steerable(Site.RESIDUAL, -1));
    }
  }

  @Test
  void sequencesThatDoNotFit() {
    List<Steering> none = List.of(Steering.NONE);
    with(
        model -> {
          Generator generator = Generator.of(model, GenerationOptions.DEFAULT);
          assertFails(
              ContextOverflowException.class,
              "sentence 1 has 11 tokens but the model takes at most 10",
              () -> generator.continueIds(new int[][] {{1}, new int[11]}, Steering.NONE));
          assertFails(
              TokenizerMismatchException.class,
              "sentence 1 has token id 97",
              () -> generator.continueIds(new int[][] {{1}, {2, 97}}, Steering.NONE));
          assertFails(
              InvalidArgumentException.class,
              "token id of sequence 0 is -1",
              () -> generator.continueIds(new int[][] {{-1}}, Steering.NONE));
          assertFails(
              InvalidArgumentException.class,
              "sequence 1 is empty",
              () -> generator.continueIds(new int[][] {{1}, {}}, Steering.NONE));
          assertFails(
              InvalidArgumentException.class,
              "prompts is empty",
              () -> generator.continueIds(new int[0][], Steering.NONE));
          assertFails(
              InvalidArgumentException.class,
              "steerings is empty",
              () -> generator.compareIds(PROMPT, List.of()));
          assertFails(
              InvalidArgumentException.class,
              "tokenizer",
              () -> generator.continueTexts(List.of("a"), Steering.NONE));
          assertFails(
              InvalidArgumentException.class,
              "steerings is 2 for 1 sequences",
              () -> model.nextLogits(PROMPT, List.of(Steering.NONE, Steering.NONE)));
          try (Decoding decoding = model.decode(new int[][] {new int[9], {1}}, none)) {
            assertFails(InvalidArgumentException.class, "row is 2", () -> decoding.logits(2));
            assertFails(
                InvalidArgumentException.class,
                "ascending",
                () -> decoding.advance(new int[] {1, 0}, new int[2]));
            assertFails(
                InvalidArgumentException.class,
                "1 rows with 2 ids",
                () -> decoding.advance(new int[] {1}, new int[2]));
            assertFails(
                TokenizerMismatchException.class,
                "token id 1000",
                () -> decoding.advance(new int[] {0}, new int[] {1000}));
            decoding.advance(new int[] {0, 1}, new int[2]);
            assertFails(
                ContextOverflowException.class,
                "has 11 tokens",
                () -> decoding.advance(new int[] {0, 1}, new int[2]));
            // What was refused changed nothing.
            decoding.advance(new int[] {1}, new int[1]);
            assertEquals(1, decoding.rows());
          }
        });
  }

  /** Activations overflow, and the logits are no numbers any more. */
  @Test
  void overflowingSteering() {
    float[] values = new float[32];
    Arrays.fill(values, 3e38F);
    Steering huge = Steering.add(Direction.of("huge", Site.RESIDUAL, values), 1, 0, 1, 2);
    try (OnnxModel onnx = Fixtures.model(NAME);
        CausalModel model = CausalModel.builder(onnx).steerable(Site.RESIDUAL).open()) {
      assertFails(
          ModelRunException.class,
          "logit",
          () -> Generator.of(model, GenerationOptions.DEFAULT).continueIds(PROMPT, huge));
      assertFails(
          ModelRunException.class,
          "smaller alpha",
          () -> SteeringEffect.measure(model, PROMPT, huge));
    }
  }

  @Test
  void useAfterClose() {
    try (OnnxModel onnx = Fixtures.model(NAME)) {
      CausalModel model = CausalModel.open(onnx);
      Decoding decoding = model.decode(PROMPT, List.of(Steering.NONE));
      Decoding other = model.decode(PROMPT, List.of(Steering.NONE));
      other.close();
      other.close();
      assertFails(ClosedException.class, "decoding", () -> other.logits(0));
      assertFails(ClosedException.class, "decoding", () -> other.advance(new int[1], new int[1]));
      model.close();
      model.close();
      assertFails(ClosedException.class, NAME, () -> decoding.advance(new int[1], new int[1]));
      assertFails(ClosedException.class, NAME, () -> model.decode(PROMPT, List.of(Steering.NONE)));
      assertFails(
          ClosedException.class, NAME, () -> model.nextLogits(PROMPT, List.of(Steering.NONE)));
      assertFails(
          ClosedException.class,
          NAME,
          () -> Generator.of(model, GenerationOptions.DEFAULT).continueIds(PROMPT, Steering.NONE));
      decoding.close();
    }
    OnnxModel closed = Fixtures.model(NAME);
    closed.close();
    assertFails(ClosedException.class, NAME, () -> CausalModel.open(closed));
  }

  /** Closing waits for the run that has begun; the next one is refused. */
  @Test
  void closingWhileAnotherThreadGenerates() throws Exception {
    try (OnnxModel onnx = Fixtures.model(NAME)) {
      for (int round = 0; round < 20; round++) {
        CausalModel model = CausalModel.open(onnx);
        CountDownLatch begun = new CountDownLatch(3);
        GenerationOptions options =
            GenerationOptions.builder()
                .maxNewTokens(Integer.MAX_VALUE)
                .listener((sequence, id, text) -> begun.countDown())
                .build();
        Future<?> generation =
            CompletableFuture.runAsync(
                () -> Generator.of(model, options).continueIds(PROMPT, Steering.NONE));
        begun.await();
        model.close();
        ExecutionException e =
            assertThrows(ExecutionException.class, () -> generation.get(60, TimeUnit.SECONDS));
        assertEquals(ClosedException.class, e.getCause().getClass());
      }
    }
  }

  @Test
  void modelsThatAreNoCausalLanguageModels(@TempDir Path directory) {
    for (String name : List.of("bert-torchscript", "distilbert-torchscript", "bert-int8")) {
      try (OnnxModel onnx = Fixtures.model(name)) {
        assertFails(
            LogitsNotFoundException.class,
            "no causal language model",
            () -> CausalModel.open(onnx));
      }
    }
    try (OnnxModel onnx = OnnxModel.open(ToyModels.bidirectional(directory))) {
      assertFails(
          ModelFormatException.class,
          "the logits of a token change with the token after it",
          () -> CausalModel.open(onnx));
    }
    try (OnnxModel onnx = OnnxModel.open(ToyModels.withInput(directory, "pixel_values"))) {
      assertFails(ModelFormatException.class, "input 'pixel_values'", () -> CausalModel.open(onnx));
    }
    try (OnnxModel onnx = OnnxModel.open(ToyModels.bigram(directory))) {
      assertDoesNotThrow(() -> CausalModel.open(onnx).close());
    }
  }

  @Test
  void cancelledGeneration() {
    with(
        model -> {
          GenerationOptions options = GenerationOptions.builder().cancellation(() -> true).build();
          assertThrows(
              CancelledException.class,
              () -> Generator.of(model, options).continueIds(PROMPT, Steering.NONE));
          GenerationOptions broken =
              GenerationOptions.builder()
                  .listener(
                      (sequence, id, text) -> {
                        throw new IllegalStateException("listener");
                      })
                  .build();
          assertThrows(
              IllegalStateException.class,
              () -> Generator.of(model, broken).continueIds(PROMPT, Steering.NONE));
        });
  }

  @Test
  void nothingIsOpenAfterThousandGenerations() {
    try (OnnxModel onnx = Fixtures.model(NAME);
        CausalModel model = CausalModel.builder(onnx).steerable(Site.MLP, 1).open()) {
      long before = NativeCounts.tensors();
      GenerationOptions options =
          GenerationOptions.builder().maxNewTokens(3).temperature(1).samples(2).build();
      Generator generator = Generator.of(model, options);
      for (int i = 0; i < 1000; i++) {
        generator.continueIds(new int[][] {{i % 97}, {5, 6}}, truth.steering().withAlpha(i % 7));
        assertEquals(before, NativeCounts.tensors());
      }
    }
  }
}
