package org.snmf4j.causal.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.ModelRunException;

class CandidatesTest {
  /** Straight from the definition: sort all, cut, normalize; nothing shared with the sampler. */
  private static Map<Integer, Double> expected(
      float[] logits,
      Map<Integer, Integer> counts,
      double penalty,
      double temperature,
      int topK,
      double topP) {
    double[] scores = new double[logits.length];
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < logits.length; i++) {
      scores[i] = (logits[i] - penalty * counts.getOrDefault(i, 0)) / temperature;
      order.add(i);
    }
    order.sort(Comparator.<Integer>comparingDouble(i -> -scores[i]).thenComparing(i -> i));
    order = order.subList(0, Math.min(topK, order.size()));
    double total = order.stream().mapToDouble(i -> Math.exp(scores[i] - scores[0])).sum();
    Map<Integer, Double> kept = new TreeMap<>();
    double sum = 0;
    for (int i : order) {
      if (sum >= topP) {
        break;
      }
      double share = Math.exp(scores[i] - scores[0]) / total;
      sum += share;
      kept.put(i, share);
    }
    double all = kept.values().stream().mapToDouble(Double::doubleValue).sum();
    kept.replaceAll((id, share) -> share / all);
    return kept;
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 2147483647, 1",
    "0, 0.5, 2147483647, 1",
    "0, 1, 7, 1",
    "0, 1, 2147483647, 0.6",
    "1.5, 1, 2147483647, 1",
    "-0.7, 1, 2147483647, 1",
    "0.8, 1.3, 20, 0.9",
    "0.3, 0.7, 3, 0.2",
    "0, 2, 1, 1",
    "0, 1, 300, 0.999"
  })
  void distributionIsTheDefinitions(double penalty, double temperature, int topK, double topP) {
    Random random = new Random(1);
    GenerationOptions options =
        GenerationOptions.builder()
            .frequencyPenalty(penalty)
            .temperature(temperature)
            .topK(topK)
            .topP(topP)
            .build();
    for (int round = 0; round < 20; round++) {
      float[] logits = new float[300];
      Map<Integer, Integer> counts = new HashMap<>();
      for (int i = 0; i < logits.length; i++) {
        // Rounded, so that there are ties.
        logits[i] = Math.round(random.nextGaussian() * 20) / 10F;
      }
      for (int i = 0; i < 30; i++) {
        counts.merge(random.nextInt(300), 1, Integer::sum);
      }
      Map<Integer, Double> expected = expected(logits, counts, penalty, temperature, topK, topP);
      Candidates found = Candidates.of(logits, counts, options);
      double total = 0;
      for (double weight : found.weights()) {
        total += weight;
      }
      Map<Integer, Double> shares = new TreeMap<>();
      for (int i = 0; i < found.ids().length; i++) {
        shares.put(found.ids()[i], found.weights()[i] / total);
      }
      assertEquals(expected.keySet(), shares.keySet());
      for (int id : expected.keySet()) {
        assertEquals(expected.get(id), shares.get(id), 1e-12);
      }
    }
  }

  /** Chi-squared over the tokens; with 9 degrees of freedom 27.9 is passed once in a thousand. */
  @Test
  void drawsFollowTheDistribution() {
    float[] logits = {0, 1, 2, 3, -1, 0.5F, 1.5F, 2.5F, -2, 0.1F, 5, 4};
    Map<Integer, Integer> counts = Map.of(10, 3, 11, 1);
    GenerationOptions options =
        GenerationOptions.builder()
            .frequencyPenalty(0.9)
            .temperature(1.4)
            .topK(11)
            .topP(0.98)
            .build();
    Map<Integer, Double> expected = expected(logits, counts, 0.9, 1.4, 11, 0.98);
    assertEquals(10, expected.size());
    Candidates candidates = Candidates.of(logits, counts, options);
    SplittableRandom random = new SplittableRandom(9);
    int draws = 200_000;
    Map<Integer, Integer> drawn = new HashMap<>();
    for (int i = 0; i < draws; i++) {
      drawn.merge(candidates.at(random.nextDouble()), 1, Integer::sum);
    }
    assertEquals(expected.keySet(), drawn.keySet());
    double chi = 0;
    for (int id : expected.keySet()) {
      double mean = expected.get(id) * draws;
      chi += Math.pow(drawn.get(id) - mean, 2) / mean;
    }
    assertTrue(chi < 27.9, "chi-squared " + chi);
  }

  @Test
  void endsOfTheDistribution() {
    Candidates candidates = new Candidates(new int[] {4, 6, 9}, new double[] {1, 2, 0});
    assertEquals(4, candidates.at(0));
    assertEquals(4, candidates.at(0.333));
    assertEquals(6, candidates.at(0.334));
    assertEquals(6, candidates.at(Math.nextDown(1.0)));
  }

  @Test
  void greedyTakesTheFirstOfTheLargest() {
    GenerationOptions options = GenerationOptions.builder().frequencyPenalty(1).build();
    float[] logits = {1, 3, 3, Float.NEGATIVE_INFINITY};
    assertEquals(1, Candidates.mostProbable(logits, Map.of(), options));
    assertEquals(1, Candidates.mostProbable(logits, Map.of(1, 9), GenerationOptions.DEFAULT));
    assertThrows(
        ModelRunException.class,
        () ->
            Candidates.mostProbable(
                new float[] {Float.NaN, 1}, Map.of(), GenerationOptions.DEFAULT));
    assertEquals(2, Candidates.mostProbable(logits, Map.of(1, 1), options));
    assertEquals(0, Candidates.mostProbable(logits, Map.of(1, 3, 2, 3), options));
  }

  @Test
  void logitsMustBeNumbers() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      ModelRunException e =
          assertThrows(
              ModelRunException.class,
              () ->
                  Candidates.of(
                      new float[] {0, bad}, Map.of(), GenerationOptions.builder().build()));
      assertTrue(e.getMessage().contains("token 1"), e.getMessage());
    }
  }

  @Test
  void optionsOutsideTheirLimitsAreRefused() {
    GenerationOptions.Builder builder = GenerationOptions.builder();
    assertRefused("maxNewTokens", () -> builder.maxNewTokens(0));
    assertRefused("temperature", () -> builder.temperature(0));
    assertRefused("temperature", () -> builder.temperature(Double.NaN));
    assertRefused("temperature", () -> builder.temperature(Double.POSITIVE_INFINITY));
    assertRefused("topK", () -> builder.topK(0));
    assertRefused("topP", () -> builder.topP(0));
    assertRefused("topP", () -> builder.topP(1.01));
    assertRefused("topP", () -> builder.topP(Double.NaN));
    assertRefused("frequencyPenalty", () -> builder.frequencyPenalty(Double.NaN));
    assertRefused("samples", () -> builder.samples(0));
    assertRefused("maxParallel", () -> builder.maxParallel(0));
    assertRefused("greedy", () -> GenerationOptions.builder().greedy().temperature(0.5).build());
    assertRefused("greedy", () -> GenerationOptions.builder().greedy().samples(2).build());
  }

  private static void assertRefused(String argument, Runnable action) {
    InvalidArgumentException e = assertThrows(InvalidArgumentException.class, action::run);
    assertEquals(argument, e.argument());
  }
}
