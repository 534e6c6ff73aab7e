package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.MlpLayer;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;

/** Taking activations out of a model does not change what the model computes. */
class ForwardUnchangedTest {
  private static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert-torchscript",
        "distilbert-torchscript",
        "gemma2-torchscript",
        "gpt2-dynamo",
        "gpt2-torchscript",
        "gpt2-ortfused",
        "gptneox-dynamo",
        "llama-dynamo",
        "llama-torchscript",
        "bert-fp16",
        "bert-int8",
      })
  void ownOutputs(String name) throws Exception {
    try (SafeTensors truth = TestModels.truth(name)) {
      long[][] ids = TestModels.longs(truth, "input_ids");
      long[][] mask = TestModels.longs(truth, "attention_mask");
      assertUnchanged(TestModels.model(name), ids, mask, OptLevel.BASIC_OPT, 0);
      // Fusions that a new output forbids may change the last bits.
      assertUnchanged(TestModels.model(name), ids, mask, OptLevel.ALL_OPT, 1e-6f);
    }
  }

  @Test
  void miniLm(@TempDir Path directory) throws Exception {
    Path model = MiniLm.model(directory);
    ModelGraph graph = ModelGraph.read(model);
    assertEquals(6, graph.layers().size());
    for (MlpLayer layer : graph.layers()) {
      assertEquals(1536, layer.downProjection().neurons());
      assertEquals(384, layer.downProjection().width());
    }
    assertEquals(30522, graph.vocabularySize().orElseThrow());
    assertEquals(512, graph.contextLength().orElseThrow());
    long[][] ids = {{101, 7592, 2088, 999, 102, 0, 0}, {101, 2023, 2003, 1037, 3231, 1012, 102}};
    long[][] mask = {{1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 1, 1}};
    assertUnchanged(model, ids, mask, OptLevel.BASIC_OPT, 0);
    assertUnchanged(model, ids, mask, OptLevel.ALL_OPT, 0);
  }

  private static void assertUnchanged(
      Path model, long[][] ids, long[][] mask, OptLevel level, float tolerance) throws Exception {
    ModelGraph graph = ModelGraph.read(model);
    List<SiteTensor> sites = new ArrayList<>();
    for (MlpLayer layer : graph.layers()) {
      for (Site site : Site.values()) {
        sites.add(layer.tensor(site));
      }
    }
    float[] before = firstOutput(Files.readAllBytes(model), ids, mask, level);
    float[] after = firstOutput(GraphEditor.expose(graph, sites).toByteArray(), ids, mask, level);
    if (tolerance == 0) {
      assertArrayEquals(before, after);
    } else {
      float largest = 0;
      for (float value : before) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertArrayEquals(before, after, tolerance * Math.max(1, largest));
    }
    assertTrue(before.length > 0);
  }

  private static float[] firstOutput(byte[] model, long[][] ids, long[][] mask, OptLevel level)
      throws OrtException {
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(level);
      options.setIntraOpNumThreads(1);
      try (OrtSession session = ENVIRONMENT.createSession(model, options)) {
        long[] shape = {ids.length, ids[0].length};
        for (String name : session.getInputNames()) {
          long[][] values =
              switch (name) {
                case "input_ids" -> ids;
                case "attention_mask" -> mask;
                default -> new long[ids.length][ids[0].length];
              };
          LongBuffer flat = LongBuffer.allocate(ids.length * ids[0].length);
          for (long[] row : values) {
            flat.put(row);
          }
          inputs.put(name, OnnxTensor.createTensor(ENVIRONMENT, flat.flip(), shape));
        }
        try (OrtSession.Result result = session.run(inputs)) {
          FloatBuffer output = ((OnnxTensor) result.get(0)).getFloatBuffer();
          float[] values = new float[output.remaining()];
          output.get(values);
          return values;
        }
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }
}
