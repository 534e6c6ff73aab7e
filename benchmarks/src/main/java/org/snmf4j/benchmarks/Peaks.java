package org.snmf4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Statistics;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * What the machine can do at this moment, on as many threads as the operations use: bytes read per
 * second and float32 operations per second. Short probes, to be run between operations, so that
 * both see the same machine. Of each kind there are two, and the faster counts:
 *
 * <ul>
 *   <li>Bytes: OpenBLAS' sdot of a buffer with itself, each thread its own stretch; and the native
 *       backend's own sum of squares over the packed activations, which lie on huge pages.
 *   <li>Operations: OpenBLAS' sgemm, each thread its own rows of a 1024³ product; and the native
 *       backend's own C = AYᵀ of a problem that fits the caches, of which G's share is not counted.
 *       OpenBLAS may choose AVX2 kernels where ours are AVX-512 ({@code OPENBLAS_CORETYPE=SkylakeX}
 *       in the environment changes that).
 * </ul>
 *
 * <p>OpenBLAS itself stays at one thread: its own idle ones spin and would disturb what is measured
 * next.
 */
final class Peaks implements AutoCloseable {
  /** 256 MiB, far beyond any cache. */
  private static final long BUFFER = 1L << 26;

  private static final int SIDE = 1024;

  /** Fastest of those tried: A takes 8 MiB, C fits the second-level cache, k needs no padding. */
  private static final Shape CACHED = new Shape(1024, 2048, 96);

  /** Probes of each kind a measurement; the best is taken. */
  private static final int REPETITIONS = 2;

  /**
   * One probe of each.
   *
   * @param bandwidth bytes read per second
   * @param flops float32 operations per second
   */
  record Measured(double bandwidth, double flops) {}

  private final ExecutorService pool;
  private final int threads;
  private final Backend backend;
  private final Activations activations;
  private final double packedBytes;
  private final int threadsBefore;
  private final List<FloatPointer> buffers = new ArrayList<>();
  private final List<FloatPointer> left = new ArrayList<>();
  private final List<FloatPointer> products = new ArrayList<>();
  private final FloatPointer right;

  /** Null unless the backend is the native one: others' sums need not be made for speed. */
  private final Activations cached;

  private Coefficients cachedCoefficients;
  private Statistics cachedStatistics;

  /**
   * @param backend what is measured
   * @param activations packed by it
   * @param packedBytes their size
   */
  Peaks(Backend backend, Activations activations, double packedBytes) {
    this.backend = backend;
    this.activations = activations;
    this.packedBytes = packedBytes;
    threads = backend.threads();
    pool = Executors.newFixedThreadPool(threads);
    threadsBefore = openblas_nolapack.blas_get_num_threads();
    openblas_nolapack.blas_set_num_threads(1);
    right = filled((long) SIDE * SIDE);
    for (int i = 0; i < threads; i++) {
      buffers.add(filled(BUFFER / threads));
      left.add(filled((long) rows() * SIDE));
      products.add(filled((long) rows() * SIDE));
    }
    cached = backend.name().equals("cpu") ? cache() : null;
    for (int i = 0; i < 3; i++) {
      measure();
    }
  }

  private Activations cache() {
    try (Matrix a = Matrix.allocate(ElementType.FLOAT32, CACHED.neurons(), CACHED.tokens());
        Matrix y = Matrix.allocate(ElementType.FLOAT32, CACHED.rank(), CACHED.tokens())) {
      float[] row = new float[CACHED.tokens()];
      for (int t = 0; t < row.length; t++) {
        row[t] = t % 17 / 16f;
      }
      for (int i = 0; i < a.rows(); i++) {
        a.writeRow(i, 0, row, 0, row.length);
      }
      for (int j = 0; j < y.rows(); j++) {
        y.writeRow(j, 0, row, 0, row.length);
      }
      cachedCoefficients = backend.newCoefficients(CACHED.rank(), CACHED.tokens());
      cachedCoefficients.upload(y);
      cachedStatistics = backend.newStatistics(CACHED.neurons(), CACHED.rank());
      return backend.pack(a);
    }
  }

  private int rows() {
    return Math.max(1, SIDE / threads);
  }

  static FloatPointer filled(long elements) {
    FloatPointer pointer = new FloatPointer(elements);
    float[] block = new float[1 << 12];
    for (int i = 0; i < block.length; i++) {
      block[i] = (i * 31 % 17 - 8) / 16f;
    }
    for (long at = 0; at < elements; at += block.length) {
      pointer.position(at).put(block, 0, (int) Math.min(block.length, elements - at));
    }
    return pointer.position(0);
  }

  /** Probes; takes some tens of milliseconds. */
  Measured measure() {
    double bandwidth = 0;
    double flops = 0;
    double read = 4.0 * (BUFFER / threads) * threads;
    double multiplied = 2.0 * rows() * threads * SIDE * SIDE;
    double crossed = 2.0 * CACHED.neurons() * CACHED.tokens() * CACHED.rank();
    for (int i = 0; i < REPETITIONS; i++) {
      bandwidth = Math.max(bandwidth, read / seconds(this::dot));
      flops = Math.max(flops, multiplied / seconds(this::multiply));
      if (cached != null) {
        bandwidth =
            Math.max(
                bandwidth, packedBytes / seconds(() -> backend.sample(activations, 1).close()));
        flops =
            Math.max(
                flops,
                crossed
                    / seconds(
                        () ->
                            backend.denseStatistics(cached, cachedCoefficients, cachedStatistics)));
      }
    }
    return new Measured(bandwidth, flops);
  }

  private static double seconds(Runnable action) {
    long begin = System.nanoTime();
    action.run();
    return (System.nanoTime() - begin) * 1e-9;
  }

  private Object dot(int thread) {
    FloatPointer buffer = buffers.get(thread);
    // OpenBLAS counts in int; a stretch is at most 2²⁶ elements.
    return openblas_nolapack.cblas_sdot((int) (BUFFER / threads), buffer, 1, buffer, 1);
  }

  private Object multiply(int thread) {
    FloatPointer product = products.get(thread);
    openblas_nolapack.cblas_sgemm(
        openblas_nolapack.CblasRowMajor,
        openblas_nolapack.CblasNoTrans,
        openblas_nolapack.CblasNoTrans,
        rows(),
        SIDE,
        SIDE,
        1f,
        left.get(thread),
        SIDE,
        right,
        SIDE,
        0f,
        product,
        SIDE);
    return product;
  }

  private interface Probe {
    Object run(int thread);
  }

  private double seconds(Probe probe) {
    List<Callable<Object>> parts = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int thread = i;
      parts.add(() -> probe.run(thread));
    }
    try {
      long begin = System.nanoTime();
      for (Future<Object> part : pool.invokeAll(parts)) {
        part.get();
      }
      return (System.nanoTime() - begin) * 1e-9;
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("a probe of the machine failed", e);
    }
  }

  @Override
  public void close() {
    pool.shutdown();
    openblas_nolapack.blas_set_num_threads(threadsBefore);
    if (cached != null) {
      cached.close();
      cachedCoefficients.close();
      cachedStatistics.close();
    }
    right.close();
    for (List<FloatPointer> pointers : List.of(buffers, left, products)) {
      pointers.forEach(FloatPointer::close);
    }
  }
}
