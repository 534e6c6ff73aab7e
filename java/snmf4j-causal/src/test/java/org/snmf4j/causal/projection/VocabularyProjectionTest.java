package org.snmf4j.causal.projection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.causal.Direction;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.LogitsNotFoundException;
import org.snmf4j.onnx.runtime.NativeCounts;
import org.snmf4j.onnx.text.TextTokenizer;

/** Scores against a computation of our own in double precision from the models' weights. */
class VocabularyProjectionTest {
  private static final int WIDTH = 32;
  private static final int NEURONS = 80;
  private static final int VOCABULARY = 97;

  @TempDir Path folder;

  /** A model's head as its paper gives it. */
  private record Head(boolean mean, double epsilon, double cap, double[] gamma, double[] beta) {
    double[] norm(double[] x) {
      double mean = 0;
      for (int i = 0; this.mean && i < WIDTH; i++) {
        mean += x[i] / WIDTH;
      }
      double square = 0;
      for (double value : x) {
        square += (value - mean) * (value - mean) / WIDTH;
      }
      double[] normed = new double[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        normed[i] = (x[i] - mean) / Math.sqrt(square + epsilon) * gamma[i] + beta[i];
      }
      return normed;
    }

    double[] logits(double[] residual, double[][] embedding) {
      double[] normed = norm(residual);
      double[] logits = new double[embedding.length];
      for (int token = 0; token < logits.length; token++) {
        for (int i = 0; i < WIDTH; i++) {
          logits[token] += embedding[token][i] * normed[i];
        }
        logits[token] = cap > 0 ? cap * Math.tanh(logits[token] / cap) : logits[token];
      }
      return logits;
    }
  }

  @ParameterizedTest
  @CsvSource({
    // mean taken away, epsilon, cap, matrix of the head, stored transposed, norm after the MLP,
    // the norms' weights and biases
    "llama-torchscript, false, 1e-6, 0, onnx::MatMul_1018, true, false,"
        + " m.model.layers.0.input_layernorm.weight, ''",
    "gpt2-torchscript, true, 1e-5, 0, m.transformer.wte.weight, false, false,"
        + " m.transformer.h.0.ln_1.weight, m.transformer.h.0.ln_1.bias",
    "gpt2-ortfused, true, 1e-5, 0, m.transformer.wte.weight, false, false,"
        + " m.transformer.h.0.ln_1.weight, m.transformer.h.0.ln_1.bias",
    "gptneox-dynamo, true, 1e-5, 0, val_363, true, false,"
        + " m.gpt_neox.layers.0.input_layernorm.weight, m.gpt_neox.layers.0.input_layernorm.bias",
    "gemma2-torchscript, false, 1e-6, 30, m.model.embed_tokens.weight, false, true,"
        + " onnx::Mul_1126, ''"
  })
  void scoresAreThoseOfTheWeights(
      String name,
      boolean mean,
      double epsilon,
      double cap,
      String matrix,
      boolean transposed,
      boolean postNorm,
      String gammaName,
      String betaName)
      throws Exception {
    ModelProto proto = ModelProto.parseFrom(Files.readAllBytes(model(name)));
    double[] flat = values(proto, matrix);
    double[][] embedding = new double[VOCABULARY][WIDTH];
    for (int i = 0; i < flat.length; i++) {
      int token = transposed ? i % VOCABULARY : i / WIDTH;
      embedding[token][transposed ? i / VOCABULARY : i % WIDTH] = flat[i];
    }
    double[] gamma = values(proto, gammaName);
    double[] beta = betaName.isEmpty() ? new double[WIDTH] : values(proto, betaName);
    Head head = new Head(mean, epsilon, cap, gamma, beta);
    try (SafeTensors truth = SafeTensors.open(resource(name + ".safetensors"))) {
      // The original model's logits, so that the head used here is the right one.
      double[] residual = truth.doubles("residual.2");
      double[] logits = truth.doubles("logits");
      for (int row = 0; row < 3; row++) {
        double[] x = java.util.Arrays.copyOfRange(residual, row * WIDTH, (row + 1) * WIDTH);
        double[] own = head.logits(x, embedding);
        for (int token = 0; token < VOCABULARY; token++) {
          assertEquals(logits[row * VOCABULARY + token], own[token], 1e-4, name);
        }
      }
      assertProjects(model(name), truth, head, postNorm, embedding);

      // Fresh norms scale by 1 and shift by 0, and biases are 0: others, in the graph's own place.
      Random random = new Random(31);
      double[] otherGamma = random.doubles(WIDTH, 0.5, 1.5).toArray();
      double[] otherBeta = betaName.isEmpty() ? beta : random.doubles(WIDTH, -0.5, 0.5).toArray();
      ModelProto changed = with(proto, gammaName, otherGamma);
      changed = betaName.isEmpty() ? changed : with(changed, betaName, otherBeta);
      Path file = Files.write(folder.resolve(name + ".onnx"), changed.toByteArray());
      Head other = new Head(mean, epsilon, cap, otherGamma, otherBeta);
      assertProjects(file, truth, other, postNorm, embedding);
    }
  }

  private static void assertProjects(
      Path file, SafeTensors truth, Head head, boolean postNorm, double[][] embedding) {
    Random random = new Random(7);
    try (OnnxModel model = OnnxModel.open(file);
        VocabularyProjection projection = VocabularyProjection.open(model)) {
      for (int layer : new int[] {0, 2, 1}) {
        double[] down = truth.doubles("w_down." + layer);
        for (Site site : Site.values()) {
          int size = site == Site.MLP ? NEURONS : WIDTH;
          float[] z = new float[size];
          for (int i = 0; i < size; i++) {
            z[i] = (float) random.nextGaussian();
          }
          Direction direction = Direction.of("z", site, z).unit();
          double[] f = new double[WIDTH];
          for (int i = 0; i < size; i++) {
            for (int j = 0; j < WIDTH; j++) {
              double weight = site == Site.MLP ? down[i * WIDTH + j] : i == j ? 1 : 0;
              f[j] += weight * direction.values()[i];
            }
          }
          String what = file.getFileName() + ", " + site + " of layer " + layer;
          boolean normed = postNorm && site != Site.RESIDUAL;
          double[] positive = head.logits(normed ? head.norm(f) : f, embedding);
          assertClose(positive, projection.scores(direction, layer), what);
          for (int j = 0; j < WIDTH; j++) {
            f[j] = -f[j];
          }
          double[] negative = head.logits(normed ? head.norm(f) : f, embedding);
          ProjectedDirection top = projection.project(direction, layer, 5);
          assertTop(positive, top.positive(), what);
          assertTop(negative, top.negative(), what);
        }
      }
    }
  }

  /** Float32 sums of some hundred terms, and the down-projection's bias added and taken away. */
  private static void assertClose(double[] expected, float[] found, String what) {
    assertEquals(expected.length, found.length);
    double largest = java.util.Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int token = 0; token < expected.length; token++) {
      assertEquals(expected[token], found[token], 1e-4 * largest, what + ", token " + token);
    }
  }

  private static void assertTop(double[] scores, List<TokenScore> found, String what) {
    double[] sorted = java.util.Arrays.stream(scores).sorted().toArray();
    double tolerance = 1e-4 * Math.max(Math.abs(sorted[0]), Math.abs(sorted[VOCABULARY - 1]));
    assertEquals(5, found.size());
    for (int i = 0; i < 5; i++) {
      assertEquals(sorted[VOCABULARY - 1 - i], found.get(i).score(), tolerance, what);
      assertEquals(scores[found.get(i).id()], found.get(i).score(), tolerance, what);
      assertEquals(Optional.empty(), found.get(i).text());
    }
  }

  /** With a cache, lengths in the graph come from inputs that the piece is fed. */
  @Test
  void modelsWithACacheAndATokenizer() throws Exception {
    StringBuilder vocabulary = new StringBuilder();
    IntStream.range(0, VOCABULARY)
        .forEach(id -> vocabulary.append(id == 0 ? "" : ",").append("\"\u2581w" + id + "\":" + id));
    Path json =
        Files.writeString(
            folder.resolve("tokenizer.json"),
            "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],"
                + "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Metaspace\","
                + "\"replacement\":\"\u2581\",\"prepend_scheme\":\"always\",\"split\":true},"
                + "\"post_processor\":null,\"decoder\":{\"type\":\"Metaspace\","
                + "\"replacement\":\"\u2581\",\"prepend_scheme\":\"always\",\"split\":true},"
                + "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"\u2581w0\",\"vocab\":{"
                + vocabulary
                + "}}}");
    try (OnnxModel model = OnnxModel.open(model("llama-cache"));
        TextTokenizer tokenizer = TextTokenizer.open(json);
        VocabularyProjection projection = VocabularyProjection.open(model, tokenizer)) {
      ProjectedDirection found = projection.project(direction(Site.MLP, NEURONS), 1, VOCABULARY);
      assertEquals(VOCABULARY, found.positive().size());
      for (TokenScore token : found.negative()) {
        assertEquals(" w" + token.id(), token.text().orElseThrow());
      }
    }
  }

  @Test
  void badInputIsRefusedAndEverythingIsClosed() {
    long sessions = NativeCounts.sessions();
    long tensors = NativeCounts.tensors();
    OnnxModel model = OnnxModel.open(model("gemma2-torchscript"));
    VocabularyProjection projection = VocabularyProjection.open(model);
    Direction mlp = direction(Site.MLP, NEURONS);
    assertEquals(3, projection.project(mlp, 0, 3).positive().size());
    assertTrue(NativeCounts.sessions() > sessions);
    refused(projection, direction(Site.MLP, WIDTH), 0, 3, "80 values");
    refused(projection, direction(Site.MLP_OUT, NEURONS), 0, 3, "32 values");
    refused(projection, mlp, 3, 3, "between 0 and 2");
    refused(projection, mlp, -1, 3, "between 0 and 2");
    refused(projection, mlp, 0, 0, "at least 1");
    refused(projection, mlp, 0, VOCABULARY + 1, "97");
    refused(projection, Direction.of("none", Site.MLP, new float[NEURONS]), 0, 3, "zero");
    float[] huge = new float[WIDTH];
    java.util.Arrays.fill(huge, Float.MAX_VALUE);
    Direction overflow = Direction.of("huge", Site.RESIDUAL, huge);
    refused(projection, overflow, 0, 3, "at most of length");
    assertThrows(
        NonFiniteValueException.class,
        () -> Direction.of("nan", Site.MLP, new float[] {Float.NaN}));
    model.close();
    assertEquals(3, projection.project(mlp, 2, 3).positive().size(), "the model may be closed");
    projection.close();
    projection.close();
    assertThrows(ClosedException.class, () -> projection.project(mlp, 0, 3));
    assertThrows(ClosedException.class, () -> projection.scores(mlp, 0));
    assertThrows(ClosedException.class, () -> VocabularyProjection.open(model));
    try (OnnxModel encoder = OnnxModel.open(model("bert-torchscript"))) {
      assertThrows(LogitsNotFoundException.class, () -> VocabularyProjection.open(encoder));
    }
    assertEquals(sessions, NativeCounts.sessions());
    assertEquals(tensors, NativeCounts.tensors());
  }

  private static void refused(
      VocabularyProjection projection, Direction direction, int layer, int count, String message) {
    InvalidArgumentException e =
        assertThrows(
            InvalidArgumentException.class, () -> projection.project(direction, layer, count));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  private static Direction direction(Site site, int size) {
    Random random = new Random(3);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Direction.of("d", site, values).unit();
  }

  private static double[] values(ModelProto model, String initializer) {
    FloatBuffer values =
        tensor(model, initializer)
            .getRawData()
            .asReadOnlyByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    return IntStream.range(0, values.limit()).mapToDouble(values::get).toArray();
  }

  private static TensorProto tensor(ModelProto model, String initializer) {
    return model.getGraph().getInitializerList().stream()
        .filter(tensor -> tensor.getName().equals(initializer))
        .findFirst()
        .orElseThrow();
  }

  private static ModelProto with(ModelProto model, String initializer, double[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values.length; i++) {
      // As float32 holds it.
      values[i] = (float) values[i];
      bytes.putFloat((float) values[i]);
    }
    TensorProto changed =
        tensor(model, initializer).toBuilder()
            .setRawData(ByteString.copyFrom(bytes.flip()))
            .build();
    ModelProto.Builder copy = model.toBuilder();
    int index = model.getGraph().getInitializerList().indexOf(tensor(model, initializer));
    copy.getGraphBuilder().setInitializer(index, changed);
    return copy.build();
  }

  private static Path model(String name) {
    return resource(name + ".onnx");
  }

  private static Path resource(String name) {
    try {
      return Path.of(VocabularyProjectionTest.class.getResource("/models/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(name, e);
    }
  }
}
