package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.graph.CacheEntry;
import org.snmf4j.onnx.graph.CacheLayout;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.LogitsNotFoundException;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.ModelGraph;

class CacheLayoutTest {
  @TempDir Path folder;

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("cache");

  @Test
  void keysAndValuesApart() {
    ModelGraph model = ModelGraph.read(TestModels.model("llama-cache"));
    CacheLayout layout = model.cacheLayout().orElseThrow();
    assertEquals(6, layout.entries().size());
    CacheEntry entry = layout.entries().get(3);
    assertEquals("past_key_values.1.value", entry.past());
    assertEquals("present.1.value", entry.present());
    assertEquals(DataType.FLOAT, entry.type());
    assertEquals(List.of(0, 1, 2, 3), axes(entry));
    assertArrayEquals(new long[] {5, 2, 0, 8}, entry.shape(5, 0));
    assertEquals(Optional.empty(), layout.useCacheInput());
    assertFalse(layout.grouped());
    assertEquals("logits", model.logitsOutput());
  }

  @Test
  void modelsWithoutCacheOrLogits() {
    ModelGraph plain = ModelGraph.read(TestModels.model("llama-dynamo"));
    assertEquals(Optional.empty(), plain.cacheLayout());
    assertEquals("logits", plain.logitsOutput());
    ModelGraph encoder = ModelGraph.read(TestModels.model("bert-torchscript"));
    LogitsNotFoundException e = assertThrows(LogitsNotFoundException.class, encoder::logitsOutput);
    assertTrue(e.getMessage().contains("last_hidden_state"), e.getMessage());
    assertTrue(e.getMessage().contains("no causal language model"), e.getMessage());
  }

  /** GPT-2 as ONNX Runtime's tools export it: keys and values of a layer in one tensor. */
  @Test
  void keysAndValuesStacked() {
    graph.addInput(info("input_ids", DataType.INT64, "batch", "tokens"));
    entry("past_0", "present_0", DataType.FLOAT16, "2", "batch", "4", "past_seq_len", "8");
    CacheEntry entry = read().cacheLayout().orElseThrow().entries().get(0);
    assertEquals(DataType.FLOAT16, entry.type());
    assertEquals(List.of(1, 2, 3, 4), axes(entry));
    assertArrayEquals(new long[] {2, 3, 4, 7, 8}, entry.shape(3, 7));
  }

  @Test
  void mergedDecoders() {
    graph.addInput(info("input_ids", DataType.INT64, "batch", "tokens"));
    graph.addInput(info("use_cache_branch", DataType.BOOL, "1"));
    entry("past_key_values.0.key", "present.0.key", DataType.FLOAT, "batch", "4", "past", "8");
    CacheLayout layout = read().cacheLayout().orElseThrow();
    assertEquals(Optional.of("use_cache_branch"), layout.useCacheInput());
  }

  @Test
  void fusedGroupedAttention() {
    graph.addInput(info("input_ids", DataType.INT64, "batch", "tokens"));
    graph.addInput(info("q", DataType.FLOAT, "batch", "tokens", "16"));
    for (String part : List.of("key", "value")) {
      graph.addInput(info("c." + part, DataType.FLOAT, "batch", "2", "past", "8"));
      graph.addOutput(info("new." + part, DataType.FLOAT, "batch", "2", "total", "8"));
    }
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("GroupQueryAttention")
            .setDomain("com.microsoft")
            .addAllInput(List.of("q", "q", "q", "c.key", "c.value", "input_ids", "input_ids"))
            .addAllOutput(List.of("mixed", "new.key", "new.value")));
    CacheLayout layout = read().cacheLayout().orElseThrow();
    assertTrue(layout.grouped());
    assertEquals(
        List.of("new.key", "new.value"),
        layout.entries().stream().map(CacheEntry::present).toList());
  }

  /** One head for all, keys and values side by side, three axes. */
  @Test
  void multiQuery() {
    graph.addInput(info("input_ids", DataType.INT64, "batch", "tokens"));
    entry("past_key_values.0.key_value", "present.0.key_value", DataType.FLOAT, "batch", "p", "16");
    CacheEntry entry = read().cacheLayout().orElseThrow().entries().get(0);
    assertEquals(List.of(0, -1, 1, 2), axes(entry));
    assertArrayEquals(new long[] {2, 5, 16}, entry.shape(2, 5));
  }

  @Test
  void whatIsNoUsableCache() {
    graph.addInput(info("input_ids", DataType.INT64, "1", "tokens"));
    entry("past_key_values.0.key", "present.0.key", DataType.FLOAT, "1", "4", "p", "8");
    CacheEntry one = read().cacheLayout().orElseThrow().entries().get(0);
    assertTrue(
        assertThrows(InvalidArgumentException.class, () -> one.shape(2, 0))
            .getMessage()
            .contains("rows"));

    graph.clear();
    graph.addInput(info("input_ids", DataType.INT64, "batch", "tokens"));
    entry("past_key_values.0.key", "present.0.key", DataType.FLOAT, "1", "4", "64", "8");
    ModelFormatException fixed =
        assertThrows(ModelFormatException.class, () -> read().cacheLayout());
    assertTrue(fixed.getMessage().contains("no axis of open length"), fixed.getMessage());

    graph.clear();
    graph.addInput(info("input_ids", DataType.INT64, "batch", "tokens"));
    entry("past_key_values.0.key", "elsewhere", DataType.FLOAT, "batch", "4", "p", "8");
    ModelFormatException alone =
        assertThrows(ModelFormatException.class, () -> read().cacheLayout());
    assertTrue(alone.getMessage().contains("no output to go with it"), alone.getMessage());
  }

  private static List<Integer> axes(CacheEntry entry) {
    return List.of(entry.batchAxis(), entry.headsAxis(), entry.sequenceAxis(), entry.widthAxis());
  }

  private void entry(String past, String present, DataType type, String... axes) {
    graph.addInput(info(past, type, axes));
    graph.addOutput(info(present, type, axes));
    graph.addNode(NodeProto.newBuilder().setOpType("Neg").addInput(past).addOutput(present));
  }

  private ModelGraph read() {
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build();
    return ModelGraph.read(GraphBuilder.write(folder.resolve("cache.onnx"), model));
  }

  private static ValueInfoProto info(String name, DataType type, String... axes) {
    ValueInfoProto.Builder info = ValueInfoProto.newBuilder().setName(name);
    var tensor = info.getTypeBuilder().getTensorTypeBuilder().setElemType(type.getNumber());
    for (String axis : axes) {
      Dimension.Builder dimension = tensor.getShapeBuilder().addDimBuilder();
      if (axis.matches("\\d+")) {
        dimension.setDimValue(Long.parseLong(axis));
      } else {
        dimension.setDimParam(axis);
      }
    }
    return info.build();
  }
}
