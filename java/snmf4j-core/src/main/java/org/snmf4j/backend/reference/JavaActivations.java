package org.snmf4j.backend.reference;

import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Precision;

/** Packed activations on the heap, or some panels of others. */
final class JavaActivations extends Activations {
  Panels panels;
  private final JavaBackend backend;
  private final long bytes;
  private volatile double squaredNorm;

  /**
   * @param shared whether the panels belong to other activations, which count them
   */
  JavaActivations(JavaBackend owner, Panels panels, Precision precision, boolean shared) {
    super(owner, panels.rows, panels.tokens, precision);
    this.backend = owner;
    this.panels = panels;
    changed();
    bytes = shared ? 0 : panels.bytes();
    owner.allocated(bytes);
  }

  /** Takes notice of new values. */
  void changed() {
    double sum = 0;
    for (double[] panel : panels.data) {
      sum += PanelKernels.dot(panel, panel);
    }
    squaredNorm = sum;
  }

  @Override
  public double squaredNorm() {
    return squaredNorm;
  }

  @Override
  protected void free() {
    backend.freed(bytes);
    panels = null;
  }
}
