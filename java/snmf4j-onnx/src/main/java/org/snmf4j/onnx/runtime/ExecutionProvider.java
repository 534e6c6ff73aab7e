package org.snmf4j.onnx.runtime;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.snmf4j.error.InvalidArgumentException;

/** What ONNX Runtime computes on. */
public enum ExecutionProvider {
  /** CUDA where ONNX Runtime has it and a device works, otherwise the CPU. */
  AUTO,
  /** The CPU. */
  CPU,
  /** An NVIDIA GPU; an error where it cannot be used. */
  CUDA;

  /** System property that chooses for sessions whose options do not. */
  public static final String PROPERTY = "snmf4j.onnx.provider";

  /**
   * A provider by its name.
   *
   * @throws InvalidArgumentException if there is none of that name
   */
  public static ExecutionProvider of(String name) {
    return of("provider", name);
  }

  /**
   * The one that {@value #PROPERTY} names, {@link #AUTO} if it is not set.
   *
   * @throws InvalidArgumentException if it names none
   */
  public static ExecutionProvider configured() {
    String name = System.getProperty(PROPERTY);
    return name == null ? AUTO : of("-D" + PROPERTY, name);
  }

  private static ExecutionProvider of(String what, String name) {
    for (ExecutionProvider provider : values()) {
      if (provider.toString().equals(name)) {
        return provider;
      }
    }
    throw new InvalidArgumentException(
        what,
        name,
        "one of "
            + Arrays.stream(values())
                .map(ExecutionProvider::toString)
                .collect(Collectors.joining(", ")));
  }

  /** The name in lower case: {@code auto}, {@code cpu} or {@code cuda}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
