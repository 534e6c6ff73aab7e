package org.snmf4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
import org.snmf4j.Encoder;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * Tokens per second from activations in memory to coefficients, packing included. The model is
 * fitted to the first half of the data; the second half is encoded, a block at a time, over and
 * over.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class EncodeBenchmark {
  @Param("cpu")
  String backendName;

  /** Neurons x tokens x rank; half of the tokens are for the fit. */
  @Param("3072x20000x100")
  String shape;

  @Param("0.01")
  double density;

  @Param("0")
  double penalty;

  @Param({"1", "2"})
  int threads;

  /** Tokens per call. */
  @Param({"256", "10000"})
  int block;

  /** Whether the source holds neuron after neuron or token after token. */
  @Param({"neuron-major", "token-major"})
  String layout;

  private Backend backend;
  private Matrix stored;
  private Matrix unseen;
  private Encoder encoder;
  private Matrix coefficients;
  private float[] array;
  private float[] arrayCoefficients;
  private long at;

  /** Fits the model. */
  @Setup(Level.Trial)
  public void open() {
    Shape size = Shape.of(shape);
    int half = size.tokens() / 2;
    if (block > half) {
      throw new IllegalArgumentException("block " + block + " above the " + half + " tokens");
    }
    backend = Backends.open(backendName, new BackendConfig(threads));
    try (Matrix a = BenchmarkData.of("dense", size, 0)) {
      SnmfOptions options =
          SnmfOptions.builder(size.rank())
              .solver(Solver.ALS)
              .featureDensity(density)
              .coefficientPenalty(penalty)
              .maxIterations(60)
              .build();
      try (SnmfModel model = Snmf.fit(a.columnRange(0, half), options, backend)) {
        System.out.println("# " + model.statistics());
        encoder = model.encoder(backend);
      }
      Matrix rest = a.columnRange(half, size.tokens());
      if (layout.equals("neuron-major")) {
        stored = rest.copy(ElementType.FLOAT32);
        unseen = stored;
      } else {
        stored = rest.transpose().copy(ElementType.FLOAT32);
        unseen = stored.transpose();
      }
    }
    coefficients = Matrix.allocate(ElementType.FLOAT32, size.rank(), block);
    array = new float[block * size.neurons()];
    for (int t = 0; t < block; t++) {
      unseen.transpose().readRow(t, 0, array, t * size.neurons(), size.neurons());
    }
    arrayCoefficients = new float[block * size.rank()];
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    encoder.close();
    backend.close();
    stored.close();
    coefficients.close();
  }

  /** Counts tokens; the calls per second that JMH reports beside them matter less. */
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  @State(Scope.Thread)
  public static class Tokens {
    /** Tokens encoded. */
    public long tokens;
  }

  /** From a matrix into a matrix. */
  @Benchmark
  public Matrix encode(Tokens counter) {
    at = at + block > unseen.columns() ? 0 : at;
    encoder.encode(unseen.columnRange(at, at + block), coefficients);
    at += block;
    counter.tokens += block;
    return coefficients;
  }

  /** From an array into an array, token after token whatever the layout. */
  @Benchmark
  public float[] encodeArrays(Tokens counter) {
    encoder.encode(array, arrayCoefficients);
    counter.tokens += block;
    return arrayCoefficients;
  }
}
