package org.snmf4j.benchmarks;

import java.util.concurrent.Callable;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.matrix.Matrix;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Where the solvers end: the best of several long multiplicative fits, and one ALS fit. */
@Command(
    name = "FinalLoss",
    mixinStandardHelpOptions = true,
    description =
        "Relative losses that the multiplicative algorithm, the best of some seeds, and"
            + " alternating least squares without a penalty end at.",
    showDefaultValues = true)
public final class FinalLoss implements Callable<Integer> {
  @Option(names = "--variant", description = "dense, sparse, or the path of a matrix file.")
  private String variant = "dense";

  @Option(names = "--shape", description = "dxnxk; of a file only k is taken.")
  private String shape = "3072x5000x100";

  @Option(names = "--density", description = "Features' share of nonzeros.")
  private double density = 0.01;

  @Option(names = "--data-seed", description = "Seed of the planted data.")
  private long dataSeed;

  @Option(names = "--seeds", description = "Multiplicative fits, with seeds from 0 on.")
  private int seeds = 3;

  @Option(names = "--iterations", description = "Iterations of each multiplicative fit.")
  private int iterations = 2000;

  @Option(names = "--als-iterations", description = "Passes of alternating least squares.")
  private int alsIterations = 200;

  @Option(names = "--backend", description = "A backend's name.")
  private String backendName = "cpu";

  @Option(names = "--threads", description = "Threads that compute.")
  private int threads = 2;

  private FinalLoss() {}

  /** See {@code --help}. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new FinalLoss()).execute(arguments));
  }

  @Override
  public Integer call() {
    Shape size = Shape.of(shape);
    try (Backend backend = Backends.open(backendName, new BackendConfig(threads));
        Matrix activations = BenchmarkData.of(variant, size, dataSeed)) {
      Fits fits = new Fits(backend, activations, size.rank(), density);
      System.out.printf(
          "%s %s, k = %d, density %s, %s%n",
          variant, activations, size.rank(), density, backend.description());
      double best = Double.POSITIVE_INFINITY;
      for (int seed = 0; seed < seeds; seed++) {
        best = Math.min(best, report(fits, Solver.MULTIPLICATIVE, iterations, seed));
      }
      System.out.printf("multiplicative, best of %d: %.5f%n", seeds, best);
      double als = report(fits, Solver.ALS, alsIterations, 0);
      System.out.printf(
          "als / best multiplicative: %.4f, %s%n", als / best, als < best ? "lower" : "NOT lower");
    }
    return 0;
  }

  private static double report(Fits fits, Solver solver, int iterations, long seed) {
    Fits.Fit fit = fits.run(solver, iterations, seed);
    System.out.printf(
        "%s, %d iterations, seed %d: %.5f after %.1f s%n",
        solver, iterations, seed, fit.relativeLoss(), fit.seconds());
    return fit.relativeLoss();
  }
}
