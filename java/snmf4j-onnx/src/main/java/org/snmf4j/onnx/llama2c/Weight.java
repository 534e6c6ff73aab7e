package org.snmf4j.onnx.llama2c;

import java.util.List;

/**
 * One initializer of the model to write.
 *
 * @param name its name in the graph
 * @param dimensions its shape
 * @param source gives its elements, row-major
 */
record Weight(String name, List<Long> dimensions, Source source) {

  /** Produces a weight's elements, all at once or in pieces. */
  interface Source {
    void writeTo(Sink sink);
  }

  /** Takes elements, in order. */
  interface Sink {
    void accept(float[] values);
  }

  long bytes() {
    return Float.BYTES * dimensions.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
  }
}
