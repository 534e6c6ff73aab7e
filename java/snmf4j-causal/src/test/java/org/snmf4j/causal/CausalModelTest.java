package org.snmf4j.causal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.causal.Fixtures.Truth;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.OnnxModel;

class CausalModelTest {
  @ParameterizedTest
  @CsvSource({"gptneox-cache,true", "gptneox-cache,false", "llama-cache,true", "llama-cache,false"})
  void logitsOfEveryPositionEqualTheOriginals(String name, boolean useCache) {
    Truth truth = new Truth(name);
    int[][] prefixes = Fixtures.prefixes(truth.prompt);
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = Fixtures.steerable(onnx, truth, useCache)) {
      assertEquals(useCache, model.usesCache());
      assertEquals(Fixtures.VOCABULARY, model.vocabularySize());
      assertNear(truth.logits, flat(model.nextLogits(prefixes, List.of(Steering.NONE))), 1e-4);
      assertNear(
          truth.logitsSteered, flat(model.nextLogits(prefixes, List.of(truth.steering()))), 1e-4);
      try (Decoding decoding = model.decode(prefixes, List.of(Steering.NONE))) {
        assertNear(truth.logits, flat(logits(decoding)), 1e-4);
      }
      try (Decoding decoding = model.decode(prefixes, List.of(truth.steering()))) {
        assertNear(truth.logitsSteered, flat(logits(decoding)), 1e-4);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tokenByTokenEqualsAtOnce(boolean useCache) {
    Truth truth = new Truth("llama-cache");
    try (OnnxModel onnx = Fixtures.model("llama-cache");
        CausalModel model = Fixtures.steerable(onnx, truth, useCache);
        Decoding decoding =
            model.decode(
                new int[][] {{truth.prompt[0]}, {truth.prompt[0]}},
                List.of(Steering.NONE, truth.steering()))) {
      for (int i = 0; i < truth.prompt.length; i++) {
        if (i > 0) {
          decoding.advance(new int[] {0, 1}, new int[] {truth.prompt[i], truth.prompt[i]});
        }
        int from = i * Fixtures.VOCABULARY;
        int to = from + Fixtures.VOCABULARY;
        assertNear(Arrays.copyOfRange(truth.logits, from, to), decoding.logits(0), 1e-4);
        assertNear(Arrays.copyOfRange(truth.logitsSteered, from, to), decoding.logits(1), 1e-4);
      }
    }
  }

  /** Rows leave at different times, so that the cache is also made smaller on the way. */
  @ParameterizedTest
  @CsvSource({"gptneox-cache,true", "gptneox-cache,false", "llama-cache,true", "llama-cache,false"})
  void rowsThatLeaveDoNotDisturbTheOthers(String name, boolean useCache) {
    Truth truth = new Truth(name);
    int[][] sequences = Fixtures.ragged(8);
    List<Steering> steerings = new ArrayList<>();
    for (int i = 0; i < sequences.length; i++) {
      steerings.add(i % 3 == 0 ? Steering.NONE : truth.steering().withAlpha(i - 4.0));
    }
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = Fixtures.steerable(onnx, truth, useCache);
        Decoding decoding = model.decode(sequences, steerings)) {
      List<Integer> left = new ArrayList<>(List.of(0, 1, 2, 3, 4, 5, 6, 7));
      int[][] grown = sequences.clone();
      for (int step = 0; step < 12; step++) {
        for (int i = 0; i < left.size(); i++) {
          int row = left.get(i);
          float[] alone =
              model.nextLogits(new int[][] {grown[row]}, List.of(steerings.get(row)))[0];
          // Sums of a batch are taken in another order: single precision, logits of a few units.
          assertArrayEquals(alone, decoding.logits(i), 2e-5F, "step " + step + ", row " + row);
        }
        List<Integer> stay = new ArrayList<>();
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < left.size(); i++) {
          if (left.size() == 1 || (step * 5 + i) % 7 != 3) {
            places.add(i);
            stay.add(left.get(i));
          }
        }
        int[] ids = new int[stay.size()];
        for (int i = 0; i < ids.length; i++) {
          int[] sequence = grown[stay.get(i)];
          ids[i] = (step * 31 + stay.get(i) * 17) % Fixtures.VOCABULARY;
          grown[stay.get(i)] = Arrays.copyOf(sequence, sequence.length + 1);
          grown[stay.get(i)][sequence.length] = ids[i];
        }
        decoding.advance(places.stream().mapToInt(Integer::intValue).toArray(), ids);
        left = stay;
      }
      assertTrue(left.size() < 6, "rows must have left: " + left);
    }
  }

  /** Models without a cache, some of which count positions themselves. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2-torchscript",
        "gpt2-dynamo",
        "gpt2-torchscript",
        "gpt2-ortfused",
        "gptneox-dynamo",
        "llama-dynamo",
        "llama-torchscript"
      })
  void modelsWithoutCache(String name) {
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = CausalModel.open(onnx);
        SafeTensors truth =
            SafeTensors.open(Fixtures.file(name).resolveSibling(name + ".safetensors"))) {
      assertFalse(model.usesCache());
      long[] shape = truth.shape("input_ids");
      int length = (int) shape[1];
      long[] ids = truth.longs("input_ids");
      long[] mask = truth.longs("attention_mask");
      double[] logits = truth.doubles("logits");
      List<int[]> sequences = new ArrayList<>();
      List<Integer> ends = new ArrayList<>();
      for (int at = 0; at < ids.length; at++) {
        if (mask[at] == 1) {
          int start = at / length * length;
          sequences.add(Fixtures.ints(Arrays.copyOfRange(ids, start, at + 1)));
          ends.add(at);
        }
      }
      float[][] found = model.nextLogits(sequences.toArray(int[][]::new), List.of(Steering.NONE));
      for (int i = 0; i < found.length; i++) {
        int from = ends.get(i) * Fixtures.VOCABULARY;
        assertNear(Arrays.copyOfRange(logits, from, from + Fixtures.VOCABULARY), found[i], 2e-4);
      }
    }
  }

  private static float[][] logits(Decoding decoding) {
    float[][] logits = new float[decoding.rows()][];
    for (int row = 0; row < logits.length; row++) {
      logits[row] = decoding.logits(row);
    }
    return logits;
  }

  private static float[] flat(float[][] rows) {
    float[] flat = new float[rows.length * rows[0].length];
    for (int row = 0; row < rows.length; row++) {
      System.arraycopy(rows[row], 0, flat, row * rows[0].length, rows[row].length);
    }
    return flat;
  }

  private static void assertNear(double[] expected, float[] found, double tolerance) {
    assertEquals(expected.length, found.length);
    double worst = 0;
    for (int i = 0; i < found.length; i++) {
      worst = Math.max(worst, Math.abs(expected[i] - found[i]));
    }
    assertTrue(worst <= tolerance, "error " + worst);
  }
}
