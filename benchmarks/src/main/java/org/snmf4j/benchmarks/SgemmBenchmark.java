package org.snmf4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
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

/** C = AYᵀ by one call of OpenBLAS' sgemm: the yardstick of {@link IterationBenchmark}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(3)
public class SgemmBenchmark {
  @Param("3072x20000x100")
  String shape;

  @Param("2")
  int threads;

  private Shape size;
  private FloatPointer a;
  private FloatPointer y;
  private FloatPointer c;

  /** Fills A {@code [d, n]} and Y {@code [k, n]}, row-major. */
  @Setup(Level.Trial)
  public void open() {
    size = Shape.of(shape);
    openblas_nolapack.blas_set_num_threads(threads);
    a = Peaks.filled((long) size.neurons() * size.tokens());
    y = Peaks.filled((long) size.rank() * size.tokens());
    c = Peaks.filled((long) size.neurons() * size.rank());
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    a.close();
    y.close();
    c.close();
  }

  /** 2·d·n·k floating-point operations. */
  @Benchmark
  public FloatPointer sgemm() {
    openblas_nolapack.cblas_sgemm(
        openblas_nolapack.CblasRowMajor,
        openblas_nolapack.CblasNoTrans,
        openblas_nolapack.CblasTrans,
        size.neurons(),
        size.rank(),
        size.tokens(),
        1f,
        a,
        size.tokens(),
        y,
        size.tokens(),
        0f,
        c,
        size.rank());
    return c;
  }
}
