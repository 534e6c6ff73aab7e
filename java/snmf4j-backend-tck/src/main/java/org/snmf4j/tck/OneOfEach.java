package org.snmf4j.tck;

import java.util.List;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Resident;
import org.snmf4j.backend.Statistics;
import org.snmf4j.matrix.Matrix;

/** One of each kind of data, of shape d = 3, n = 5, k = 2. */
record OneOfEach(Activations a, Coefficients y, Features z, Statistics s) implements AutoCloseable {
  static OneOfEach on(Backend backend) {
    try (Matrix matrix =
        Matrix.of(new double[][] {{1, 2, 3, 4, 5}, {1, 1, 1, 1, 1}, {0, 1, 0, 1, 0}})) {
      return new OneOfEach(
          backend.pack(matrix),
          backend.newCoefficients(2, 5),
          backend.newFeatures(3, 2),
          backend.newStatistics(3, 2));
    }
  }

  List<Resident> all() {
    return List.of(a, y, z, s);
  }

  @Override
  public void close() {
    all().forEach(Resident::close);
  }
}
