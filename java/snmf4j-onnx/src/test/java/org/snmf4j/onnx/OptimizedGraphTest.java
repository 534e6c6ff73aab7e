package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.io.SafeTensors;

/** Sites in graphs that ONNX Runtime's own optimizers rewrote and saved. */
class OptimizedGraphTest {
  @TempDir Path directory;

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
      })
  void sitesMatchTheOriginalModel(String name) throws Exception {
    assertSites(name, optimize(name, OptLevel.BASIC_OPT, false));
    assertSites(name, optimize(name, OptLevel.EXTENDED_OPT, false));
  }

  /** Known shapes let the optimizer fuse more, and leave a model for one shape only. */
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
      })
  void sitesOfModelsForOneShapeMatch(String name) throws Exception {
    assertSites(name, optimize(name, OptLevel.EXTENDED_OPT, true));
  }

  @ParameterizedTest
  @CsvSource({"bert-fp16, 0.01", "bert-int8, 0.20"})
  void reducedPrecision(String name, double bound) throws Exception {
    for (boolean fixed : new boolean[] {false, true}) {
      Path optimized = optimize(name, OptLevel.EXTENDED_OPT, fixed);
      try (OnnxModel model = OnnxModel.open(optimized);
          SafeTensors truth = TestModels.truth(name)) {
        assertEquals(
            SiteParityTest.LAYERS, model.layers(), () -> "found in " + operators(optimized));
        SiteParityTest.assertClose(model, truth, bound);
      }
    }
  }

  private static void assertSites(String name, Path optimized) throws Exception {
    try (OnnxModel model = OnnxModel.open(optimized);
        SafeTensors truth = TestModels.truth(name)) {
      assertEquals(SiteParityTest.LAYERS, model.layers(), () -> "found in " + operators(optimized));
      SiteParityTest.assertMatches(model, truth, 2e-4);
    }
  }

  private Path optimize(String name, OptLevel level, boolean fixed) throws Exception {
    Path optimized = directory.resolve("optimized.onnx");
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(level);
      options.setOptimizedModelFilePath(optimized.toString());
      if (fixed) {
        options.setSymbolicDimensionValue("batch", 3);
        options.setSymbolicDimensionValue("sequence", 11);
      }
      OrtEnvironment.getEnvironment()
          .createSession(TestModels.model(name).toString(), options)
          .close();
    }
    return optimized;
  }

  private static Set<String> operators(Path model) {
    Set<String> operators = new TreeSet<>();
    try (InputStream input = Files.newInputStream(model)) {
      for (NodeProto node : ModelProto.parseFrom(input).getGraph().getNodeList()) {
        operators.add(node.getOpType());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return operators;
  }
}
