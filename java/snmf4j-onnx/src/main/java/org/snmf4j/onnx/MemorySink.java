package org.snmf4j.onnx;

import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/** Activations in memory, a matrix per site and layer. */
final class MemorySink implements ActivationConsumer, AutoCloseable {
  private final Map<SiteLayer, Matrix> matrices = new HashMap<>();
  private TokenTable tokens;
  private boolean released;

  @Override
  public void begin(TokenTable all) {
    tokens = all;
  }

  @Override
  public void accept(ActivationBlock block) {
    int dimension = block.dimension();
    FloatBuffer values = block.values();
    Matrix matrix =
        matrices.computeIfAbsent(
            new SiteLayer(block.site(), block.layer()),
            absent -> Matrix.allocate(ElementType.FLOAT32, tokens.size(), dimension));
    for (int done = 0; done < block.tokens(); ) {
      int first = block.firstToken() + done;
      int from = done * dimension;
      int rows = (int) Math.min(block.tokens() - done, matrix.contiguousRows(first));
      if (rows > 0) {
        matrix.rowBytes(first, rows).asFloatBuffer().put(0, values, from, rows * dimension);
      } else {
        // A row that two segments of a large matrix share.
        float[] row = new float[dimension];
        values.get(from, row);
        matrix.writeRow(first, 0, row, 0, dimension);
        rows = 1;
      }
      done += rows;
    }
  }

  /** Gives the matrices away. */
  Activations release() {
    Map<SiteLayer, ActivationSet> sets = new HashMap<>();
    matrices.forEach(
        (key, matrix) -> sets.put(key, new ActivationSet(key.site(), key.layer(), matrix, tokens)));
    released = true;
    return new Activations(sets, tokens);
  }

  /** Frees the matrices that were not given away. */
  @Override
  public void close() {
    if (!released) {
      matrices.values().forEach(Matrix::close);
    }
  }
}
