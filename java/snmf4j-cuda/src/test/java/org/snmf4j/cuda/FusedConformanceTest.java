package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.tck.PassConformance;

/** What the conformance suite asks of passes, of fused ones wherever they can be. */
class FusedConformanceTest extends PassConformance {
  private static final int NEURONS = 300;
  private static final int RANK = 20;
  private static final int TOKENS = 500;

  @Override
  protected Backend open(int threads) {
    return open(threads, "fused");
  }

  private static Backend open(int threads, String pass) {
    String before = System.getProperty(CudaOptions.PASS);
    System.setProperty(CudaOptions.PASS, pass);
    try {
      return new CudaBackendProvider().open(new BackendConfig(threads));
    } finally {
      if (before == null) {
        System.clearProperty(CudaOptions.PASS);
      } else {
        System.setProperty(CudaOptions.PASS, before);
      }
    }
  }

  /** Each way adds in an order of its own: results of the same bits would be those of one way. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void theOptionIsHeard(Precision precision) {
    float[] split = cross("split", precision);
    float[] fused = cross("fused", precision);
    assertFalse(Arrays.equals(split, fused));
    float largest = 0;
    for (float value : split) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < split.length; i++) {
      assertEquals(split[i], fused[i], 1e-5f * largest);
    }
  }

  private static float[] cross(String pass, Precision precision) {
    SplittableRandom random = new SplittableRandom(5);
    try (Backend backend = open(1, pass);
        Matrix a = matrix(NEURONS, TOKENS, () -> random.nextDouble() - 0.3);
        Matrix z =
            matrix(NEURONS, RANK, () -> random.nextInt(20) == 0 ? random.nextDouble() - 0.5 : 0);
        Matrix y = matrix(RANK, TOKENS, random::nextDouble);
        Activations activations = backend.pack(a, precision);
        Features features = backend.newFeatures(NEURONS, RANK);
        Coefficients coefficients = backend.newCoefficients(RANK, TOKENS);
        Statistics statistics = backend.newStatistics(NEURONS, RANK)) {
      features.upload(z);
      coefficients.upload(y);
      backend.pass(
          activations,
          features,
          new UpdateRule.Hals(2, 0),
          coefficients,
          null,
          null,
          coefficients,
          Refresh.SUPPORT,
          statistics);
      try (Matrix cross = statistics.cross()) {
        float[] all = new float[NEURONS * RANK];
        for (int i = 0; i < NEURONS; i++) {
          cross.readRow(i, 0, all, i * RANK, RANK);
        }
        return all;
      }
    }
  }

  private static Matrix matrix(int rows, int columns, DoubleSupplier values) {
    return Matrix.of(
        Stream.generate(() -> DoubleStream.generate(values).limit(columns).toArray())
            .limit(rows)
            .toArray(double[][]::new));
  }
}
