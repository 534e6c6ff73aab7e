package org.snmf4j.interpret.contexts;

import org.snmf4j.error.InvalidArgumentException;

/**
 * How much to tell about each feature.
 *
 * @param contexts strongest tokens per feature, at least 1; default {@value #DEFAULT_CONTEXTS}
 * @param window tokens of the same sentence shown on each side of a strongest token, at least 0;
 *     default {@value #DEFAULT_WINDOW}
 * @param neurons strongest neurons per feature, at least 0; default {@value #DEFAULT_NEURONS}
 * @param labels preferred labels per feature, at least 0; default {@value #DEFAULT_LABELS}
 */
public record ContextOptions(int contexts, int window, int neurons, int labels) {
  /** Default number of strongest tokens. */
  public static final int DEFAULT_CONTEXTS = 10;

  /** Default number of tokens on each side. */
  public static final int DEFAULT_WINDOW = 15;

  /** Default number of strongest neurons. */
  public static final int DEFAULT_NEURONS = 10;

  /** Default number of preferred labels. */
  public static final int DEFAULT_LABELS = 5;

  /**
   * @throws InvalidArgumentException where a number is below its limit
   */
  public ContextOptions {
    requireAtLeast("contexts", contexts, 1);
    requireAtLeast("window", window, 0);
    requireAtLeast("neurons", neurons, 0);
    requireAtLeast("labels", labels, 0);
  }

  /** The defaults. */
  public static ContextOptions defaults() {
    return new ContextOptions(DEFAULT_CONTEXTS, DEFAULT_WINDOW, DEFAULT_NEURONS, DEFAULT_LABELS);
  }

  /** These options with another number of strongest tokens. */
  public ContextOptions withContexts(int value) {
    return new ContextOptions(value, window, neurons, labels);
  }

  /** These options with another number of tokens on each side. */
  public ContextOptions withWindow(int value) {
    return new ContextOptions(contexts, value, neurons, labels);
  }

  /** These options with another number of strongest neurons. */
  public ContextOptions withNeurons(int value) {
    return new ContextOptions(contexts, window, value, labels);
  }

  /** These options with another number of preferred labels. */
  public ContextOptions withLabels(int value) {
    return new ContextOptions(contexts, window, neurons, value);
  }

  private static void requireAtLeast(String name, int value, int least) {
    if (value < least) {
      throw new InvalidArgumentException(name, value, "at least " + least);
    }
  }
}
