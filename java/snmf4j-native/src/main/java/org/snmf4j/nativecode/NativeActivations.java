package org.snmf4j.nativecode;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Precision;
import org.snmf4j.nativecode.Handles.Panels;

/** Packed activations in native memory. */
final class NativeActivations extends Activations {
  private final NativeOperations library;
  final Panels panels;
  volatile double squaredNorm;

  NativeActivations(
      NativeBackend owner,
      int neurons,
      long tokens,
      Precision precision,
      Panels panels,
      double squaredNorm) {
    super(owner, neurons, tokens, precision);
    this.library = owner.operations();
    this.panels = panels;
    this.squaredNorm = squaredNorm;
  }

  @Override
  public double squaredNorm() {
    return squaredNorm;
  }

  @Override
  protected void free() {
    library.snmf4j_panels_destroy(panels);
    panels.setNull();
  }
}
