package org.snmf4j.interpret.contexts;

/**
 * A bounded heap of the strongest coefficients met so far, the weakest on top. Of equal
 * coefficients the lower token is the stronger.
 */
final class StrongestTokens {
  private final double[] values;
  private final int[] tokens;
  private int size;

  StrongestTokens(int capacity) {
    values = new double[capacity];
    tokens = new int[capacity];
  }

  void clear() {
    size = 0;
  }

  int size() {
    return size;
  }

  /** Takes a token in if it is strong enough. */
  void offer(int token, double value) {
    if (size < values.length) {
      values[size] = value;
      tokens[size] = token;
      rise(size++);
    } else if (weaker(values[0], tokens[0], value, token)) {
      values[0] = value;
      tokens[0] = token;
      sink();
    }
  }

  /** Empties the heap into an array of tokens, the strongest first. */
  int[] drain() {
    int[] sorted = new int[size];
    while (size > 0) {
      sorted[size - 1] = tokens[0];
      size--;
      values[0] = values[size];
      tokens[0] = tokens[size];
      sink();
    }
    return sorted;
  }

  private void rise(int at) {
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (!weaker(at, parent)) {
        return;
      }
      swap(at, parent);
      at = parent;
    }
  }

  private void sink() {
    int at = 0;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        return;
      }
      if (child + 1 < size && weaker(child + 1, child)) {
        child++;
      }
      if (!weaker(child, at)) {
        return;
      }
      swap(at, child);
      at = child;
    }
  }

  private boolean weaker(int a, int b) {
    return weaker(values[a], tokens[a], values[b], tokens[b]);
  }

  private static boolean weaker(double value, int token, double than, int thanToken) {
    return value < than || (value == than && token > thanToken);
  }

  private void swap(int a, int b) {
    double value = values[a];
    values[a] = values[b];
    values[b] = value;
    int token = tokens[a];
    tokens[a] = tokens[b];
    tokens[b] = token;
  }
}
