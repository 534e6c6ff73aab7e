package org.snmf4j.causal.directions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.causal.Direction;
import org.snmf4j.causal.Fixtures;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.activations.TokenTable;
import org.snmf4j.onnx.text.TextTokenizer;

class DirectionsFromSentencesTest {
  private static final String NAME = "llama-torchscript";

  /** The means of what hooks in the original model saw. */
  @ParameterizedTest
  @EnumSource(Site.class)
  void differenceOfMeansOfTheOriginalsActivations(Site site) {
    int layer = 1;
    try (OnnxModel model = Fixtures.model(NAME);
        SafeTensors truth =
            SafeTensors.open(Fixtures.file(NAME).resolveSibling(NAME + ".safetensors"))) {
      long[] shape = truth.shape(site.id() + "." + layer);
      long[] mask = truth.longs("attention_mask");
      long[] flat = truth.longs("input_ids");
      double[] activations = truth.doubles(site.id() + "." + layer);
      int rows = (int) shape[0];
      int length = (int) shape[1];
      int width = (int) shape[2];
      assertTrue(rows >= 2, "rows " + rows);
      double[][] means = new double[2][width];
      int[] counts = new int[2];
      long[][] ids = new long[rows][];
      for (int row = 0; row < rows; row++) {
        int tokens = (int) Arrays.stream(mask, row * length, (row + 1) * length).sum();
        ids[row] = Arrays.copyOfRange(flat, row * length, row * length + tokens);
        for (int i = 0; i < tokens; i++) {
          for (int j = 0; j < width; j++) {
            means[row == 0 ? 0 : 1][j] += activations[((row * length) + i) * width + j];
          }
        }
        counts[row == 0 ? 0 : 1] += tokens;
      }
      double[] difference = new double[width];
      double square = 0;
      for (int j = 0; j < width; j++) {
        difference[j] = means[0][j] / counts[0] - means[1][j] / counts[1];
        square += difference[j] * difference[j];
      }
      Direction found =
          DiffMean.ofIds(
              model, Arrays.copyOf(ids, 1), Arrays.copyOfRange(ids, 1, ids.length), site, layer);
      assertEquals(site, found.site());
      assertEquals(1, found.length(), 1e-6);
      for (int j = 0; j < width; j++) {
        // Activations may be 2e-4 off, the direction is them over its length.
        assertEquals(
            difference[j] / Math.sqrt(square), found.values()[j], 4e-4 / Math.sqrt(square));
      }
    }
  }

  @Test
  void textAndItsIdsGiveTheSame(@TempDir Path directory) {
    List<String> positive = List.of("abc", "xyz!");
    List<String> negative = List.of("QRS");
    try (OnnxModel model = Fixtures.model(NAME);
        TextTokenizer tokenizer = TextTokenizer.open(Fixtures.tokenizer(directory))) {
      Direction fromText = DiffMean.of(model, tokenizer, positive, negative, Site.MLP_OUT, 2);
      Direction fromIds =
          DiffMean.ofIds(
              model,
              positive.stream().map(text -> longs(tokenizer, text)).toArray(long[][]::new),
              negative.stream().map(text -> longs(tokenizer, text)).toArray(long[][]::new),
              Site.MLP_OUT,
              2);
      assertArrayEquals(fromIds.values(), fromText.values());
      assertThrows(
          InvalidArgumentException.class,
          () -> DiffMean.of(model, tokenizer, List.of(), negative, Site.MLP, 0));
      assertThrows(
          InvalidArgumentException.class,
          () -> DiffMean.of(model, tokenizer, positive, List.of(), Site.MLP, 0));
      assertThrows(
          InvalidArgumentException.class,
          () -> DiffMean.of(model, tokenizer, positive, positive, Site.MLP, 0));
      assertThrows(
          InvalidArgumentException.class,
          () -> DiffMean.of(model, tokenizer, positive, negative, Site.MLP, 3));
    }
  }

  private static long[] longs(TextTokenizer tokenizer, String text) {
    return Arrays.stream(tokenizer.encode(text).ids()).asLongStream().toArray();
  }

  private static ActivationSet set() {
    TokenTable.Builder tokens = new TokenTable.Builder();
    for (int sentence = 0; sentence < 3; sentence++) {
      tokens.addSentence("s" + sentence, null);
    }
    int[] sentences = {0, 0, 2, 2, 2};
    for (int i = 0; i < sentences.length; i++) {
      tokens.addToken(i, "t", -1, -1, sentences[i], i);
    }
    Matrix rows = Matrix.of(new float[][] {{1, 0}, {3, 4}, {0, 0}, {-2, 0}, {0, -7}});
    return new ActivationSet(Site.MLP, 0, rows, tokens.build());
  }

  @Test
  void cosinesAndTheirMaxima() {
    try (ActivationSet set = set()) {
      Direction direction = Direction.of("x", Site.MLP, new float[] {2, 0});
      assertArrayEquals(new double[] {1, 0.6, 0, -1, 0}, Cosines.perToken(set, direction), 1e-12);
      List<Cosines.Maximum> maxima = Cosines.maxima(set, direction);
      assertEquals(new Cosines.Maximum(0, 0, 1), maxima.get(0));
      assertEquals(new Cosines.Maximum(1, -1, Double.NaN), maxima.get(1));
      assertEquals(new Cosines.Maximum(2, 2, 0), maxima.get(2));
    }
  }

  @Test
  void directionsThatDoNotFitAreRefused() {
    try (ActivationSet set = set()) {
      assertRefused(set, Direction.of("x", Site.MLP_OUT, new float[] {1, 0}), "at mlp_out");
      assertRefused(set, Direction.of("x", Site.MLP, new float[] {1, 0, 0}), "of 3 values");
      assertRefused(set, Direction.of("x", Site.MLP, new float[] {0, 0}), "zero");
    }
  }

  private static void assertRefused(ActivationSet set, Direction direction, String reason) {
    InvalidArgumentException e =
        assertThrows(InvalidArgumentException.class, () -> Cosines.maxima(set, direction));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }
}
