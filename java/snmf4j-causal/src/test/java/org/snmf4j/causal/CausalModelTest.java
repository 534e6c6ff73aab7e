package org.snmf4j.causal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.causal.Fixtures.Truth;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.graph.LogitsEditor;
import org.snmf4j.onnx.graph.SteeringEditor;

class CausalModelTest {
  @ParameterizedTest
  @CsvSource({"gptneox-cache,true", "gptneox-cache,false", "llama-cache,true", "llama-cache,false"})
  void logitsOfEveryPositionEqualTheOriginals(String name, boolean useCache) {
    Truth truth = new Truth(name);
    int[][] prefixes = Fixtures.prefixes(truth.prompt);
    try (OnnxModel onnx = Fixtures.model(name);
        CausalModel model = Fixtures.steerable(onnx, truth, useCache)) {
      assertEquals(useCache, model.usesCache());
      assertTrue(model.mixesLengths());
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
    try (OnnxModel onnx = Fixtures.model(name)) {
      assertRowsLeave(onnx, new Truth(name), useCache);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gptneox-cache", "llama-cache"})
  void keysAndValuesInOneTensor(String name, @TempDir Path directory) {
    try (OnnxModel onnx = OnnxModel.open(ToyModels.stackedCache(directory, Fixtures.file(name)))) {
      assertEquals(3, onnx.graph().cacheLayout().orElseThrow().entries().size());
      assertEquals(1, onnx.graph().cacheLayout().orElseThrow().entries().get(0).batchAxis());
      assertRowsLeave(onnx, new Truth(name), true);
    }
  }

  private static void assertRowsLeave(OnnxModel onnx, Truth truth, boolean useCache) {
    int[][] sequences = Fixtures.ragged(8);
    List<Steering> steerings = new ArrayList<>();
    for (int i = 0; i < sequences.length; i++) {
      steerings.add(i % 3 == 0 ? Steering.NONE : truth.steering().withAlpha(i - 4.0));
    }
    try (CausalModel model = Fixtures.steerable(onnx, truth, useCache);
        Decoding decoding = model.decode(sequences, steerings)) {
      assertEquals(useCache, model.usesCache());
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

  /**
   * A model that cannot be told positions: sequences of equal length run together, others apart.
   */
  @Test
  void modelsThatCountPositionsThemselves(@TempDir Path directory) {
    Path file = ToyModels.countingPositions(directory, Fixtures.file("gptneox-cache"));
    int[][] sequences = Fixtures.ragged(8);
    try (OnnxModel onnx = OnnxModel.open(file);
        OnnxModel original = Fixtures.model("gptneox-cache");
        CausalModel model = CausalModel.open(onnx);
        CausalModel truth = CausalModel.open(original);
        Decoding decoding = model.decode(sequences, List.of(Steering.NONE));
        Decoding expected = truth.decode(sequences, List.of(Steering.NONE))) {
      assertFalse(model.mixesLengths());
      assertTrue(model.usesCache());
      int[] rows = {0, 1, 2, 3, 4, 5, 6, 7};
      for (int step = 0; step < 6; step++) {
        for (int i = 0; i < rows.length; i++) {
          assertArrayEquals(expected.logits(i), decoding.logits(i), 2e-5F);
        }
        if (step == 2) {
          rows = new int[] {0, 2, 3, 5, 6};
        } else {
          Arrays.setAll(rows, i -> i);
        }
        decoding.advance(rows, rows);
        expected.advance(rows, rows);
      }
    }
  }

  /** Only the wanted tokens reach the product with the vocabulary's matrix. */
  @ParameterizedTest
  @ValueSource(strings = {"llama-cache", "gptneox-cache", "gpt2-torchscript", "gemma2-torchscript"})
  void unwantedTokensAreDroppedBeforeTheHead(String name) {
    try (OnnxModel onnx = Fixtures.model(name)) {
      ModelProto whole = SteeringEditor.steer(onnx.graph(), Map.of()).model();
      ModelProto edited = LogitsEditor.choose(whole, onnx.graph().logitsOutput());
      NodeProto choice =
          edited.getGraph().getNodeList().stream()
              .filter(node -> node.getInputList().contains(LogitsEditor.POSITIONS))
              .findFirst()
              .orElseThrow();
      assertTrue(
          edited.getGraph().getNodeList().stream()
              .anyMatch(
                  node ->
                      node.getOpType().equals("MatMul")
                          && node.getInput(0).equals(choice.getOutput(0))));
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
