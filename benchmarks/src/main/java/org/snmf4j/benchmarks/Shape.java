package org.snmf4j.benchmarks;

/** Size of a problem, written {@code dxnxk}. */
record Shape(int neurons, int tokens, int rank) {
  static Shape of(String text) {
    String[] parts = text.split("x");
    return new Shape(
        Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
  }
}
