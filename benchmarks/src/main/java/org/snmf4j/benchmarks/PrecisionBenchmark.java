package org.snmf4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;

/**
 * The pass of alternating least squares on activations stored in each precision: one HALS sweep and
 * C on the support. At low ranks it waits for A, so that its floor is the time to read A's rows.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class PrecisionBenchmark {
  private static final UpdateRule RULE = new UpdateRule.Hals(1, 0);

  /** Passes that the features are fitted by: how many rows of A they share decides what is read. */
  private static final int FITTED = 60;

  @Param("cpu")
  String backendName;

  @Param({"dense", "sparse"})
  String variant;

  @Param("3072x20000x32")
  String shape;

  @Param("0.01")
  double density;

  @Param({"FP32", "FP16", "BF16"})
  Precision precision;

  @Param("2")
  int threads;

  private Backend backend;
  private Activations activations;
  private Fitted fitted;

  /** Fits features, always to the same data in float32, and packs that data. */
  @Setup(Level.Trial)
  public void open() {
    Shape size = Shape.of(shape);
    backend = Backends.open(backendName, new BackendConfig(threads));
    try (Matrix a = BenchmarkData.of(variant, size, 0)) {
      fitted = Fitted.to(a, size, density, backend);
      activations = backend.pack(a, precision);
    }
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    backend.close();
  }

  /** One pass, in place: after the warm-up the coefficients hardly change. */
  @Benchmark
  public PassResult pass() {
    return fitted.pass(backend, activations);
  }

  /** What a pass reads beside activations. */
  record Fitted(Features features, Coefficients coefficients, Statistics statistics)
      implements AutoCloseable {
    static Fitted to(Matrix a, Shape size, double density, Backend backend) {
      SnmfOptions options =
          SnmfOptions.builder(size.rank())
              .featureDensity(density)
              .coefficientPenalty(0)
              .maxIterations(FITTED)
              .build();
      try (SnmfModel model = Snmf.fit(a, options, backend)) {
        Features features = backend.newFeatures(size.neurons(), size.rank());
        features.upload(model.features());
        Coefficients coefficients = backend.newCoefficients(size.rank(), size.tokens());
        coefficients.upload(model.coefficients());
        return new Fitted(
            features, coefficients, backend.newStatistics(size.neurons(), size.rank()));
      }
    }

    PassResult pass(Backend backend, Activations a) {
      return backend.pass(
          a, features, RULE, coefficients, null, null, coefficients, Refresh.SUPPORT, statistics);
    }

    @Override
    public void close() {
      features.close();
      coefficients.close();
      statistics.close();
    }
  }
}
