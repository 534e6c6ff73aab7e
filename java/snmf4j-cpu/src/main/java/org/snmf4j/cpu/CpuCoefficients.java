package org.snmf4j.cpu;

import org.snmf4j.backend.Coefficients;
import org.snmf4j.cpu.CpuLibrary.Panels;
import org.snmf4j.matrix.Matrix;

/** Coefficients in native memory. */
final class CpuCoefficients extends Coefficients {
  final Panels panels;

  CpuCoefficients(CpuBackend owner, int rank, long tokens, Panels panels) {
    super(owner, rank, tokens);
    this.panels = panels;
  }

  @Override
  protected void doUpload(Matrix values) {
    Transfer.write(values, panels, "coefficients", () -> values.requireFinite("coefficients"));
  }

  @Override
  protected void doDownload(Matrix target) {
    Transfer.read(panels, target);
  }

  @Override
  protected void free() {
    CpuLibrary.snmf4j_panels_destroy(panels);
    panels.setNull();
  }
}
