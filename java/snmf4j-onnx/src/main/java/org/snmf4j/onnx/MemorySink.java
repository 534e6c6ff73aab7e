package org.snmf4j.onnx;

import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/** Activations in memory, a matrix per site and layer. */
final class MemorySink implements ActivationSink, AutoCloseable {
  private final int tokens;
  private final Map<SiteLayer, Matrix> matrices = new HashMap<>();
  private boolean released;

  MemorySink(int tokens) {
    this.tokens = tokens;
  }

  @Override
  public void accept(
      SiteLayer key, int dimension, int first, FloatBuffer values, int at, int count) {
    Matrix matrix =
        matrices.computeIfAbsent(
            key, absent -> Matrix.allocate(ElementType.FLOAT32, tokens, dimension));
    for (int done = 0; done < count; ) {
      int from = at + done * dimension;
      int rows = (int) Math.min(count - done, matrix.contiguousRows(first + done));
      if (rows > 0) {
        matrix.rowBytes(first + done, rows).asFloatBuffer().put(0, values, from, rows * dimension);
      } else {
        // A row that two segments of a large matrix share.
        float[] row = new float[dimension];
        values.get(from, row);
        matrix.writeRow(first + done, 0, row, 0, dimension);
        rows = 1;
      }
      done += rows;
    }
  }

  /** Gives the matrices away. */
  Map<SiteLayer, ActivationSet> release(TokenTable table) {
    Map<SiteLayer, ActivationSet> sets = new HashMap<>();
    matrices.forEach(
        (key, matrix) -> sets.put(key, new ActivationSet(key.site(), key.layer(), matrix, table)));
    released = true;
    return sets;
  }

  /** Frees the matrices that were not given away. */
  @Override
  public void close() {
    if (!released) {
      matrices.values().forEach(Matrix::close);
    }
  }
}
