package org.snmf4j.benchmarks;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
import org.snmf4j.backend.Precision;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * Packing a float32 matrix into panels, checks and sum of squares included, against a plain copy of
 * as many bytes on as many threads: {@code pack} writes to memory that is there already, as {@code
 * copy} does; {@code packFresh} is what a fit does, whose new memory the system has to clear first.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class PackBenchmark {
  private static final int NEURONS = 3072;
  private static final int TOKENS = 20_000;

  /** Whether the source holds neuron after neuron or token after token. */
  @Param({"neuron-major", "token-major"})
  String layout;

  @Param({"FP32", "FP16", "BF16"})
  Precision precision;

  @Param("2")
  int threads;

  private Backend backend;
  private Activations target;
  private Matrix source;
  private ByteBuffer copySource;
  private ByteBuffer copyTarget;
  private ExecutorService pool;

  /** Fills the source. */
  @Setup(Level.Trial)
  public void open() {
    backend = Backends.open("cpu", new BackendConfig(threads));
    Matrix stored =
        layout.equals("neuron-major")
            ? Matrix.allocate(ElementType.FLOAT32, NEURONS, TOKENS)
            : Matrix.allocate(ElementType.FLOAT32, TOKENS, NEURONS);
    float[] row = new float[(int) stored.columns()];
    for (long i = 0; i < stored.rows(); i++) {
      for (int t = 0; t < row.length; t++) {
        row[t] = i * 31 % 17 - t % 13;
      }
      stored.writeRow(i, 0, row, 0, row.length);
    }
    source = layout.equals("neuron-major") ? stored : stored.transpose();
    target = backend.pack(source, precision);
    copySource = stored.rowBytes(0, stored.rows());
    copyTarget = ByteBuffer.allocateDirect(copySource.capacity());
    pool = Executors.newFixedThreadPool(threads);
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    pool.shutdown();
    backend.close();
  }

  /** The yardstick. */
  @Benchmark
  public ByteBuffer copy() throws Exception {
    List<Future<?>> parts = new ArrayList<>();
    int length = copySource.capacity() / threads;
    for (int w = 0; w < threads; w++) {
      int from = w * length;
      parts.add(pool.submit(() -> copyTarget.put(from, copySource, from, length)));
    }
    for (Future<?> part : parts) {
      part.get();
    }
    return copyTarget;
  }

  /** Into existing memory. */
  @Benchmark
  public double pack() {
    backend.repack(source, target);
    return target.squaredNorm();
  }

  /** Into new memory, which is freed again. */
  @Benchmark
  public double packFresh() {
    try (Activations packed = backend.pack(source, precision)) {
      return packed.squaredNorm();
    }
  }
}
