package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtProvider;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.snmf4j.backend.Availability;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.runtime.CudaSupport;
import org.snmf4j.onnx.runtime.ExecutionProvider;
import org.snmf4j.onnx.runtime.GraphSession;
import org.snmf4j.onnx.runtime.NativeCounts;
import org.snmf4j.onnx.runtime.SessionSettings;

/** What models run on: chosen, forced by options, forced by the system property. */
class ExecutionProviderTest {
  @AfterEach
  void clear() {
    System.clearProperty(ExecutionProvider.PROPERTY);
  }

  private static GraphSession open(ExecutionProvider provider) {
    ModelGraph graph = ModelGraph.read(TestModels.model("llama-dynamo"));
    ModelProto cut = GraphEditor.cut(graph, List.of(graph.site(Site.MLP, 0)));
    return GraphSession.open(graph, cut, new SessionSettings(0, provider));
  }

  private static ExecutionProvider runsOn(ExecutionProvider provider) {
    try (GraphSession session = open(provider)) {
      return session.provider();
    }
  }

  private static void extract(ModelOptions options) {
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"), options)) {
      Extractor.builder(model).tokenIds(new long[][] {{1, 2}}, null).build().extract().close();
    }
  }

  private static void assumeCpuOnly() {
    Assumptions.assumeFalse(
        OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA),
        "onnxruntime_gpu is on the class path");
  }

  @Test
  void chosenIsCudaWhereItWorksAndTheCpuElsewhere() {
    ExecutionProvider expected =
        CudaSupport.availability().available() ? ExecutionProvider.CUDA : ExecutionProvider.CPU;
    assertEquals(expected, runsOn(ExecutionProvider.AUTO));
    assertEquals(expected, runsOn(null));
    assertEquals(ExecutionProvider.CPU, runsOn(ExecutionProvider.CPU));
    System.setProperty(ExecutionProvider.PROPERTY, "cpu");
    assertEquals(ExecutionProvider.CPU, runsOn(null));
  }

  @Test
  void withoutTheGpuArtifactForcedCudaNamesIt() {
    assumeCpuOnly();
    Availability cuda = CudaSupport.availability();
    assertFalse(cuda.available());
    long sessions = NativeCounts.sessions();
    String version = OrtEnvironment.getEnvironment().getVersion();
    String cause =
        assertThrows(BackendUnavailableException.class, () -> open(ExecutionProvider.CUDA))
            .getMessage();
    assertTrue(cause.startsWith("ONNX Runtime cannot run on CUDA: "), cause);
    assertTrue(cause.contains("com.microsoft.onnxruntime:onnxruntime_gpu:" + version), cause);
    assertTrue(cause.contains("onnxruntime " + version), cause);
    assertEquals(sessions, NativeCounts.sessions());
  }

  @Test
  void whatIsForcedReachesExtraction() {
    assumeCpuOnly();
    ModelOptions cuda = ModelOptions.builder().provider(ExecutionProvider.CUDA).build();
    assertThrows(BackendUnavailableException.class, () -> extract(cuda));
    System.setProperty(ExecutionProvider.PROPERTY, "cuda");
    assertThrows(BackendUnavailableException.class, () -> extract(ModelOptions.DEFAULT));
    // Options come before the property.
    extract(ModelOptions.builder().provider(ExecutionProvider.CPU).build());
  }

  @Test
  void namesThatAreNone() {
    assertEquals(
        "provider is gpu but must be one of auto, cpu, cuda",
        assertThrows(InvalidArgumentException.class, () -> ExecutionProvider.of("gpu"))
            .getMessage());
    System.setProperty(ExecutionProvider.PROPERTY, "CUDA");
    assertEquals(
        "-Dsnmf4j.onnx.provider is CUDA but must be one of auto, cpu, cuda",
        assertThrows(InvalidArgumentException.class, () -> extract(ModelOptions.DEFAULT))
            .getMessage());
  }
}
