package org.snmf4j.cli.command;

import java.util.Map;
import org.snmf4j.matrix.Matrix;

/**
 * Activations with what must be closed after use.
 *
 * @param matrix A {@code [d, n]}
 * @param owner what holds them
 * @param attributes what a model fitted to them is to remember of them
 */
record Input(Matrix matrix, AutoCloseable owner, Map<String, String> attributes)
    implements AutoCloseable {
  @Override
  public void close() {
    try {
      owner.close();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("matrices and activation sets close without exceptions", e);
    }
  }
}
