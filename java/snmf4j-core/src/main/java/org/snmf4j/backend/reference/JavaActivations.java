package org.snmf4j.backend.reference;

import org.snmf4j.backend.Activations;

/** Packed activations on the heap. */
final class JavaActivations extends Activations {
  Panels panels;
  private final JavaBackend backend;
  private final double squaredNorm;

  JavaActivations(JavaBackend owner, Panels panels) {
    super(owner, panels.rows, panels.tokens);
    this.backend = owner;
    this.panels = panels;
    double sum = 0;
    for (double[] panel : panels.data) {
      sum += PanelKernels.dot(panel, panel);
    }
    squaredNorm = sum;
    owner.allocated(panels.bytes());
  }

  @Override
  public double squaredNorm() {
    return squaredNorm;
  }

  @Override
  protected void free() {
    backend.freed(panels.bytes());
    panels = null;
  }
}
