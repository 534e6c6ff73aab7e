package org.snmf4j.benchmarks;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Time of a one-pass iteration as the number of tokens grows. */
@Command(
    name = "Scaling",
    mixinStandardHelpOptions = true,
    description = "Time of one iteration on a fixed support over the number of tokens.",
    showDefaultValues = true)
public final class Scaling implements Callable<Integer> {
  private static final UpdateRule FIRST = new UpdateRule.Hals(6, 0);
  private static final UpdateRule RULE = new UpdateRule.Hals(2, 0);

  @Option(names = "--neurons", description = "d")
  private int neurons = 3072;

  @Option(names = "--rank", description = "k")
  private int rank = 100;

  @Option(names = "--density", description = "Features' share of nonzeros.")
  private double density = 0.01;

  @Option(names = "--tokens", split = ",", description = "Values of n, the least one first.")
  private List<Integer> tokens = List.of(5000, 10_000, 20_000, 40_000, 80_000, 160_000);

  @Option(names = "--repetitions", description = "Timed iterations of each n.")
  private int repetitions = 31;

  @Option(
      names = "--warm-up",
      description =
          "Seconds of other iterations before: as long as the JVM compiles, it takes a processor"
              + " from them.")
  private double warmUp = 2;

  @Option(names = "--backend", description = "A backend's name.")
  private String backendName = "cpu";

  @Option(names = "--threads", description = "Threads that compute.")
  private int threads = 2;

  private Scaling() {}

  /** See {@code --help}. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Scaling()).execute(arguments));
  }

  @Override
  public Integer call() {
    Shape shape = new Shape(neurons, tokens.get(0), rank);
    double[] times = new double[tokens.size()];
    try (Backend backend = Backends.open(backendName, new BackendConfig(threads));
        Matrix block = BenchmarkData.of("dense", shape, 0);
        Features z = backend.newFeatures(neurons, rank)) {
      SnmfOptions options =
          SnmfOptions.builder(rank)
              .solver(Solver.ALS)
              .featureDensity(density)
              .coefficientPenalty(0)
              .maxIterations(20)
              .build();
      try (SnmfModel model = Snmf.fit(block, options, backend)) {
        System.out.printf(
            "d = %d, k = %d, density %s, %s%n", neurons, rank, density, backend.description());
        System.out.printf("%10s %12s %14s%n", "n", "ms", "ns per token");
        for (int i = 0; i < times.length; i++) {
          z.upload(model.features());
          times[i] = seconds(backend, block, z, tokens.get(i));
          System.out.printf(
              "%10d %12.3f %14.1f%n",
              tokens.get(i), times[i] * 1e3, times[i] * 1e9 / tokens.get(i));
        }
      }
    }
    double[] counts = tokens.stream().mapToDouble(Integer::doubleValue).toArray();
    System.out.printf("exponent of n: %.3f%n", Samples.exponent(counts, times));
    return 0;
  }

  /** Median of the repetitions. */
  private double seconds(Backend backend, Matrix block, Features z, int count) {
    try (Activations a = packed(backend, block, count);
        Coefficients y = backend.newCoefficients(rank, count);
        Statistics statistics = backend.newStatistics(neurons, rank)) {
      backend.pass(a, z, FIRST, y, null, null, y, Refresh.SUPPORT, statistics);
      long start = System.nanoTime();
      while ((System.nanoTime() - start) * 1e-9 < warmUp) {
        iterate(backend, a, z, y, statistics);
      }
      double[] times = new double[repetitions];
      for (int i = 0; i < repetitions; i++) {
        long begin = System.nanoTime();
        iterate(backend, a, z, y, statistics);
        times[i] = (System.nanoTime() - begin) * 1e-9;
      }
      return Samples.median(times);
    }
  }

  private static void iterate(
      Backend backend, Activations a, Features z, Coefficients y, Statistics statistics) {
    backend.refit(statistics, z, 0);
    backend.pass(a, z, RULE, y, null, null, y, Refresh.SUPPORT, statistics);
  }

  /** The block again and again, every value but those of the first changed by up to 10 %. */
  private static Activations packed(Backend backend, Matrix block, int count) {
    int width = (int) block.columns();
    try (Matrix a = Matrix.allocate(ElementType.FLOAT32, block.rows(), count)) {
      IntStream.range(0, (int) block.rows())
          .parallel()
          .forEach(
              i -> {
                SplittableRandom random = new SplittableRandom(i);
                float[] values = new float[width];
                block.readRow(i, 0, values, 0, width);
                float[] row = new float[count];
                for (int t = 0; t < count; t++) {
                  double factor = t < width ? 1 : 0.9 + 0.2 * random.nextDouble();
                  row[t] = (float) (values[t % width] * factor);
                }
                a.writeRow(i, 0, row, 0, count);
              });
      return backend.pack(a);
    }
  }
}
