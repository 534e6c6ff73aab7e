package org.snmf4j.causal.steering;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Direction;
import org.snmf4j.causal.Fixtures;
import org.snmf4j.causal.Fixtures.Truth;
import org.snmf4j.causal.Steering;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;

class AlphaSearchTest {
  private static final String NAME = "gptneox-cache";

  private static Truth truth;
  private static OnnxModel onnx;
  private static CausalModel model;

  @BeforeAll
  static void open() {
    truth = new Truth(NAME);
    onnx = Fixtures.model(NAME);
    model = CausalModel.builder(onnx).steerable(Site.MLP).steerable(Site.RESIDUAL, 2).open();
  }

  @AfterAll
  static void close() {
    model.close();
    onnx.close();
  }

  @ParameterizedTest
  @CsvSource({"gptneox-cache,true", "gptneox-cache,false", "llama-cache,true", "llama-cache,false"})
  void divergenceEqualsTheOriginals(String name, boolean useCache) {
    Truth truth = new Truth(name);
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = Fixtures.steerable(onnx, truth, useCache)) {
      SteeringEffect effect =
          SteeringEffect.measure(model, new int[][] {truth.prompt}, truth.steering());
      assertEquals(truth.kl, effect.kl(), 1e-4);
      AlphaResult found =
          AlphaSearch.builder(model, truth.steering(), new int[][] {truth.prompt})
              .tolerance(1e-5)
              .build()
              .positive(truth.kl);
      assertEquals(truth.alpha, found.requireAlpha(), 1e-3 * truth.alpha);
    }
  }

  @Test
  void changesOfTokensEqualTheOriginals() {
    int count = Fixtures.VOCABULARY;
    double[] base = lastLogProbabilities(truth.logits);
    double[] steered = lastLogProbabilities(truth.logitsSteered);
    List<Integer> order =
        IntStream.range(0, count)
            .boxed()
            .sorted((a, b) -> Double.compare(steered[b] - base[b], steered[a] - base[a]))
            .toList();
    SteeringEffect effect =
        SteeringEffect.measure(model, new int[][] {truth.prompt}, truth.steering());
    List<TokenChange> raised = effect.raised(5);
    List<TokenChange> lowered = effect.lowered(5);
    for (int i = 0; i < 5; i++) {
      int up = order.get(i);
      int down = order.get(count - 1 - i);
      assertEquals(up, raised.get(i).id());
      assertEquals(steered[up] - base[up], raised.get(i).change(), 1e-4);
      assertEquals(base[up], raised.get(i).base(), 1e-4);
      assertEquals(down, lowered.get(i).id());
      assertEquals(steered[down] - base[down], lowered.get(i).change(), 1e-4);
    }
    assertEquals(count, effect.raised(1000).size() + effect.lowered(1000).size());
  }

  private static double[] lastLogProbabilities(double[] logits) {
    int from = logits.length - Fixtures.VOCABULARY;
    double sum = 0;
    for (int i = from; i < logits.length; i++) {
      sum += Math.exp(logits[i]);
    }
    double[] logs = new double[Fixtures.VOCABULARY];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = logits[from + i] - Math.log(sum);
    }
    return logs;
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-4, 0.01, 0.1, 0.25, 0.5})
  void reachesTargetsOfBothSigns(double target) {
    int[][] prompts = {truth.prompt, {4}, {8, 9, 10}};
    for (Steering steering :
        List.of(
            truth.steering(),
            Steering.add(truth.direction(), 1, 0, 1, 2),
            Steering.add(Direction.of("long", Site.MLP, scaled(1000)), 1, truth.layer))) {
      AlphaSearch search = AlphaSearch.builder(model, steering, prompts).build();
      for (int sign : new int[] {1, -1}) {
        AlphaResult found = sign > 0 ? search.positive(target) : search.negative(target);
        assertTrue(found.reached(), found.toString());
        assertEquals(sign, Math.signum(found.alpha()));
        assertEquals(target, found.kl(), 0.01 * target);
        assertTrue(found.largestKl() >= found.kl());
        assertNull(found.reason());
        // Measured anew, and as the mean of runs of single prompts.
        double sum = 0;
        for (int[] prompt : prompts) {
          sum +=
              SteeringEffect.measure(model, new int[][] {prompt}, steering.withAlpha(found.alpha()))
                  .kl();
        }
        assertEquals(target, sum / prompts.length, 0.0101 * target);
      }
    }
  }

  private static float[] scaled(float factor) {
    float[] values = truth.vector.clone();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return values;
  }

  @Test
  void unreachableTargetsAreReported() {
    int[][] prompts = {truth.prompt};
    AlphaSearch search = AlphaSearch.builder(model, truth.steering(), prompts).build();
    for (AlphaResult found : List.of(search.positive(50), search.negative(50))) {
      assertFalse(found.reached());
      assertTrue(Double.isNaN(found.alpha()) && Double.isNaN(found.kl()));
      assertTrue(found.largestKl() > 0.3 && found.largestKl() < 50, found.toString());
      assertTrue(found.reason().contains("KL stays below 50.0"), found.reason());
      InvalidArgumentException e =
          assertThrows(InvalidArgumentException.class, found::requireAlpha);
      assertTrue(e.getMessage().contains(found.reason()), e.getMessage());
    }
    // The largest KL that was seen can be asked for.
    double largest = search.positive(50).largestKl();
    assertTrue(search.positive(0.995 * largest).reached());
    AlphaResult zero =
        AlphaSearch.builder(
                model,
                Steering.add(Direction.of("zero", Site.MLP, new float[truth.vector.length]), 1, 0),
                prompts)
            .build()
            .positive(0.1);
    assertFalse(zero.reached());
    assertTrue(zero.reason().contains("zero"), zero.reason());
  }

  /** Replacing changes something even with α = 0, so that small targets may not be there. */
  @Test
  void replacingStartsAboveZero() {
    int[][] prompts = {truth.prompt};
    Steering replace = Steering.replace(truth.direction(), 1, truth.layer);
    double atZero = SteeringEffect.measure(model, prompts, replace.withAlpha(0)).kl();
    assertTrue(atZero > 1e-3, "KL " + atZero);
    AlphaSearch search = AlphaSearch.builder(model, replace, prompts).build();
    AlphaResult above = search.positive(2 * atZero);
    assertTrue(above.reached(), above.toString());
    assertEquals(2 * atZero, above.kl(), 0.02 * atZero);
    AlphaResult below = search.positive(atZero * 1e-6);
    assertFalse(below.reached(), below.toString());
    assertTrue(below.reason().contains("smallest"), below.reason());
  }

  @Test
  void badInput() {
    int[][] prompts = {truth.prompt};
    AlphaSearch search = AlphaSearch.builder(model, truth.steering(), prompts).build();
    for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertEquals(
          "KL",
          assertThrows(InvalidArgumentException.class, () -> search.positive(bad)).argument());
    }
    assertThrows(
        InvalidArgumentException.class,
        () -> AlphaSearch.builder(model, truth.steering(), prompts).tolerance(0));
    assertThrows(
        InvalidArgumentException.class,
        () -> AlphaSearch.builder(model, Steering.NONE, prompts).build());
    assertThrows(
        InvalidArgumentException.class,
        () -> AlphaSearch.builder(model, truth.steering(), new int[0][]).build());
    AtomicInteger asked = new AtomicInteger();
    AlphaSearch cancelled =
        AlphaSearch.builder(model, truth.steering(), prompts)
            .cancellation(() -> asked.incrementAndGet() > 1)
            .build();
    assertThrows(CancelledException.class, () -> cancelled.negative(0.1));
  }
}
