package org.snmf4j.onnx.runtime;

import java.util.Objects;
import org.snmf4j.error.InvalidArgumentException;

/**
 * How sessions run.
 *
 * @param threads threads within an operator; 0 is a thread per core
 * @param provider what computes; null for {@link ExecutionProvider#configured()}
 */
public record SessionSettings(int threads, ExecutionProvider provider) {
  public SessionSettings {
    if (threads < 0) {
      throw new InvalidArgumentException("threads", threads, "at least 0");
    }
  }

  /** The provider asked for, by the caller or by the system property. */
  ExecutionProvider wanted() {
    return Objects.requireNonNullElseGet(provider, ExecutionProvider::configured);
  }
}
