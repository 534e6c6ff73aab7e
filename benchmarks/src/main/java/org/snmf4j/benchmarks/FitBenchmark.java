package org.snmf4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
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
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.matrix.Matrix;

/**
 * Whole fits, packing and initialization included: alternating least squares until all tokens are
 * fitted as well as the multiplicative algorithm's 200 iterations from a random start leave them.
 * Those run in the same process right before, and their time over the measured one is printed: for
 * every shot, or, to save time, once for all.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
@Fork(value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=6g")
public class FitBenchmark {
  /** Iterations whose loss is the target. */
  private static final int ITERATIONS = 200;

  /** Or the path of a matrix file, of whose shape only the rank is then taken. */
  @Param({"dense", "sparse"})
  String variant;

  @Param({"3072x5000x100", "3072x20000x100", "14336x10000x400"})
  String shape;

  @Param("0.01")
  double density;

  /** Of the planted data and of both fits. */
  @Param("0")
  long seed;

  @Param("cpu")
  String backendName;

  @Param("2")
  int threads;

  /** {@code every} shot is paired with a multiplicative fit, or all with {@code one}. */
  @Param("every")
  String pairs;

  private Backend backend;
  private Matrix activations;
  private Fits fits;
  private Fits.Fit multiplicative;
  private long begin;
  private final List<Double> times = new ArrayList<>();
  private final List<Double> multiplicativeTimes = new ArrayList<>();
  private final List<Double> ratios = new ArrayList<>();

  /** Makes the data. */
  @Setup(Level.Trial)
  public void open() {
    if (!pairs.equals("every") && !pairs.equals("one")) {
      throw new IllegalArgumentException("pairs is " + pairs + " but must be every or one");
    }
    Shape size = Shape.of(shape);
    backend = Backends.open(backendName, new BackendConfig(threads));
    activations = BenchmarkData.of(variant, size, seed);
    fits = new Fits(backend, activations, size.rank(), density);
    // The machine code of both solvers, before anything is timed.
    fits.run(Solver.MULTIPLICATIVE, 3, seed);
  }

  /** Finds the target. */
  @Setup(Level.Iteration)
  public void target() {
    if (multiplicative == null || pairs.equals("every")) {
      multiplicative = fits.run(Solver.MULTIPLICATIVE, ITERATIONS, seed);
    }
    begin = System.nanoTime();
  }

  /** Until the target. */
  @Benchmark
  public double alsToTarget() {
    return fits.alsTo(multiplicative.relativeLoss(), seed).relativeLoss();
  }

  /** Notes the pair. */
  @TearDown(Level.Iteration)
  public void pair(IterationParams iteration) {
    double seconds = (System.nanoTime() - begin) * 1e-9;
    if (iteration.getType() == IterationType.MEASUREMENT) {
      times.add(seconds);
      multiplicativeTimes.add(multiplicative.seconds());
      ratios.add(multiplicative.seconds() / seconds);
    }
  }

  /** Prints the medians and frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    System.out.printf(
        "%n# %s %s seed %d: multiplicative %.0f ms to %.5f, als %.0f ms, ratio %.1f (%.1f to %.1f)%n",
        variant,
        shape,
        seed,
        Samples.median(multiplicativeTimes) * 1e3,
        multiplicative.relativeLoss(),
        Samples.median(times) * 1e3,
        Samples.median(ratios),
        ratios.stream().min(Double::compare).orElseThrow(),
        ratios.stream().max(Double::compare).orElseThrow());
    backend.close();
    activations.close();
  }
}
