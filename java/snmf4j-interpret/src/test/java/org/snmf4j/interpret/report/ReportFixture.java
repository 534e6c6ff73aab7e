package org.snmf4j.interpret.report;

import java.nio.file.Path;
import org.snmf4j.SnmfModel;
import org.snmf4j.interpret.Models;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.TopContexts;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/** Small reports. */
final class ReportFixture {
  private ReportFixture() {}

  /** Two features over the words of some sentences; feature 0 fires on every word of the first. */
  static Report of(Path directory, ReportSource source, String label, String... sentences) {
    TokenTable tokens = words(label, sentences);
    float[][] coefficients = new float[2][tokens.size()];
    for (int token = 0; token < tokens.size(); token++) {
      coefficients[0][token] = tokens.sentence(token) == 0 ? token + 1.5f : 0;
      coefficients[1][token] = 1f / (token + 3);
    }
    return of(directory, source, tokens, coefficients);
  }

  /** Two features with the given coefficients over the words of some sentences. */
  static Report of(
      Path directory,
      ReportSource source,
      String label,
      float[][] coefficients,
      String... sentences) {
    return of(directory, source, words(label, sentences), coefficients);
  }

  private static TokenTable words(String label, String... sentences) {
    TokenTable.Builder table = new TokenTable.Builder();
    for (String sentence : sentences) {
      Models.addWords(table, sentence, label);
    }
    return table.build();
  }

  private static Report of(
      Path directory, ReportSource source, TokenTable tokens, float[][] coefficients) {
    try (Matrix z = Matrix.of(new float[][] {{0.6f, 0}, {-0.8f, 0}, {0, 1}});
        Matrix y = Matrix.of(coefficients);
        SnmfModel model = Models.of(directory, z, y, new double[] {900, 600.25, 500.5});
        ActivationSet activations = Models.activations(3, tokens)) {
      TopContexts contexts = TopContexts.of(model, activations, ContextOptions.defaults());
      return Report.of(model, activations, contexts, source);
    }
  }
}
