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
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.CancelledException;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.FirstPhase;

/**
 * Whole fits, packing and initialization included: the multiplicative algorithm's 200 iterations
 * from a random start, and alternating least squares until all tokens are fitted as well as those
 * leave them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
@Fork(value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class FitBenchmark {
  /** Iterations whose loss is the target. */
  private static final int ITERATIONS = 200;

  @Param({"3072x5000x100", "3072x20000x100"})
  String shape;

  @Param("2")
  int threads;

  private Backend backend;
  private Matrix activations;
  private int rank;
  private double target;

  /** Makes the data and finds the target. */
  @Setup(Level.Trial)
  public void open() {
    Shape size = Shape.of(shape);
    rank = size.rank();
    activations = BenchmarkData.planted(size.neurons(), size.tokens(), rank, 0);
    backend = Backends.open("cpu", new BackendConfig(threads));
    target = multiplicative();
    try (SnmfModel model =
        Snmf.fit(activations, options(Solver.ALS).maxIterations(80).build(), backend)) {
      System.out.printf(
          "# relative loss: multiplicative %.4f after %d iterations, als %.4f after 80%n",
          target, ITERATIONS, model.report().relativeLoss());
    }
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    backend.close();
    activations.close();
  }

  private SnmfOptions.Builder options(Solver solver) {
    return SnmfOptions.builder(rank).solver(solver).tolerance(0).patience(Integer.MAX_VALUE);
  }

  /** 200 iterations. */
  @Benchmark
  public double multiplicative() {
    SnmfOptions options = options(Solver.MULTIPLICATIVE).maxIterations(ITERATIONS).build();
    try (SnmfModel model = Snmf.fit(activations, options, backend)) {
      return model.report().relativeLoss();
    }
  }

  /** Until the target. */
  @Benchmark
  public double alsToTarget() {
    double[] reached = {Double.NaN};
    SnmfOptions options =
        options(Solver.ALS)
            .maxIterations(1000)
            .progress(
                progress -> {
                  if (progress.iteration() > FirstPhase.ITERATIONS
                      && progress.relativeLoss() <= target) {
                    reached[0] = progress.relativeLoss();
                  }
                })
            .cancellation(() -> !Double.isNaN(reached[0]))
            .build();
    try (SnmfModel model = Snmf.fit(activations, options, backend)) {
      throw new IllegalStateException(
          "als ended at " + model.report().relativeLoss() + ", above " + target);
    } catch (CancelledException e) {
      return reached[0];
    }
  }
}
