package org.snmf4j.backend.reference;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.matrix.Matrix;

/** Coefficients on the heap. */
final class JavaCoefficients extends Coefficients {
  Panels panels;
  private final JavaBackend backend;

  JavaCoefficients(JavaBackend owner, int rank, long tokens) {
    super(owner, rank, tokens);
    backend = owner;
    panels = Panels.allocate(rank, tokens);
    owner.allocated(panels.bytes());
  }

  @Override
  protected void doUpload(Matrix values) {
    panels.upload(values);
  }

  @Override
  protected void doDownload(Matrix target) {
    panels.download(target);
  }

  @Override
  protected void free() {
    backend.freed(panels.bytes());
    panels = null;
  }
}
