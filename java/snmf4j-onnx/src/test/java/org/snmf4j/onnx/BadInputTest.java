package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphBuilder;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.SiteNotFoundException;
import org.snmf4j.onnx.runtime.NativeCounts;

/** Every kind of bad input has its exception, and the message says what is wrong. */
class BadInputTest {
  private static final String GOOD = "gpt2-dynamo";

  @TempDir Path directory;

  @AfterEach
  void nothingNativeStaysOpen() {
    assertEquals(0, NativeCounts.sessions());
    assertEquals(0, NativeCounts.tensors());
  }

  private static void assertFails(
      Class<? extends SnmfException> type, Executable call, String... fragments) {
    SnmfException e = assertThrows(type, call);
    assertEquals(type, e.getClass());
    for (String fragment : fragments) {
      assertTrue(e.getMessage().contains(fragment), e.getMessage());
    }
  }

  @TestFactory
  Stream<DynamicTest> truncatedModels() throws IOException {
    byte[] whole = Files.readAllBytes(TestModels.model(GOOD));
    IntStream cuts =
        IntStream.concat(
            IntStream.of(0, 1, 2, 3, 10, whole.length - 1, whole.length - 2, whole.length - 8),
            IntStream.range(1, 20).map(i -> (int) ((long) whole.length * i / 20)));
    return cuts.mapToObj(
        cut ->
            dynamicTest(
                "cut at " + cut,
                () -> {
                  Path file = Files.write(directory.resolve("cut.onnx"), Arrays.copyOf(whole, cut));
                  assertFails(
                      ModelFormatException.class,
                      () -> OnnxModel.open(file),
                      "cut.onnx",
                      "cut short");
                }));
  }

  @TestFactory
  Stream<DynamicTest> randomBytes() {
    return IntStream.of(1, 16, 333, 100_000)
        .mapToObj(
            size ->
                dynamicTest(
                    size + " bytes",
                    () -> {
                      byte[] bytes = new byte[size];
                      new Random(size).nextBytes(bytes);
                      Path file = Files.write(directory.resolve("random.onnx"), bytes);
                      assertFails(
                          ModelFormatException.class,
                          () -> OnnxModel.open(file),
                          "random.onnx",
                          "not an ONNX model");
                    }));
  }

  @Test
  void filesThatAreNotThere() {
    assertFails(
        FileAccessException.class,
        () -> OnnxModel.open(directory.resolve("missing.onnx")),
        "missing.onnx",
        "NoSuchFileException");
    assertFails(FileAccessException.class, () -> OnnxModel.open(directory), "cannot read");
  }

  @TestFactory
  Stream<DynamicTest> inconsistentGraphs() throws IOException {
    ModelProto good = ModelProto.parseFrom(Files.readAllBytes(TestModels.model(GOOD)));
    NodeProto first = good.getGraph().getNode(0);
    return Stream.of(
        broken(
            "no operator set",
            good,
            model -> model.toBuilder().clearOpsetImport().build(),
            "names no operator set"),
        broken("no graph", good, model -> model.toBuilder().clearGraph().build(), "no graph"),
        broken("no output", good, edited(graph -> graph.clearOutput()), "has no outputs"),
        broken(
            "a weight is missing",
            good,
            edited(graph -> graph.removeInitializer(3)),
            "which nothing produces"),
        broken(
            "an output that nothing produces",
            good,
            edited(graph -> graph.setOutput(0, graph.getOutput(0).toBuilder().setName("lost"))),
            "output 'lost' is produced by no node"),
        broken(
            "a tensor that two nodes produce",
            good,
            edited(graph -> graph.addNode(first)),
            "is produced twice"),
        broken(
            "a cycle",
            good,
            edited(
                graph ->
                    graph.setNode(
                        0,
                        first.toBuilder()
                            .setInput(0, graph.getNode(graph.getNodeCount() - 2).getOutput(0)))),
            "cycle"));
  }

  private static UnaryOperator<ModelProto> edited(UnaryOperator<GraphProto.Builder> edit) {
    return model -> model.toBuilder().setGraph(edit.apply(model.getGraph().toBuilder())).build();
  }

  private DynamicTest broken(
      String name, ModelProto good, UnaryOperator<ModelProto> edit, String message) {
    return dynamicTest(
        name,
        () -> {
          Path file = GraphBuilder.write(directory.resolve("broken.onnx"), edit.apply(good));
          assertFails(
              ModelFormatException.class, () -> OnnxModel.open(file), "broken.onnx", message);
        });
  }

  @Test
  void whatOnnxRuntimeRefuses() throws IOException {
    ModelProto good = ModelProto.parseFrom(Files.readAllBytes(TestModels.model(GOOD)));
    GraphProto.Builder graph = good.getGraph().toBuilder();
    for (int i = 0; i < graph.getNodeCount(); i++) {
      if (graph.getNode(i).getOpType().equals("Softmax")) {
        graph.getNodeBuilder(i).setOpType("Hardmax").setDomain("unheard.of");
      }
    }
    Path file =
        GraphBuilder.write(
            directory.resolve("unknown.onnx"), good.toBuilder().setGraph(graph).build());
    try (OnnxModel model = OnnxModel.open(file)) {
      Extractor extractor = Extractor.builder(model).tokenIds(new long[][] {{1, 2}}, null).build();
      assertFails(
          ModelFormatException.class,
          extractor::extract,
          "unknown.onnx",
          "ONNX Runtime refuses it");
    }
  }

  private Path withoutMlp() {
    GraphBuilder graph = GraphBuilder.ofTokens();
    String x = graph.node("Gather", graph.weight(20, 8), "input_ids");
    String wide = graph.node("MatMul", x, graph.weight(8, 12));
    return graph.write(
        directory.resolve("linear.onnx"), graph.node("MatMul", wide, graph.weight(12, 8)));
  }

  @Test
  void modelsWithoutMlp() {
    try (OnnxModel model = OnnxModel.open(withoutMlp())) {
      assertEquals(0, model.layers());
      assertFails(
          SiteNotFoundException.class,
          () -> Extractor.builder(model).tokenIds(new long[][] {{1}}, null).build(),
          "linear.onnx",
          "no MLP found",
          "candidates: 'MatMul",
          "ModelOptions.siteTensor",
          "site 'mlp', layer 0");
    }
    GraphBuilder bare = GraphBuilder.ofTokens();
    Path file = bare.write(directory.resolve("bare.onnx"), bare.node("Identity", "input_ids"));
    try (OnnxModel model = OnnxModel.open(file)) {
      assertFails(
          SiteNotFoundException.class,
          () -> model.siteTensor(Site.RESIDUAL, 1),
          "there are no candidates",
          "site 'residual', layer 1");
    }
  }

  @Test
  void sitesCanBeNamedByHand() {
    Path file = withoutMlp();
    String candidate;
    try (OnnxModel model = OnnxModel.open(file)) {
      candidate = model.graph().candidates().get(0);
    }
    ModelOptions options = ModelOptions.builder().siteTensor(Site.MLP, 4, candidate).build();
    try (OnnxModel model = OnnxModel.open(file, options);
        Activations activations =
            Extractor.builder(model).tokenIds(new long[][] {{1, 2, 3}}, null).build().extract()) {
      assertEquals(12, activations.get(Site.MLP, 4).matrix().rows());
    }
    ModelOptions wrong = ModelOptions.builder().siteTensor(Site.MLP, 0, "nowhere").build();
    try (OnnxModel model = OnnxModel.open(file, wrong)) {
      assertFails(
          SiteNotFoundException.class,
          () -> model.siteTensor(Site.MLP, 0),
          "no tensor is called 'nowhere'",
          candidate);
    }
  }

  @Test
  void tensorsWithoutARowPerToken() {
    ModelOptions options =
        ModelOptions.builder()
            .siteTensor(Site.MLP, 0, "val_2")
            .siteTensor(Site.MLP, 1, "softmax")
            .siteTensor(Site.MLP, 2, "m.lm_head.weight")
            .build();
    try (OnnxModel model = OnnxModel.open(TestModels.model(GOOD), options)) {
      assertFails(
          ModelRunException.class,
          () -> extract(model, 1),
          "'softmax' of site mlp, layer 1",
          "must be floats [1, 2, d]");
      assertFails(
          ModelFormatException.class, () -> extract(model, 0), "do not depend on token ids");
      assertFails(
          ModelFormatException.class, () -> extract(model, 2), "do not depend on token ids");
    }
  }

  private static void extract(OnnxModel model, int layer) {
    Extractor.builder(model)
        .tokenIds(new long[][] {{1, 2}}, null)
        .layers(List.of(layer))
        .build()
        .extract()
        .close();
  }

  @TestFactory
  Stream<DynamicTest> arguments() {
    long[][] ids = {{1, 2, 3}, {4, 5, 6}};
    return Stream.of(
        argument(
            "layer above",
            b -> b.tokenIds(ids, null).layers(List.of(3)),
            "layer is 3 but must be between 0 and 2"),
        argument(
            "layer below",
            b -> b.tokenIds(ids, null).layers(List.of(-1)),
            "layer is -1 but must be between 0 and 2"),
        argument("no layer", b -> b.tokenIds(ids, null).layers(List.of()), "layers is empty"),
        argument("no site", b -> b.tokenIds(ids, null).sites(List.of()), "sites is empty"),
        argument(
            "unknown site",
            b -> b.sites(List.of(Site.of("mlpout"))),
            "site is mlpout but must be one of mlp, mlp_out, residual"),
        argument("nothing", b -> b, "input is missing"),
        argument("no ids", b -> b.tokenIds(new long[0][], null), "token ids is empty"),
        argument("batch", b -> b.maxBatchTokens(0), "maxBatchTokens is 0"),
        argument(
            "short mask",
            b -> b.tokenIds(ids, new long[][] {{1, 1, 1}}),
            "attention mask is of 1 sentences but must be of as many as the token ids (2)"),
        argument(
            "narrow mask",
            b -> b.tokenIds(ids, new long[][] {{1, 1, 1}, {1, 1}}),
            "attention mask of sentence 1 is of length 2 but must be as long as its token ids (3)"),
        argument(
            "mask of twos",
            b -> b.tokenIds(ids, new long[][] {{1, 1, 1}, {1, 2, 1}}),
            "attention mask at sentence 1, position 1 is 2 but must be 0 or 1"),
        argument(
            "negative ids",
            b -> b.tokenIds(new long[][] {{1}, {2, -7}}, null),
            "token id at sentence 1, position 1 is -7 but must be at least 0"),
        argument("all padding", b -> b.tokenIds(ids, new long[2][3]), "input is without tokens"));
  }

  private static DynamicTest argument(
      String name, UnaryOperator<Extractor.Builder> settings, String message) {
    return dynamicTest(
        name,
        () -> {
          try (OnnxModel model = OnnxModel.open(TestModels.model(GOOD))) {
            assertFails(
                InvalidArgumentException.class,
                () -> settings.apply(Extractor.builder(model)).build().extract().close(),
                message);
          }
        });
  }

  @Test
  void idsOutsideTheVocabulary() {
    long[][] ids = {{1, 96}, {2, 97}};
    try (OnnxModel model = OnnxModel.open(TestModels.model(GOOD))) {
      Extractor extractor = Extractor.builder(model).tokenIds(ids, null).build();
      assertFails(
          TokenizerMismatchException.class,
          extractor::extract,
          "sentence 1 has token id 97 but the model's vocabulary ends at 96");
    }
  }

  @Test
  void sentencesLongerThanTheContext() {
    long[][] ids = {{1, 2}, new long[65]};
    try (OnnxModel model = OnnxModel.open(TestModels.model(GOOD))) {
      Extractor extractor = Extractor.builder(model).tokenIds(ids, null).build();
      assertFails(
          ContextOverflowException.class,
          extractor::extract,
          "sentence 1 has 65 tokens but the model takes at most 64");
    }
    ModelOptions shorter = ModelOptions.builder().contextLength(16).build();
    try (OnnxModel model = OnnxModel.open(TestModels.model("llama-dynamo"), shorter)) {
      Extractor extractor =
          Extractor.builder(model).tokenIds(new long[][] {new long[17]}, null).build();
      assertFails(ContextOverflowException.class, extractor::extract, "at most 16");
    }
  }

  @Test
  void options() {
    assertFails(
        InvalidArgumentException.class, () -> ModelOptions.builder().threads(-1), "threads is -1");
    assertFails(
        InvalidArgumentException.class,
        () -> ModelOptions.builder().contextLength(0),
        "contextLength is 0");
    assertFails(
        InvalidArgumentException.class,
        () -> ModelOptions.builder().siteTensor(Site.MLP, -1, "x"),
        "layer is -1");
  }

  @Test
  void anInterruptedThreadLeavesNothingBehind() throws IOException {
    Path target = directory.resolve("store");
    try (OnnxModel model = OnnxModel.open(TestModels.model(GOOD))) {
      Extractor extractor = Extractor.builder(model).tokenIds(new long[][] {{1, 2}}, null).build();
      Thread.currentThread().interrupt();
      try {
        assertFails(
            FileAccessException.class,
            () -> extractor.extractTo(target),
            "cannot write " + target,
            "ClosedByInterruptException");
        assertTrue(Thread.currentThread().isInterrupted());
      } finally {
        Thread.interrupted();
      }
      try (Stream<Path> files = Files.list(directory)) {
        assertEquals(List.of(), files.toList());
      }
      assertEquals(2, extractor.extractTo(target).tokens().size());
    }
  }

  @Test
  void outputsThatCannotBeWritten() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "precious");
    try (OnnxModel model = OnnxModel.open(TestModels.model(GOOD))) {
      Extractor extractor = Extractor.builder(model).tokenIds(new long[][] {{1, 2}}, null).build();
      assertFails(
          FileAccessException.class,
          () -> extractor.extractTo(file.resolve("store")),
          "is not a directory");
      assertFails(
          FileAccessException.class,
          () -> extractor.extractTo(directory.resolve("missing/store")),
          "does not exist");
      assertFails(InvalidArgumentException.class, () -> extractor.extractTo(file), "a file");
    }
    assertEquals("precious", Files.readString(file));
  }
}
