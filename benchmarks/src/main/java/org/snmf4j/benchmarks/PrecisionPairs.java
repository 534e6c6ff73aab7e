package org.snmf4j.benchmarks;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Precision;
import org.snmf4j.matrix.Matrix;

/**
 * What {@link PrecisionBenchmark} measures, of all precisions by turns in one process: where other
 * work on the host takes its share of the memory's bandwidth, it takes it from all alike.
 *
 * <p>Arguments are shapes. Each timed pass comes after another on the same activations, so that the
 * caches hold what they hold in a fit.
 */
public final class PrecisionPairs {
  private static final int ROUNDS = 400;
  private static final int WARM_UP = 40;

  private PrecisionPairs() {}

  /** Prints medians. */
  public static void main(String[] shapes) {
    try (Backend backend = Backends.open("cpu", new BackendConfig(2))) {
      for (String variant : new String[] {"dense", "sparse"}) {
        for (String shape : shapes) {
          compare(backend, variant, Shape.of(shape));
        }
      }
    }
  }

  private static void compare(Backend backend, String variant, Shape size) {
    Map<Precision, List<Double>> times = new EnumMap<>(Precision.class);
    try (Matrix a = BenchmarkData.of(variant, size, 0);
        PrecisionBenchmark.Fitted fitted = PrecisionBenchmark.Fitted.to(a, size, 0.01, backend)) {
      Map<Precision, Activations> stored = new EnumMap<>(Precision.class);
      for (Precision precision : Precision.values()) {
        stored.put(precision, backend.pack(a, precision));
        times.put(precision, new ArrayList<>());
      }
      for (int round = 0; round < ROUNDS; round++) {
        for (Precision precision : Precision.values()) {
          fitted.pass(backend, stored.get(precision));
          long begin = System.nanoTime();
          fitted.pass(backend, stored.get(precision));
          if (round >= WARM_UP) {
            times.get(precision).add((System.nanoTime() - begin) * 1e-6);
          }
        }
      }
      stored.values().forEach(Activations::close);
    }
    double plain = Samples.median(times.get(Precision.FP32));
    for (Precision precision : Precision.values()) {
      double median = Samples.median(times.get(precision));
      System.out.printf(
          "%s %s: %s %.3f ms, %.2f%n", variant, size, precision, median, plain / median);
    }
  }
}
