package org.snmf4j.nativecode;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.nativecode.Handles.Panels;

/** Coefficients in native memory. */
final class NativeCoefficients extends Coefficients {
  private final NativeOperations library;
  final Panels panels;

  NativeCoefficients(NativeBackend owner, int rank, long tokens, Panels panels) {
    super(owner, rank, tokens);
    this.library = owner.operations();
    this.panels = panels;
  }

  @Override
  protected void doUpload(Matrix values) {
    Transfer.write(
        values, library, panels, "coefficients", () -> values.requireFinite("coefficients"));
  }

  @Override
  protected void doDownload(Matrix target) {
    Transfer.read(library, panels, target);
  }

  @Override
  protected void free() {
    library.snmf4j_panels_destroy(panels);
    panels.setNull();
  }
}
