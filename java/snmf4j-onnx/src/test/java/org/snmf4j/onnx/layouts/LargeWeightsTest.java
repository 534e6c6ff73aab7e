package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;

/**
 * Weights in two sparse files, each longer than 2 GB, one longer than the heap: graphs are edited
 * and run without them being read.
 */
class LargeWeightsTest {
  private static final long GIBIBYTE = 1L << 30;

  /** A hundredth of what reading the weights would take. */
  private static final long MAX_GROWTH = 256L << 20;

  private static final int LAYERS = 3;

  @TempDir Path directory;
  private final List<Sites> sites = new ArrayList<>();
  private long total;

  @BeforeEach
  void write() throws IOException {
    long[] lengths = {5 * GIBIBYTE, Runtime.getRuntime().maxMemory() + 25 * GIBIBYTE};
    assumeTrue(isSparse(lengths[1]), "the temporary directory keeps no sparse files");
    TracedGraph graph = new TracedGraph();
    Value x = graph.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      x = graph.add(x, graph.attention(graph.layerNorm(x)));
      Value up = graph.product(graph.layerNorm(x), graph.matrix(WIDTH, NEURONS));
      Value mlp = graph.unary("Relu", up, Curves::relu);
      Value out = graph.product(mlp, graph.matrix(NEURONS, WIDTH));
      x = graph.add(x, out);
      sites.add(new Sites(mlp, out, x));
    }
    ModelProto.Builder model = graph.model(graph.layerNorm(x).name()).toBuilder();
    long[] next = {2 * GIBIBYTE + 4096, 3 * GIBIBYTE};
    int file = 0;
    for (TensorProto.Builder weight : model.getGraphBuilder().getInitializerBuilderList()) {
      boolean large =
          weight.getDimsCount() == 2
              && weight.getDataType() == TensorProto.DataType.FLOAT.getNumber();
      if (large) {
        next[file] += move(weight, "weights" + file, next[file]);
        file = 1 - file;
      }
    }
    for (int i = 0; i < 2; i++) {
      try (RandomAccessFile data = open("weights" + i)) {
        data.setLength(lengths[i]);
      }
      total += lengths[i];
    }
    GraphBuilder.write(directory.resolve("model.onnx"), model.build());
  }

  private boolean isSparse(long length) throws IOException {
    try (RandomAccessFile data = open("probe")) {
      data.setLength(length);
    } catch (IOException e) {
      return false;
    }
    long free = Files.getFileStore(directory).getUsableSpace();
    Files.delete(directory.resolve("probe"));
    return Files.getFileStore(directory).getUsableSpace() - free < GIBIBYTE;
  }

  private RandomAccessFile open(String name) throws IOException {
    return new RandomAccessFile(directory.resolve(name).toFile(), "rw");
  }

  /** Returns how far the next weight lies behind this one: a page at least, and 100 MiB on. */
  private long move(TensorProto.Builder weight, String file, long offset) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(4 * weight.getFloatDataCount()).order(ByteOrder.LITTLE_ENDIAN);
    weight.getFloatDataList().forEach(bytes::putFloat);
    try (RandomAccessFile data = open(file)) {
      data.seek(offset);
      data.write(bytes.array());
    }
    weight
        .clearFloatData()
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", file))
        .addExternalData(entry("offset", Long.toString(offset)))
        .addExternalData(entry("length", Integer.toString(bytes.capacity())));
    return 100L << 20;
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  @Test
  void sitesMatchAndMemoryDoesNotGrow() throws IOException {
    assertTrue(total > Runtime.getRuntime().maxMemory());
    long before = resident();
    Path file = directory.resolve("model.onnx");
    ModelGraph graph = ModelGraph.read(file);
    assertEquals(LAYERS, graph.layers().size());
    SiteTensor tensor = graph.site(Site.MLP, 1);
    ModelProto cut = GraphEditor.cut(graph, List.of(tensor));
    assertTrue(cut.getSerializedSize() < 1 << 20, "weights were taken into the graph");
    Sites.assertMatch(file, sites, 2e-5);
    long growth = resident() - before;
    assertTrue(growth < MAX_GROWTH, "grown by " + growth + " bytes");
  }

  /** Memory of this process that is not swapped out; 0 where the system does not tell. */
  private static long resident() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return 0;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
        .findFirst()
        .orElse(0);
  }
}
