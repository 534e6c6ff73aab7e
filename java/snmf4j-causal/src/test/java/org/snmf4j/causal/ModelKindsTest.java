package org.snmf4j.causal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.causal.Fixtures.Truth;
import org.snmf4j.causal.generation.Generation;
import org.snmf4j.causal.generation.GenerationOptions;
import org.snmf4j.causal.generation.Generator;
import org.snmf4j.causal.steering.AlphaResult;
import org.snmf4j.causal.steering.AlphaSearch;
import org.snmf4j.causal.steering.SteeringEffect;
import org.snmf4j.onnx.OnnxModel;

/** Generation and steering with one model in the forms that other tools give it. */
class ModelKindsTest {
  @TempDir Path directory;
  private final Truth truth = new Truth("llama-cache");

  private enum Kind {
    HALF(LlamaVariants::half, true, 0.01),
    /** The bound for 8 bits that the sites of real exports are held to. */
    INT8(LlamaVariants::dynamicallyQuantized, true, 0.20),
    /** Only the branch that starts a sequence is right for whole ones, so there is no cache. */
    MERGED(LlamaVariants::merged, false, 1e-5),
    GROUPED_QUERY(LlamaVariants::groupedQuery, true, 1e-5);

    final Function<Path, Path> write;
    final boolean cached;

    /** Relative error of logits, as Frobenius norms. */
    final double tolerance;

    Kind(Function<Path, Path> write, boolean cached, double tolerance) {
      this.write = write;
      this.cached = cached;
      this.tolerance = tolerance;
    }
  }

  private interface Use {
    void of(OnnxModel onnx, CausalModel model);
  }

  private void with(Kind kind, boolean useCache, Use use) {
    try (OnnxModel onnx = OnnxModel.open(kind.write.apply(directory));
        CausalModel model = Fixtures.steerable(onnx, truth, useCache)) {
      assertEquals(useCache && kind.cached, model.usesCache());
      assertEquals(kind == Kind.INT8, model.runsAlone());
      use.of(onnx, model);
    }
  }

  @ParameterizedTest
  @EnumSource
  void logitsAreTheOriginals(Kind kind) {
    int[][] prefixes = Fixtures.prefixes(truth.prompt);
    for (boolean useCache : new boolean[] {true, false}) {
      with(
          kind,
          useCache,
          (onnx, model) -> {
            assertEquals(3, onnx.layers());
            List<Steering> base = List.of(Steering.NONE);
            List<Steering> steered = List.of(truth.steering());
            assertClose(truth.logits, model.nextLogits(prefixes, base), kind.tolerance);
            assertClose(truth.logitsSteered, model.nextLogits(prefixes, steered), kind.tolerance);
            try (Decoding decoding = model.decode(prefixes, steered)) {
              assertClose(truth.logitsSteered, logits(decoding), kind.tolerance);
            }
          });
    }
  }

  @ParameterizedTest
  @EnumSource
  void tokenByTokenEqualsAtOnce(Kind kind) {
    with(
        kind,
        true,
        (onnx, model) -> {
          int[][] first = {{truth.prompt[0]}, {truth.prompt[0]}};
          List<Steering> both = List.of(Steering.NONE, truth.steering());
          try (Decoding decoding = model.decode(first, both)) {
            for (int i = 0; i < truth.prompt.length; i++) {
              if (i > 0) {
                decoding.advance(new int[] {0, 1}, new int[] {truth.prompt[i], truth.prompt[i]});
              }
              int from = i * Fixtures.VOCABULARY;
              int to = from + Fixtures.VOCABULARY;
              float[][] found = logits(decoding);
              assertClose(
                  Arrays.copyOfRange(truth.logits, from, to),
                  new float[][] {found[0]},
                  kind.tolerance);
              assertClose(
                  Arrays.copyOfRange(truth.logitsSteered, from, to),
                  new float[][] {found[1]},
                  kind.tolerance);
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void greedyContinuationsAreTheOriginals(Kind kind) {
    with(
        kind,
        true,
        (onnx, model) -> {
          GenerationOptions options =
              GenerationOptions.builder()
                  .maxNewTokens(truth.greedy.length - truth.prompt.length)
                  .build();
          List<List<Generation>> found =
              Generator.of(model, options)
                  .compareIds(new int[][] {truth.prompt}, List.of(Steering.NONE, truth.steering()));
          if (kind != Kind.INT8) {
            assertArrayEquals(truth.greedy, found.get(0).get(0).ids());
            assertArrayEquals(truth.greedySteered, found.get(1).get(0).ids());
          }
        });
  }

  /** Prompts of different lengths, some steered. */
  @ParameterizedTest
  @EnumSource
  void eightInParallelEqualOneByOne(Kind kind) {
    int[][] prompts = Fixtures.ragged(8);
    with(
        kind,
        true,
        (onnx, model) -> {
          Generator generator =
              Generator.of(model, GenerationOptions.builder().maxNewTokens(12).build());
          for (Steering steering : List.of(Steering.NONE, truth.steering())) {
            List<Generation> together = generator.continueIds(prompts, steering);
            for (int i = 0; i < prompts.length; i++) {
              int[] alone = generator.continueIds(new int[][] {prompts[i]}, steering).get(0).ids();
              assertArrayEquals(alone, together.get(i).ids(), "prompt " + i);
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void strengthForAWantedDivergence(Kind kind) {
    with(
        kind,
        true,
        (onnx, model) -> {
          int[][] prompt = {truth.prompt};
          double kl = SteeringEffect.measure(model, prompt, truth.steering()).kl();
          assertEquals(truth.kl, kl, Math.max(1e-4, kind.tolerance) * truth.kl * 2);
          AlphaSearch search = AlphaSearch.builder(model, truth.steering(), prompt).build();
          for (AlphaResult found : List.of(search.positive(kl / 2), search.negative(kl / 2))) {
            assertTrue(found.reached(), found.toString());
            assertEquals(kl / 2, found.kl(), 0.01 * kl / 2);
          }
        });
  }

  /** The original is no such model: its sequences share their runs. */
  @ParameterizedTest
  @EnumSource(names = "INT8")
  void quantizedSequencesRunAlone(Kind kind) {
    try (OnnxModel onnx = Fixtures.model("llama-cache");
        CausalModel original = CausalModel.open(onnx)) {
      assertFalse(original.runsAlone());
    }
    // A steered row, whose activations are large, must not coarsen the steps of the one beside it.
    with(
        kind,
        true,
        (onnx, model) -> {
          int[][] rows = {truth.prompt, truth.prompt};
          List<Steering> both = List.of(Steering.NONE, truth.steering().withAlpha(1e3));
          float[] alone = model.nextLogits(new int[][] {rows[0]}, List.of(Steering.NONE))[0];
          assertArrayEquals(alone, model.nextLogits(rows, both)[0]);
        });
  }

  private static float[][] logits(Decoding decoding) {
    float[][] logits = new float[decoding.rows()][];
    for (int row = 0; row < logits.length; row++) {
      logits[row] = decoding.logits(row);
    }
    return logits;
  }

  private static void assertClose(double[] expected, float[][] found, double tolerance) {
    double difference = 0;
    double norm = 0;
    int at = 0;
    for (float[] row : found) {
      for (float value : row) {
        difference += Math.pow(expected[at] - value, 2);
        norm += Math.pow(expected[at++], 2);
      }
    }
    assertEquals(expected.length, at);
    double error = Math.sqrt(difference / norm);
    assertTrue(error <= tolerance, "relative error " + error);
  }
}
