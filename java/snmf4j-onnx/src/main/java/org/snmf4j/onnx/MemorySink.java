package org.snmf4j.onnx;

import java.nio.FloatBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/**
 * Activations in memory, a matrix per site and layer. The system clears memory that it gives out,
 * which takes longer than filling it; so the matrices are allocated on a thread of their own while
 * the model's session opens on one.
 */
final class MemorySink implements ActivationSink, AutoCloseable {
  private final int tokens;
  private final Map<SiteLayer, CompletableFuture<Matrix>> matrices = new HashMap<>();
  private volatile boolean abandoned;
  private boolean released;

  MemorySink(OnnxModel model, Collection<SiteLayer> wanted, int tokens) {
    this.tokens = tokens;
    ExecutorService allocator =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread thread = new Thread(work, "snmf4j-allocation");
              thread.setDaemon(true);
              return thread;
            });
    for (SiteLayer key : wanted) {
      OptionalInt dimension = model.dimension(key.site(), key.layer());
      if (dimension.isPresent()) {
        matrices.put(
            key,
            CompletableFuture.supplyAsync(
                () -> abandoned ? null : allocate(dimension.getAsInt()), allocator));
      }
    }
    // The thread ends once these are done.
    allocator.shutdown();
  }

  private Matrix allocate(int dimension) {
    return Matrix.allocate(ElementType.FLOAT32, tokens, dimension);
  }

  @Override
  public void accept(
      SiteLayer key, int dimension, int first, FloatBuffer values, int at, int count) {
    Matrix matrix = matrix(key, dimension);
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

  private Matrix matrix(SiteLayer key, int dimension) {
    CompletableFuture<Matrix> begun = matrices.get(key);
    Matrix matrix = begun == null ? null : joined(begun);
    if (matrix == null || matrix.columns() != dimension) {
      // A tensor that was named by hand, or is not as wide as the weight that reads it.
      if (matrix != null) {
        matrix.close();
      }
      matrix = allocate(dimension);
      matrices.put(key, CompletableFuture.completedFuture(matrix));
    }
    return matrix;
  }

  private static Matrix joined(CompletableFuture<Matrix> matrix) {
    try {
      return matrix.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /** Gives the matrices away. */
  Map<SiteLayer, ActivationSet> release(TokenTable table) {
    Map<SiteLayer, ActivationSet> sets = new HashMap<>();
    matrices.forEach(
        (key, matrix) ->
            sets.put(key, new ActivationSet(key.site(), key.layer(), joined(matrix), table)));
    released = true;
    return sets;
  }

  /** Frees the matrices that were not given away, once those that are being made are there. */
  @Override
  public void close() {
    if (released) {
      return;
    }
    abandoned = true;
    for (CompletableFuture<Matrix> begun : matrices.values()) {
      Matrix matrix = begun.exceptionally(failure -> null).join();
      if (matrix != null) {
        matrix.close();
      }
    }
  }
}
