package org.snmf4j.interpret;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.snmf4j.SnmfModel;
import org.snmf4j.io.SafeTensorsWriter;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.activations.TokenTable;

/** Models with chosen factors, made as a user would meet them: read from a file. */
public final class Models {
  private Models() {}

  /** A model with the given factors and explained variances 1/2, 1/3, 1/4 … */
  public static SnmfModel of(Path directory, Matrix features, Matrix coefficients) {
    double[] losses = new double[200];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = 1000 * (0.55 + 0.4 * Math.pow(i + 1, -0.8));
    }
    return of(directory, features, coefficients, losses);
  }

  /** A model with the given factors and losses. */
  public static SnmfModel of(
      Path directory, Matrix features, Matrix coefficients, double[] losses) {
    double[] shares = new double[(int) features.columns()];
    Arrays.setAll(shares, i -> 1.0 / (i + 2));
    Path file = directory.resolve("model-" + System.nanoTime() + ".safetensors");
    new SafeTensorsWriter()
        .metadata("format", "snmf4j-model")
        .metadata("version", "1")
        .metadata("iterations", Integer.toString(losses.length))
        .metadata("best_iteration", Integer.toString(losses.length))
        .metadata("losses", join(losses))
        .metadata("squared_norm", "1000.0")
        .metadata("stop_reason", "MAX_ITERATIONS")
        .metadata("seconds", "4.25")
        .metadata("solver", "MULTIPLICATIVE")
        .metadata("feature_density", "0.01")
        .metadata("coefficient_penalty", "0.0")
        .metadata("initialization", "random")
        .metadata("backend", "cpu")
        .metadata("backend_description", "AVX2")
        .metadata("threads", "2")
        .metadata("seed", "7")
        .metadata("peak_bytes", "1024")
        .metadata("explained_variance", join(shares))
        .add("features", features)
        .add("coefficients", coefficients)
        .write(file);
    return SnmfModel.load(file);
  }

  /** Activations of zeros over the tokens, {@code [neurons, n]}. */
  public static ActivationSet activations(int neurons, TokenTable tokens) {
    return new ActivationSet(
        Site.MLP, 3, Matrix.allocate(ElementType.FLOAT32, tokens.size(), neurons), tokens);
  }

  /** Adds a sentence whose tokens are its words, split at spaces, each with its hash as id. */
  public static void addWords(TokenTable.Builder tokens, String text, String label) {
    int sentence = tokens.addSentence(text, label);
    int position = 1;
    int start = 0;
    while (start < text.length()) {
      int end = text.indexOf(' ', start);
      end = end < 0 ? text.length() : end;
      if (end > start) {
        String word = text.substring(start, end);
        tokens.addToken(word.hashCode() & 0x7fff, word, start, end, sentence, position++);
      }
      start = end + 1;
    }
  }

  private static String join(double[] values) {
    return Arrays.stream(values).mapToObj(Double::toString).collect(Collectors.joining(","));
  }
}
