package org.snmf4j.backend;

import org.snmf4j.matrix.Matrix;

/** Y {@code [k, n]}. Zero until written. Entries may be negative where an algorithm wants so. */
public abstract class Coefficients extends Resident {
  private final int rank;
  private final long tokens;

  protected Coefficients(AbstractBackend owner, int rank, long tokens) {
    super(owner);
    this.rank = rank;
    this.tokens = tokens;
  }

  /** k. */
  public final int rank() {
    return rank;
  }

  /** n. */
  public final long tokens() {
    return tokens;
  }

  /**
   * Sets all entries.
   *
   * @param values {@code [k, n]}, finite
   */
  public final void upload(Matrix values) {
    Checks.shape("coefficients", values, rank, tokens);
    values.requireFinite("coefficients");
    owner().run(() -> doUpload(values), this, "coefficients");
  }

  /** A copy {@code [k, n]} of the backend's element type, which the caller closes. */
  public final Matrix download() {
    Matrix target = Matrix.allocate(owner().elementType(), rank, tokens);
    try {
      download(target);
      return target;
    } catch (RuntimeException | Error e) {
      target.close();
      throw e;
    }
  }

  /**
   * Copies all entries.
   *
   * @param target {@code [k, n]}, writable
   */
  public final void download(Matrix target) {
    Checks.shape("target", target, rank, tokens);
    owner().run(() -> doDownload(target), this, "coefficients");
  }

  protected abstract void doUpload(Matrix values);

  protected abstract void doDownload(Matrix target);
}
