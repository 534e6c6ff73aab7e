package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.ModelFormatException;

/** Models that keep their weights in a file beside them, as those beyond 2 GB must. */
class ExternalDataTest {
  @TempDir Path directory;
  private Path model;
  private Path weights;

  @BeforeEach
  void move() throws IOException {
    model = directory.resolve("sub").resolve("model.onnx");
    weights = directory.resolve("sub").resolve("model.weights");
    Files.createDirectory(model.getParent());
    ModelProto whole =
        ModelProto.parseFrom(Files.readAllBytes(TestModels.model("gpt2-torchscript")));
    GraphProto.Builder graph = whole.getGraph().toBuilder();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      TensorProto tensor = graph.getInitializer(i);
      if (tensor.getDimsCount() < 2) {
        continue;
      }
      byte[] bytes = tensor.getRawData().toByteArray();
      while (data.size() % 64 != 0) {
        data.write(0);
      }
      graph.setInitializer(
          i,
          tensor.toBuilder()
              .clearRawData()
              .setDataLocation(TensorProto.DataLocation.EXTERNAL)
              .addExternalData(entry("location", "model.weights"))
              .addExternalData(entry("offset", Integer.toString(data.size())))
              .addExternalData(entry("length", Integer.toString(bytes.length))));
      data.write(bytes);
    }
    Files.write(weights, data.toByteArray());
    GraphBuilder.write(model, whole.toBuilder().setGraph(graph).build());
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  @Test
  void sitesMatch() {
    try (OnnxModel opened = OnnxModel.open(model);
        SafeTensors truth = TestModels.truth("gpt2-torchscript")) {
      assertTrue(opened.graph().hasExternalData());
      assertEquals(97, opened.vocabularySize().orElseThrow());
      assertEquals(64, opened.contextLength().orElseThrow());
      SiteParityTest.assertMatches(opened, truth, 2e-4);
    }
  }

  @Test
  void missingWeights() throws IOException {
    Files.delete(weights);
    assertRefused("external data", "model.weights is missing");
  }

  @Test
  void truncatedWeights() throws IOException {
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length - 1));
    assertRefused("of external data", "which has " + (bytes.length - 1));
  }

  @ParameterizedTest
  @CsvSource({
    "location, ../../etc/passwd, outside the model's directory",
    "location, /etc/passwd, outside the model's directory",
    "location, '', at no location",
    "offset, -1, at bytes -1",
    "offset, 99999999999999999999, with offset '99999999999999999999'",
    "length, 9223372036854775807, of external data",
  })
  void hostileReferences(String key, String value, String message) throws IOException {
    ModelProto proto = ModelProto.parseFrom(Files.readAllBytes(model));
    GraphProto.Builder graph = proto.getGraph().toBuilder();
    for (TensorProto.Builder tensor : graph.getInitializerBuilderList()) {
      tensor.getExternalDataBuilderList().stream()
          .filter(entry -> entry.getKey().equals(key))
          .forEach(entry -> entry.setValue(value));
    }
    GraphBuilder.write(model, proto.toBuilder().setGraph(graph).build());
    assertRefused("model.onnx", message);
  }

  private void assertRefused(String... fragments) {
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> OnnxModel.open(model));
    for (String fragment : fragments) {
      assertTrue(e.getMessage().contains(fragment), e.getMessage());
    }
  }
}
