package org.snmf4j.benchmarks.real;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.Activations;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.ActivationStoreWriter;
import org.snmf4j.onnx.activations.ModelSource;
import org.snmf4j.onnx.activations.TokenTable;

/** Stores some of the tokens of an extraction. */
final class TokenSample {
  private TokenSample() {}

  /**
   * Writes a store of the chosen tokens, in their order, and of the sentences that they are in.
   *
   * @param chosen indices of tokens, at least one
   */
  static ActivationStore write(
      Path directory, ModelSource source, Activations activations, BitSet chosen) {
    TokenTable sample = sample(activations.tokens(), chosen);
    try (ActivationStoreWriter writer = ActivationStoreWriter.create(directory, source, sample)) {
      for (ActivationSet set : activations.all()) {
        Matrix rows = set.matrix().transpose();
        float[] row = new float[Math.toIntExact(rows.columns())];
        int target = 0;
        for (int token = chosen.nextSetBit(0); token >= 0; token = chosen.nextSetBit(token + 1)) {
          rows.readRow(token, 0, row, 0, row.length);
          writer.write(set.site(), set.layer(), row.length, target++, row, 0, 1);
        }
      }
      return writer.commit();
    }
  }

  private static TokenTable sample(TokenTable table, BitSet chosen) {
    TokenTable.Builder builder = new TokenTable.Builder();
    int[] numbers = new int[table.sentences().size()];
    Arrays.fill(numbers, -1);
    chosen.stream()
        .forEach(
            token -> {
              int sentence = table.sentence(token);
              if (numbers[sentence] < 0) {
                TokenTable.Sentence from = table.sentences().get(sentence);
                numbers[sentence] = builder.addSentence(from.text(), from.label());
              }
              builder.addToken(
                  table.id(token),
                  table.piece(token),
                  table.start(token),
                  table.end(token),
                  numbers[sentence],
                  table.position(token));
            });
    return builder.build();
  }
}
