package org.snmf4j.cli.command;

import java.time.Duration;
import org.snmf4j.Initialization;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Precision;
import org.snmf4j.io.MatrixFile;
import org.snmf4j.matrix.Matrix;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The library's fit options as words; defaults are the library's own. */
final class FitOptions {
  private static final SnmfOptions DEFAULTS = SnmfOptions.builder(1).build();

  @Option(
      names = "--rank",
      required = true,
      paramLabel = "K",
      description = "Number of features; at most the smaller side of the activations.")
  private int rank;

  @Option(
      names = "--density",
      paramLabel = "SHARE",
      description =
          "Share of a feature's neurons that may be nonzero, above 0 and at most 1 (default:"
              + " ${DEFAULT-VALUE}).")
  private double density = DEFAULTS.featureDensity();

  @Option(
      names = "--solver",
      paramLabel = "NAME",
      description = "Algorithm: als, or multiplicative, the paper's (default: als).")
  private Solver solver = DEFAULTS.solver();

  @Option(
      names = "--coefficient-penalty",
      paramLabel = "P",
      description =
          "With als: weight of the coefficients' sum, as a fraction of the root mean square token"
              + " norm; 0 for the lowest loss, 0.05 for coefficients several times sparser (default:"
              + " "
              + SnmfOptions.DEFAULT_PENALTY
              + ").")
  private Double coefficientPenalty;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      description =
          "How the activations are held in memory: fp32, fp16 or bf16 (default: ${DEFAULT-VALUE})."
              + " The latter two take half of it; fp16 ends at 65504.")
  private Precision precision = DEFAULTS.precision();

  @ArgGroup(exclusive = true)
  private Start start = new Start();

  private static final class Start {
    @Option(
        names = "--init",
        paramLabel = "NAME",
        description =
            "Start of the coefficients: signsplit, random, svd or kmeans (default: signsplit, with"
                + " multiplicative random).")
    private Named named;

    @Option(
        names = "--init-coefficients",
        paramLabel = "Y0.npy",
        description =
            "Start from these coefficients [rank, tokens], non-negative; or"
                + " FILE.safetensors:TENSOR.")
    private String coefficients;
  }

  private enum Named {
    RANDOM,
    SVD,
    KMEANS,
    SIGNSPLIT
  }

  @Option(
      names = "--iterations",
      paramLabel = "N",
      description = "Most iterations (default: ${DEFAULT-VALUE}).")
  private int iterations = DEFAULTS.maxIterations();

  @Option(
      names = "--patience",
      paramLabel = "P",
      description =
          "Stop after so many iterations without improvement (default: ${DEFAULT-VALUE}).")
  private int patience = DEFAULTS.patience();

  @Option(
      names = "--tolerance",
      paramLabel = "T",
      description =
          "Relative decrease of the loss that counts as improvement (default: ${DEFAULT-VALUE}).")
  private double tolerance = DEFAULTS.tolerance();

  @Option(
      names = "--target-loss",
      paramLabel = "L",
      description =
          "Stop once the relative loss is at or below this, above 0 and below 1 (default: none).")
  private Double targetLoss;

  @Option(
      names = "--time-limit",
      paramLabel = "TIME",
      converter = Converters.TimeSpan.class,
      description =
          "Stop after the iteration in which this time has passed, in seconds or as in 90s, 5m or"
              + " 1h30m, and keep the best iterate (default: none).")
  private Duration timeLimit;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Seed of all random choices (default: ${DEFAULT-VALUE}).")
  private long seed = DEFAULTS.seed();

  @Mixin private BackendOptions backend;

  /**
   * The options so far.
   *
   * @throws org.snmf4j.error.InvalidArgumentException where a value lies outside its limits
   */
  SnmfOptions.Builder toBuilder() {
    SnmfOptions.Builder builder =
        SnmfOptions.builder(rank)
            .featureDensity(density)
            .solver(solver)
            .precision(precision)
            .maxIterations(iterations)
            .patience(patience)
            .tolerance(tolerance)
            .seed(seed)
            .threads(backend.threads)
            .backend(backend.backend);
    if (coefficientPenalty != null) {
      builder.coefficientPenalty(coefficientPenalty);
    }
    if (targetLoss != null) {
      builder.targetLoss(targetLoss);
    }
    if (timeLimit != null) {
      builder.timeLimit(timeLimit);
    }
    // Values that do not go together are a mistake on the command line, too.
    builder.build();
    return builder;
  }

  /** The given start, which the caller closes after the fit; null if it is a named one. */
  Matrix openCoefficients() {
    return start.coefficients == null ? null : MatrixFile.open(start.coefficients);
  }

  /**
   * @param coefficients what {@link #openCoefficients()} gave
   */
  Initialization initialization(Matrix coefficients) {
    if (coefficients != null) {
      return Initialization.coefficients(coefficients);
    }
    if (start.named == null) {
      return solver == Solver.ALS ? Initialization.signSplit() : Initialization.random();
    }
    return switch (start.named) {
      case RANDOM -> Initialization.random();
      case SVD -> Initialization.svd();
      case KMEANS -> Initialization.kMeans();
      case SIGNSPLIT -> Initialization.signSplit();
    };
  }
}
