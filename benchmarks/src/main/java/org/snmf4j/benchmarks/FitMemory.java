package org.snmf4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Precision;
import org.snmf4j.matrix.Matrix;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Peak memory of a fit beyond packed A and one Z and Y, by the backend's counter and by the
 * process's resident set. The process's share also holds what the counter cannot see: the model's
 * own copies of Z and Y, which the fit returns, thread stacks, and the JVM's growth meanwhile. A
 * heap of fixed size, touched at the start, takes the last of these away, and the C library must
 * give freed memory back at once:
 *
 * <pre>{@code
 * MALLOC_MMAP_THRESHOLD_=65536 java -Xms1g -Xmx1g -XX:+AlwaysPreTouch \
 *   -XX:MaxDirectMemorySize=4g -cp benchmarks.jar org.snmf4j.benchmarks.FitMemory
 * }</pre>
 */
@Command(
    name = "FitMemory",
    mixinStandardHelpOptions = true,
    description = "Peak memory of a fit beyond packed A and one Z and Y (Linux).",
    showDefaultValues = true)
public final class FitMemory implements Callable<Integer> {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  /** Resets VmHWM, see proc(5). */
  private static final String RESET_PEAK = "5";

  @Option(names = "--variant", description = "dense, sparse, or the path of a matrix file.")
  private String variant = "dense";

  @Option(names = "--shape", description = "dxnxk; of a file only k is taken.")
  private String shape = "3072x20000x100";

  @Option(names = "--density", description = "Features' share of nonzeros.")
  private double density = 0.01;

  @Option(names = "--solver", description = "One of ${COMPLETION-CANDIDATES}.")
  private Solver solver = Solver.ALS;

  @Option(names = "--iterations", description = "Iterations of the fit.")
  private int iterations = 40;

  @Option(names = "--penalty", description = "Coefficient penalty; the library's unless given.")
  private Double penalty;

  @Option(names = "--precision", description = "One of ${COMPLETION-CANDIDATES}.")
  private Precision precision = Precision.FP32;

  @Option(names = "--backend", description = "A backend's name.")
  private String backendName = "cpu";

  @Option(names = "--threads", description = "Threads that compute.")
  private int threads = 2;

  private FitMemory() {}

  /** See {@code --help}. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new FitMemory()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Shape size = Shape.of(shape);
    warmUp(size);
    try (Matrix activations = BenchmarkData.of(variant, size, 0);
        Backend backend = Backends.open(backendName, new BackendConfig(threads))) {
      long empty = backend.memory().current();
      Activations a = backend.pack(activations, precision);
      long packed = backend.memory().current() - empty;
      a.close();
      double factors =
          (double) backend.elementType().bytes()
              * size.rank()
              * (activations.rows() + activations.columns());
      long before = settled();
      boolean reset = resetPeak();
      long peakBefore = status("VmHWM");
      long matrices = Matrix.liveBytes();
      try (SnmfModel model = Snmf.fit(activations, options(size), backend)) {
        long peak = status("VmHWM");
        System.out.printf(
            "%s %s, k = %d, %s, %s, %d iterations, %s%n",
            variant,
            activations,
            size.rank(),
            precision,
            solver,
            model.report().iterations(),
            backend.description());
        System.out.printf("packed A: %.1f MB; one Z and Y: %.1f MB%n", packed / 1e6, factors / 1e6);
        line("backend's counter", model.report().peakBytes() - packed - factors, packed);
        if (reset || peak > peakBefore) {
          line("process", peak - before - packed - factors, packed);
        } else {
          System.out.println("process: not known, its peak was before the fit and cannot be reset");
        }
        line("of that, returned in the model", Matrix.liveBytes() - matrices, packed);
      }
    }
    return 0;
  }

  private static void line(String name, double bytes, double packed) {
    System.out.printf(
        "%-31s beyond these: %8.1f MB, %5.1f %% of A%n", name, bytes / 1e6, 100 * bytes / packed);
  }

  private SnmfOptions options(Shape size) {
    SnmfOptions.Builder builder = SnmfOptions.builder(size.rank());
    if (penalty != null) {
      builder.coefficientPenalty(penalty);
    }
    return builder
        .solver(solver)
        .precision(precision)
        .featureDensity(density)
        .tolerance(0)
        .patience(Integer.MAX_VALUE)
        .maxIterations(iterations)
        .build();
  }

  /** A small fit, so that the JVM's own growth comes before. */
  private void warmUp(Shape size) {
    Shape small = new Shape(256, 2000, Math.min(20, size.rank()));
    try (Matrix activations = BenchmarkData.of("dense", small, 0);
        Backend backend = Backends.open(backendName, new BackendConfig(threads))) {
      Snmf.fit(activations, options(small), backend).close();
    }
  }

  /** Resident bytes, once the collector has given back what it does not need: it takes its time. */
  private static long settled() throws IOException, InterruptedException {
    long last = Long.MAX_VALUE;
    for (int i = 0; i < 20; i++) {
      System.gc();
      Thread.sleep(250);
      long now = status("VmRSS");
      if (Math.abs(now - last) < 1 << 18) {
        break;
      }
      last = now;
    }
    return status("VmRSS");
  }

  private static boolean resetPeak() {
    try {
      Files.writeString(CLEAR, RESET_PEAK);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Bytes that a line of the process's status tells in kB. */
  private static long status(String name) throws IOException {
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith(name + ":")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
      }
    }
    throw new IOException(STATUS + " has no line " + name);
  }
}
