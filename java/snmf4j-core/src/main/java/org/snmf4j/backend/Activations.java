package org.snmf4j.backend;

/** A {@code [d, n]}, packed by {@link Backend#pack}. Read-only. */
public abstract class Activations extends Resident {
  private final int neurons;
  private final long tokens;

  protected Activations(AbstractBackend owner, int neurons, long tokens) {
    super(owner);
    this.neurons = neurons;
    this.tokens = tokens;
  }

  /** d. */
  public final int neurons() {
    return neurons;
  }

  /** n. */
  public final long tokens() {
    return tokens;
  }

  /** ‖A‖², summed in float64 while packing. */
  public abstract double squaredNorm();
}
