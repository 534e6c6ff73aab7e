package org.snmf4j.onnx.llama2c;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.onnx.Activations;
import org.snmf4j.onnx.ContextOverflowException;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;

/** Imported models compute what llama2.c's definition says, in double precision. */
class ImportedModelTest {
  /**
   * Sums of some dozen float32 products of size 1 are off by about 1e-6; a wrong pairing, scale,
   * head or epsilon changes results by far more than this bound.
   */
  private static final double TOLERANCE = 1e-4;

  private static final int[] IDS = {1, 17, 4, 33, 17, 2, 29, 8, 8};
  private static final Llama2cShape PLAIN = new Llama2cShape(24, 40, 2, 4, 4, 37, 16, true);

  @TempDir Path directory;

  static Stream<Llama2cShape> shapes() {
    return Stream.of(
        PLAIN,
        new Llama2cShape(24, 40, 2, 4, 4, 37, 16, false),
        // Grouped-query attention: two and four query heads to a key, also one key for all.
        new Llama2cShape(32, 64, 3, 4, 2, 37, 16, true),
        new Llama2cShape(48, 56, 2, 8, 2, 41, 9, false),
        new Llama2cShape(24, 30, 1, 6, 1, 37, 64, true),
        // One head as wide as the model; heads of the smallest width.
        new Llama2cShape(12, 20, 2, 1, 1, 37, 16, true),
        new Llama2cShape(16, 20, 2, 8, 8, 37, 16, false));
  }

  private Path imported(byte[] checkpoint) {
    Path model = directory.resolve("model.onnx");
    Llama2cCheckpoint.open(TestCheckpoint.write(directory.resolve("model.bin"), checkpoint))
        .writeOnnx(model);
    return model;
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void logitsAndActivations(Llama2cShape shape) throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(shape);
    ReferenceLlama truth = new ReferenceLlama(checkpoint, IDS);
    for (byte[] bytes : List.of(checkpoint.legacy(), checkpoint.version1())) {
      Path model = imported(bytes);
      try (CachedRun run = new CachedRun(model)) {
        assertClose(truth.logits, run.next(longs(IDS)));
      }
      assertActivations(model, truth, shape.layers());
    }
  }

  private static void assertActivations(Path file, ReferenceLlama truth, int layers) {
    try (OnnxModel model = OnnxModel.open(file)) {
      assertEquals(layers, model.layers());
      long[] mask = new long[IDS.length];
      Arrays.fill(mask, 1);
      try (Activations activations =
          Extractor.builder(model)
              .tokenIds(new long[][] {longs(IDS)}, new long[][] {mask})
              .sites(List.of(Site.MLP))
              .build()
              .extract()) {
        for (int layer = 0; layer < layers; layer++) {
          double[][] found = activations.get(Site.MLP, layer).matrix().transpose().toArray();
          assertEquals(truth.mlp[layer].length, found.length);
          for (int i = 0; i < found.length; i++) {
            assertArrayEquals(truth.mlp[layer][i], found[i], TOLERANCE);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void cachedStepsEqualTheWholeRun(Llama2cShape shape) throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(shape);
    double[][] truth = new ReferenceLlama(checkpoint, IDS).logits;
    try (CachedRun run = new CachedRun(imported(checkpoint.legacy()))) {
      assertClose(Arrays.copyOf(truth, 4), run.next(longs(Arrays.copyOf(IDS, 4))));
      assertClose(Arrays.copyOfRange(truth, 4, 6), run.next(IDS[4], IDS[5]));
      for (int i = 6; i < IDS.length; i++) {
        assertClose(Arrays.copyOfRange(truth, i, i + 1), run.next(IDS[i]));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void paddedRowsEqualSingleOnes(Llama2cShape shape) throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(shape);
    long[][] rows = {{1, 5, 9}, {1, 30, 31, 32, 7, 8}, {1}};
    long[] next = {11, 12, 13};
    try (CachedRun run = new CachedRun(imported(checkpoint.legacy()))) {
      long[][] mask = CachedRun.padded(rows, true);
      float[][][] together = run.next(CachedRun.padded(rows, false), mask);
      long[][] longer = new long[rows.length][];
      for (int i = 0; i < rows.length; i++) {
        longer[i] = Arrays.copyOf(mask[i], mask[i].length + 1);
        longer[i][mask[i].length] = 1;
      }
      float[][][] afterwards = run.next(new long[][] {{next[0]}, {next[1]}, {next[2]}}, longer);
      for (int i = 0; i < rows.length; i++) {
        int[] ids = new int[rows[i].length + 1];
        for (int j = 0; j < rows[i].length; j++) {
          ids[j] = (int) rows[i][j];
        }
        ids[rows[i].length] = (int) next[i];
        double[][] truth = new ReferenceLlama(checkpoint, ids).logits;
        int padding = together[i].length - rows[i].length;
        assertClose(
            Arrays.copyOf(truth, rows[i].length),
            Arrays.copyOfRange(together[i], padding, together[i].length));
        assertClose(Arrays.copyOfRange(truth, rows[i].length, truth.length), afterwards[i]);
        for (float[] logits : together[i]) {
          for (float logit : logits) {
            assertTrue(Float.isFinite(logit), "padding must not become NaN");
          }
        }
      }
    }
  }

  @Test
  void theCheckpointsOwnAnglesCount() throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(PLAIN, 500);
    try (CachedRun run = new CachedRun(imported(checkpoint.legacy()))) {
      assertClose(new ReferenceLlama(checkpoint, IDS).logits, run.next(longs(IDS)));
    }
  }

  @Test
  void tiedEmbeddingsAreStoredOnce() throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(PLAIN);
    ModelProto model = ModelProto.parseFrom(Files.readAllBytes(imported(checkpoint.legacy())));
    long tables =
        model.getGraph().getInitializerList().stream()
            .filter(tensor -> tensor.getDimsList().contains((long) PLAIN.vocabulary()))
            .count();
    assertEquals(1, tables);
    assertTrue(
        model.getGraph().getNodeList().stream().allMatch(node -> node.getDomain().isEmpty()));
  }

  @Test
  void largeModelsKeepTheirWeightsBeside() throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(PLAIN);
    ReferenceLlama truth = new ReferenceLlama(checkpoint, IDS);
    Path file = TestCheckpoint.write(directory.resolve("m.bin"), checkpoint.legacy());
    Path model = directory.resolve("large.onnx");
    Llama2cCheckpoint.open(file).writeOnnx(model, 1000);
    assertTrue(Files.size(directory.resolve("large.onnx.data")) > Files.size(file) / 2);
    try (CachedRun run = new CachedRun(model)) {
      assertClose(truth.logits, run.next(longs(IDS)));
    }
    assertActivations(model, truth, PLAIN.layers());
  }

  @Test
  void theTableOfPositionsIsTheContext() {
    try (OnnxModel model = OnnxModel.open(imported(new TestCheckpoint(PLAIN).legacy()))) {
      assertEquals(PLAIN.context(), model.contextLength().orElseThrow());
      assertEquals(PLAIN.vocabulary(), model.vocabularySize().orElseThrow());
      long[][] ids = new long[1][PLAIN.context() + 1];
      Arrays.fill(ids[0], 1);
      assertThrows(
          ContextOverflowException.class,
          () -> Extractor.builder(model).tokenIds(ids, ids).build().extract().close());
    }
  }

  @Test
  void afterAFailureTheTargetIsWhatItWas() throws Exception {
    TestCheckpoint checkpoint = new TestCheckpoint(PLAIN);
    checkpoint.finalNorm[3] = Float.NaN;
    Path file = TestCheckpoint.write(directory.resolve("nan.bin"), checkpoint.legacy());
    Path target = Files.writeString(directory.resolve("target.onnx"), "before");
    for (long limit : new long[] {Long.MAX_VALUE, 0}) {
      RuntimeException e =
          assertThrows(
              org.snmf4j.error.FileFormatException.class,
              () -> Llama2cCheckpoint.open(file).writeOnnx(target, limit));
      assertTrue(e.getMessage().contains("final_norm"), e.getMessage());
      assertTrue(e.getMessage().contains("NaN at element 3"), e.getMessage());
      assertEquals("before", Files.readString(target));
    }
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(2, files.count(), "nothing half-written stays");
    }
    assertThrows(
        FileAccessException.class,
        () -> Llama2cCheckpoint.open(file).writeOnnx(directory.resolve("no/such.onnx")));
    assertFalse(Files.exists(directory.resolve("no")));
  }

  private static long[] longs(int[] ids) {
    return Arrays.stream(ids).asLongStream().toArray();
  }

  private static void assertClose(double[][] expected, float[][] found) {
    assertEquals(expected.length, found.length);
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        assertEquals(expected[i][j], found[i][j], TOLERANCE, "token " + i + ", logit " + j);
      }
    }
  }
}
