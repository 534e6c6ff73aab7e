package org.snmf4j.benchmarks;

/** Size of a problem, written {@code dxnxk}. */
public record Shape(int neurons, int tokens, int rank) {
  public static Shape of(String text) {
    String[] parts = text.split("x");
    if (parts.length != 3) {
      throw new IllegalArgumentException("shape is " + text + " but must be like 3072x20000x100");
    }
    return new Shape(
        Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
  }

  @Override
  public String toString() {
    return neurons + "x" + tokens + "x" + rank;
  }
}
