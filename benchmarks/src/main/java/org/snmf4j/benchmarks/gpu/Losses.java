package org.snmf4j.benchmarks.gpu;

import java.util.Map;
import org.snmf4j.FitReport;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Precision;
import org.snmf4j.benchmarks.Shape;
import org.snmf4j.matrix.Matrix;

/**
 * Losses of the backend against those of the CPU backend in fp32: along the multiplicative
 * algorithm's first iterations, and where alternating least squares ends. And, on CUDA, with less
 * device memory than the activations need against with enough.
 *
 * <p>Iterations are held to a limit with dense features, whose losses follow their roundings
 * smoothly. With sparse ones, winner-take-all turns a rounding of C into another entry where two of
 * them nearly tie, in the first iteration already: errors of 6e-8, a float32's own, can lead the
 * float64 reference 3e-4 astray within four iterations at {@link Settings#little}, and the CPU
 * backend with its tokens in another order 1e-3. How far sparse ones are apart is told, not judged.
 */
final class Losses implements Part.Check {
  private static final String REFERENCE = "cpu";

  private static final int COMMON_ITERATIONS = 20;

  private static final double FP32 = 1e-4;
  private static final double ROUNDED = 2e-3;

  /** Limit of device memory as a fraction of the bytes of A. */
  private static final double CAP = 0.75;

  private static final int STREAMED_ITERATIONS = 40;

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    Shape shape = settings.little();
    findings.note("activations " + shape + ", losses relative to those of the CPU backend");
    try (Matrix a = Data.open(settings, shape)) {
      FitReport end;
      FitReport dense;
      FitReport sparse;
      try (Backend cpu = Backends.open(REFERENCE, new BackendConfig(settings.threads))) {
        dense = fit(a, cpu, multiplicative(shape, 1));
        sparse = fit(a, cpu, multiplicative(shape, Settings.DENSITY));
        end = fit(a, cpu, als(shape, Precision.FP32));
      }
      findings.figure("cpu, relative loss of als", end.relativeLoss(), "");
      String steps = "fp32, " + COMMON_ITERATIONS + " multiplicative iterations, ";
      try (Backend backend = settings.open()) {
        double apart = deviation(dense, fit(a, backend, multiplicative(shape, 1)));
        findings.atMost(steps + "dense, largest deviation", apart, "", FP32);
        apart = deviation(sparse, fit(a, backend, multiplicative(shape, Settings.DENSITY)));
        findings.figure(steps + "sparse, largest deviation", apart, "");
      }
      compare(settings, findings, a, "fp32", Map.of(), end, Precision.FP32, FP32);
      if (settings.isCuda()) {
        Map<String, String> tf32 = Map.of(Settings.DENSE, "tf32");
        Map<String, String> split = Map.of(Settings.DENSE, "split");
        compare(settings, findings, a, "tf32", tf32, end, Precision.FP32, ROUNDED);
        compare(settings, findings, a, "bf16", Map.of(), end, Precision.BF16, ROUNDED);
        compare(settings, findings, a, "bf16, split", split, end, Precision.BF16, ROUNDED);
        stream(settings, findings);
      } else {
        compare(settings, findings, a, "bf16", Map.of(), end, Precision.BF16, ROUNDED);
      }
    }
  }

  private static SnmfOptions multiplicative(Shape shape, double density) {
    return SnmfOptions.builder(shape.rank())
        .solver(Solver.MULTIPLICATIVE)
        .featureDensity(density)
        .maxIterations(COMMON_ITERATIONS)
        .seed(1)
        .build();
  }

  private static SnmfOptions als(Shape shape, Precision precision) {
    return SnmfOptions.builder(shape.rank())
        .featureDensity(Settings.DENSITY)
        .precision(precision)
        .build();
  }

  private static FitReport fit(Matrix a, Backend backend, SnmfOptions options) {
    try (SnmfModel model = Snmf.fit(a, options, backend)) {
      return model.report();
    }
  }

  /** The largest relative one between losses of the same iteration. */
  private static double deviation(FitReport expected, FitReport actual) {
    double[] losses = actual.losses();
    double largest = 0;
    for (int i = 0; i < losses.length; i++) {
      largest = Math.max(largest, Math.abs(losses[i] / expected.losses()[i] - 1));
    }
    return largest;
  }

  private static void compare(
      Settings settings,
      Findings findings,
      Matrix a,
      String name,
      Map<String, String> properties,
      FitReport end,
      Precision precision,
      double limit) {
    Shape shape = settings.little();
    try (Backend backend = settings.open(properties)) {
      double ratio = fit(a, backend, als(shape, precision)).loss() / end.loss();
      findings.atMost(name + ", als, deviation of the final loss", Math.abs(ratio - 1), "", limit);
      findings.figure(name + ", als, ratio of the final losses", ratio, "");
    }
  }

  private static void stream(Settings settings, Findings findings) throws Exception {
    Shape shape = settings.streamed();
    double bytes = 4.0 * shape.neurons() * shape.tokens();
    long cap = settings.limit((long) (CAP * bytes));
    findings.note("streamed: activations " + shape + " with a limit of " + CAP + " of their bytes");
    SnmfOptions options =
        SnmfOptions.builder(shape.rank())
            .featureDensity(Settings.DENSITY)
            .maxIterations(STREAMED_ITERATIONS)
            .build();
    try (Matrix a = Data.open(settings, shape)) {
      FitReport whole;
      try (Backend backend = settings.open()) {
        whole = fit(a, backend, options);
      }
      FitReport streamed;
      try (Backend backend = settings.open(Map.of(Settings.MEMORY, Long.toString(cap)))) {
        streamed = fit(a, backend, options);
      }
      findings.atMost(
          "streamed, device memory held at most / limit",
          (double) streamed.peakBytes() / cap,
          "",
          1);
      findings.atMost(
          "streamed, deviation of the final loss",
          Math.abs(streamed.loss() / whole.loss() - 1),
          "",
          FP32);
      findings.figure("streamed, seconds / seconds", streamed.seconds() / whole.seconds(), "");
    }
  }
}
