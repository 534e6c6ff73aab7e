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

  @Param("cpu")
  String backendName;

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
  private Coefficients coefficients;
  private Features features;
  private Statistics statistics;

  /** Packs the data and fits features to random coefficients. */
  @Setup(Level.Trial)
  public void open() {
    Shape size = Shape.of(shape);
    backend = Backends.open(backendName, new BackendConfig(threads));
    try (Matrix a = BenchmarkData.of("dense", size, 0)) {
      activations = backend.pack(a, precision);
    }
    coefficients = BenchmarkData.coefficients(backend, size);
    features = backend.newFeatures(size.neurons(), size.rank());
    statistics = backend.newStatistics(size.neurons(), size.rank());
    backend.denseStatistics(activations, coefficients, statistics);
    backend.ridgeSolve(statistics, 1e-6, features);
    backend.winnerTakeAll(features, (int) Math.ceil(density * size.neurons()));
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    backend.close();
  }

  /** One pass, in place: after the warm-up the coefficients hardly change. */
  @Benchmark
  public PassResult pass() {
    return backend.pass(
        activations,
        features,
        RULE,
        coefficients,
        null,
        null,
        coefficients,
        Refresh.SUPPORT,
        statistics);
  }
}
