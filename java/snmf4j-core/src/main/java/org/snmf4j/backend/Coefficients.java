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
    return owner().call(this::doDownload, this, "coefficients");
  }

  protected abstract void doUpload(Matrix values);

  protected abstract Matrix doDownload();
}
