package org.snmf4j.backend;

/** A {@code [d, n]}, packed by {@link Backend#pack}. Read-only. */
public abstract class Activations extends Resident {
  private final int neurons;
  private final long tokens;
  private final Precision precision;

  protected Activations(AbstractBackend owner, int neurons, long tokens, Precision precision) {
    super(owner);
    this.neurons = neurons;
    this.tokens = tokens;
    this.precision = precision;
  }

  /** d. */
  public final int neurons() {
    return neurons;
  }

  /** n. */
  public final long tokens() {
    return tokens;
  }

  /** How the elements are stored. */
  public final Precision precision() {
    return precision;
  }

  /** ‖A‖² of the elements as they are stored, summed in float64 while packing. */
  public abstract double squaredNorm();
}
