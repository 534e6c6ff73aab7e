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

/**
 * Every operation of a backend alone. At the end of a fork it prints the operation's place under
 * the roofline, from calls and probes of that very fork; {@link Roofline} shows all in one table.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class KernelBenchmark {
  @Param Operation operation;

  @Param("cpu")
  String backendName;

  @Param("dense")
  String variant;

  @Param("3072x20000x100")
  String shape;

  @Param("0.01")
  double density;

  @Param("2")
  int threads;

  private Workbench workbench;
  private Peaks peaks;
  private Roofline.Row row;
  private final List<Peaks.Measured> probes = new ArrayList<>();

  /** Fits for a while. */
  @Setup(Level.Trial)
  public void open() {
    workbench = new Workbench(backendName, variant, Shape.of(shape), density, threads);
    peaks = new Peaks(workbench.backend, workbench.activations, workbench.packedBytes);
    row = new Roofline.Row(operation, operation.work(workbench));
  }

  /** Looks what the machine can do just now. */
  @Setup(Level.Iteration)
  public void probe() {
    probes.add(peaks.measure());
  }

  /** Calls take milliseconds, beside which the harness' own clock for this is nothing. */
  @Setup(Level.Invocation)
  public void prepare() {
    operation.prepare(workbench);
  }

  /** Prints the roofline and frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    System.out.printf("%n# %s%n# %s%n", Roofline.Row.HEAD, row.text());
    peaks.close();
    workbench.close();
  }

  /** The operation. */
  @Benchmark
  public void run() {
    long begin = System.nanoTime();
    operation.run(workbench);
    row.add((System.nanoTime() - begin) * 1e-9, probes.get(probes.size() - 1));
  }
}
