package org.snmf4j.benchmarks.real;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.snmf4j.FitReport;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times the multiplicative algorithm's 200 iterations from a random start, and alternating least
 * squares without a penalty until all tokens are fitted at least as well; in turns, packing and
 * initialization included. Prints a Markdown table of medians.
 */
@Command(
    name = "time-to-target",
    description = "Times fits on the stores that RealActivations writes.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
public final class TimeToTarget implements Callable<Integer> {
  private static final int ITERATIONS = 200;

  /** More than any fit needs to get there; one that does not is reported as such. */
  private static final int ALS_ITERATIONS = 1000;

  @Option(names = "--data", paramLabel = "DIR", defaultValue = "benchmarks/target/real")
  private Path data;

  @Option(names = "--store", paramLabel = "S", defaultValue = "mixed")
  private String store;

  @Option(names = "--layers", paramLabel = "L", split = ",", defaultValue = "0,3,5")
  private List<Integer> layers;

  @Option(names = "--rounds", paramLabel = "N", defaultValue = "5")
  private int rounds;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "0")
  private long seed;

  @Option(names = "--rank", paramLabel = "K", defaultValue = "100")
  private int rank;

  @Option(names = "--density", paramLabel = "D", defaultValue = "0.01")
  private double density;

  @Option(names = "--threads", paramLabel = "N", defaultValue = "2")
  private int threads;

  /** The command. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new TimeToTarget()).execute(arguments));
  }

  @Override
  public Integer call() {
    ActivationStore activations = ActivationStore.open(data.resolve(store));
    System.out.println(
        "| layer | multiplicative, "
            + ITERATIONS
            + " iterations, s | relative loss | ALS to the same loss, s | least – most | ratio |");
    System.out.println("|---|---|---|---|---|---|");
    try (Backend backend = Backends.open("cpu", new BackendConfig(threads))) {
      for (int layer : layers) {
        // Copied: a mapped file that the system drops from its cache would be read from the disk.
        try (ActivationSet set = activations.load(Site.MLP, layer);
            Matrix rows = set.matrix().transpose();
            Matrix copy = rows.copy(rows.type())) {
          measure(layer, copy.transpose(), backend);
        }
      }
    }
    return 0;
  }

  private void measure(int layer, Matrix a, Backend backend) {
    double[] multiplicative = new double[rounds];
    double[] als = new double[rounds];
    // Warms the code and finds the target.
    FitReport reference = multiplicative(a, backend);
    alsToTarget(a, reference, backend);
    for (int round = 0; round < rounds; round++) {
      multiplicative[round] = multiplicative(a, backend).seconds();
      als[round] = alsToTarget(a, reference, backend);
      System.err.printf(
          "layer %d: multiplicative %.3f s, als %.3f s%n",
          layer, multiplicative[round], als[round]);
    }
    Arrays.sort(multiplicative);
    Arrays.sort(als);
    System.out.printf(
        Locale.ROOT,
        "| %d | %.2f | %.4f | %.3f | %.3f – %.3f | %.1f |%n",
        layer,
        median(multiplicative),
        reference.relativeLoss(),
        median(als),
        als[0],
        als[rounds - 1],
        median(multiplicative) / median(als));
  }

  private SnmfOptions.Builder options(Solver solver) {
    return SnmfOptions.builder(rank)
        .featureDensity(density)
        .solver(solver)
        .seed(seed)
        .coefficientPenalty(0)
        .tolerance(0)
        .patience(Integer.MAX_VALUE);
  }

  private FitReport multiplicative(Matrix a, Backend backend) {
    SnmfOptions options = options(Solver.MULTIPLICATIVE).maxIterations(ITERATIONS).build();
    try (SnmfModel model = Snmf.fit(a, options, backend)) {
      return model.report();
    }
  }

  /** Seconds until the loss of all tokens is at most the reference's. */
  private double alsToTarget(Matrix a, FitReport reference, Backend backend) {
    SnmfOptions options =
        options(Solver.ALS)
            .maxIterations(ALS_ITERATIONS)
            .targetLoss(reference.relativeLoss())
            .build();
    try (SnmfModel model = Snmf.fit(a, options, backend)) {
      if (model.report().relativeLoss() > reference.relativeLoss()) {
        throw new IllegalStateException(
            "als ended at "
                + model.report().relativeLoss()
                + ", above "
                + reference.relativeLoss());
      }
      return model.report().seconds();
    }
  }

  private static double median(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
