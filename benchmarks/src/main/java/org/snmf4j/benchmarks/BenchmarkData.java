package org.snmf4j.benchmarks;

import java.util.Locale;
import java.util.SplittableRandom;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.io.MatrixFile;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.tck.planted.PlantedData;

/** What is measured on: planted activations, the same for the same shape and seed, or a file's. */
final class BenchmarkData {
  /** Planted features for each one that is fitted. */
  private static final int PLANTED = 3;

  private BenchmarkData() {}

  /**
   * Activations that the caller closes.
   *
   * @param variant {@code dense} or {@code sparse}, or the path of a matrix file
   * @param shape of planted data; a file has its own
   * @param seed of planted data
   * @return A {@code [d, n]}
   */
  static Matrix of(String variant, Shape shape, long seed) {
    if (!variant.equals("dense") && !variant.equals("sparse")) {
      return MatrixFile.open(variant);
    }
    PlantedData data =
        PlantedData.gelu(
            PlantedData.Variant.valueOf(variant.toUpperCase(Locale.ROOT)),
            shape.neurons(),
            shape.tokens(),
            PLANTED * shape.rank(),
            seed);
    data.features().close();
    return data.activations();
  }

  /** Coefficients between 0 and 1, the same for the same shape, that the caller closes. */
  static Coefficients coefficients(Backend backend, Shape shape) {
    Coefficients result = backend.newCoefficients(shape.rank(), shape.tokens());
    try (Matrix y = Matrix.allocate(ElementType.FLOAT32, shape.rank(), shape.tokens())) {
      SplittableRandom random = new SplittableRandom(0);
      for (int j = 0; j < shape.rank(); j++) {
        for (int t = 0; t < shape.tokens(); t++) {
          y.set(j, t, random.nextDouble());
        }
      }
      result.upload(y);
    }
    return result;
  }
}
