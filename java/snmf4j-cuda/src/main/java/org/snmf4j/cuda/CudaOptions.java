package org.snmf4j.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snmf4j.error.InvalidArgumentException;

/**
 * What system properties say about the CUDA backend.
 *
 * @param device {@value #DEVICE}, the device's number, from 0 on; default 0
 * @param memory {@value #MEMORY}, bytes of device memory to use at most; default 0, all that is
 *     free
 * @param dense {@value #DENSE}, how dense products are computed; default FP32
 * @param graphs {@value #GRAPHS}, whether repeated passes are replayed as CUDA graphs; default true
 */
record CudaOptions(int device, long memory, Dense dense, boolean graphs) {
  static final String DEVICE = "snmf4j.cuda.device";
  static final String MEMORY = "snmf4j.cuda.memory";
  static final String DENSE = "snmf4j.cuda.dense";
  static final String GRAPHS = "snmf4j.cuda.graphs";

  private static final Pattern BYTES = Pattern.compile("(\\d{1,19})([KMG]?)");

  /** In the order of SNMF4J_DENSE_*. */
  enum Dense {
    /** Float32 throughout. */
    FP32,
    /** Factors rounded to 11 significant bits. */
    TF32,
    /** Bfloat16 activations as they are, coefficients as the sum of two bfloat16. */
    SPLIT
  }

  /**
   * @throws InvalidArgumentException naming the property whose value is none
   */
  static CudaOptions of(Properties properties) {
    return new CudaOptions(
        device(properties.getProperty(DEVICE, "0")),
        memory(properties.getProperty(MEMORY)),
        choice(DENSE, Dense.values(), properties.getProperty(DENSE, "fp32")),
        graphs(properties.getProperty(GRAPHS, "true")));
  }

  private static int device(String value) {
    if (!value.matches("\\d{1,4}")) {
      throw bad(DEVICE, value, "the number of a device, from 0 on");
    }
    return Integer.parseInt(value);
  }

  private static long memory(String value) {
    if (value == null) {
      return 0;
    }
    Matcher matcher = BYTES.matcher(value.toUpperCase(Locale.ROOT));
    if (matcher.matches()) {
      int shift = 10 * " KMG".indexOf(matcher.group(2).isEmpty() ? " " : matcher.group(2));
      try {
        long bytes = Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << shift);
        if (bytes > 0) {
          return bytes;
        }
      } catch (ArithmeticException | NumberFormatException e) {
        // More than a long holds.
      }
    }
    throw bad(MEMORY, value, "a positive number of bytes, with K, M or G if you like, as 8G");
  }

  private static <E extends Enum<E>> E choice(String property, E[] choices, String value) {
    List<String> names = new ArrayList<>();
    for (E choice : choices) {
      String name = choice.name().toLowerCase(Locale.ROOT);
      if (name.equals(value)) {
        return choice;
      }
      names.add(name);
    }
    throw bad(property, value, "one of " + String.join(", ", names));
  }

  private static boolean graphs(String value) {
    if (!value.equals("true") && !value.equals("false")) {
      throw bad(GRAPHS, value, "true or false");
    }
    return value.equals("true");
  }

  private static InvalidArgumentException bad(String property, String value, String limit) {
    return new InvalidArgumentException("-D" + property, value, limit);
  }
}
