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
import org.snmf4j.solver.MultiplicativeSolver;

/**
 * One iteration of {@link MultiplicativeSolver}, as it calls the backend. Its floor is the 2·d·n·k
 * floating-point operations of C = AYᵀ; {@link SgemmBenchmark} measures those on OpenBLAS.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class IterationBenchmark {
  @Param("cpu")
  String backendName;

  @Param("3072x20000x100")
  String shape;

  @Param("0.01")
  double density;

  @Param("FP32")
  Precision precision;

  @Param("2")
  int threads;

  private Backend backend;
  private Activations activations;
  private Coefficients current;
  private Coefficients next;
  private Features features;
  private Statistics statistics;
  private int keep;

  /** Packs the data and starts from random coefficients. */
  @Setup(Level.Trial)
  public void open() {
    Shape size = Shape.of(shape);
    backend = Backends.open(backendName, new BackendConfig(threads));
    try (Matrix a = BenchmarkData.of("dense", size, 0)) {
      activations = backend.pack(a, precision);
    }
    final double packed = backend.memory().current();
    current = BenchmarkData.coefficients(backend, size);
    next = backend.newCoefficients(size.rank(), size.tokens());
    features = backend.newFeatures(size.neurons(), size.rank());
    statistics = backend.newStatistics(size.neurons(), size.rank());
    keep = (int) Math.ceil(density * size.neurons());
    backend.denseStatistics(activations, current, statistics);
    iteration();
    double bytes = backend.elementType().bytes();
    double factors = bytes * size.rank() * ((double) size.neurons() + size.tokens());
    System.out.printf(
        "# memory beyond A and the factors: %.1f %% of A%n",
        100 * (backend.memory().peak() - packed - factors) / packed);
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    backend.close();
  }

  /** One iteration, the statistics for the next one included. */
  @Benchmark
  public PassResult iteration() {
    backend.ridgeSolve(statistics, 1e-6, features);
    backend.winnerTakeAll(features, keep);
    double[] norms = statistics.rowNorms();
    backend.scaleColumns(features, norms);
    for (int j = 0; j < norms.length; j++) {
      norms[j] = 1 / norms[j];
    }
    PassResult result =
        backend.pass(
            activations,
            features,
            new UpdateRule.Multiplicative(MultiplicativeSolver.EPSILON),
            current,
            norms,
            null,
            next,
            Refresh.DENSE,
            statistics);
    Coefficients swap = current;
    current = next;
    next = swap;
    return result;
  }
}
