package org.snmf4j.backend;

import org.snmf4j.matrix.Matrix;

/** Z {@code [d, k]}, dense or, after {@link Backend#winnerTakeAll}, sparse. Zero until written. */
public abstract class Features extends Resident {
  private final int neurons;
  private final int rank;

  protected Features(AbstractBackend owner, int neurons, int rank) {
    super(owner);
    this.neurons = neurons;
    this.rank = rank;
  }

  /** d. */
  public final int neurons() {
    return neurons;
  }

  /** k. */
  public final int rank() {
    return rank;
  }

  /**
   * Sets all entries; zeros are recognized as such.
   *
   * @param values {@code [d, k]}, finite
   */
  public final void upload(Matrix values) {
    Checks.shape("features", values, neurons, rank);
    values.requireFinite("features");
    owner().run(() -> doUpload(values), this, "features");
  }

  /** A copy {@code [d, k]} of the backend's element type, which the caller closes. */
  public final Matrix download() {
    return owner().call(this::doDownload, this, "features");
  }

  protected abstract void doUpload(Matrix values);

  protected abstract Matrix doDownload();
}
