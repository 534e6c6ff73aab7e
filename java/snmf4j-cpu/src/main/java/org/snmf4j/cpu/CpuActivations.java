package org.snmf4j.cpu;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Precision;
import org.snmf4j.cpu.CpuLibrary.Panels;

/** Packed activations in native memory. */
final class CpuActivations extends Activations {
  final Panels panels;
  volatile double squaredNorm;

  CpuActivations(
      CpuBackend owner,
      int neurons,
      long tokens,
      Precision precision,
      Panels panels,
      double squaredNorm) {
    super(owner, neurons, tokens, precision);
    this.panels = panels;
    this.squaredNorm = squaredNorm;
  }

  @Override
  public double squaredNorm() {
    return squaredNorm;
  }

  @Override
  protected void free() {
    CpuLibrary.snmf4j_panels_destroy(panels);
    panels.setNull();
  }
}
