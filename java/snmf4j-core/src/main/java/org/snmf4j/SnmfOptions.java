package org.snmf4j;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Precision;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.solver.FitProgress;
import org.snmf4j.solver.Monitor;

/** Options of a fit. Immutable; made by {@link #builder(int)}. */
public final class SnmfOptions {
  /**
   * Default coefficient penalty of {@link Solver#ALS}: on activations of MiniLM's layers 0, 3 and
   * 5, about the smallest at which coefficients are sparser, features overlap less and their
   * contexts are as pure as those of 200 multiplicative iterations, at a lower loss.
   */
  public static final double DEFAULT_PENALTY = 0.016;

  private final int rank;
  private final double featureDensity;
  private final Solver solver;
  private final Initialization initialization;
  private final long seed;
  private final int maxIterations;
  private final int patience;
  private final double tolerance;
  private final double targetLoss;
  private final Duration timeLimit;
  private final double ridge;
  private final double coefficientPenalty;
  private final Precision precision;
  private final String backend;
  private final int threads;
  private final Map<String, String> attributes;
  private final Monitor monitor;

  private SnmfOptions(Builder builder) {
    rank = builder.rank;
    featureDensity = builder.featureDensity;
    solver = builder.solver;
    initialization =
        builder.initialization != null
            ? builder.initialization
            : solver == Solver.ALS ? Initialization.signSplit() : Initialization.random();
    seed = builder.seed;
    maxIterations = builder.maxIterations;
    patience = builder.patience;
    tolerance = builder.tolerance;
    targetLoss = builder.targetLoss;
    timeLimit = builder.timeLimit;
    ridge = builder.ridge;
    coefficientPenalty =
        builder.coefficientPenalty >= 0
            ? builder.coefficientPenalty
            : solver == Solver.ALS ? DEFAULT_PENALTY : 0;
    precision = builder.precision;
    backend = builder.backend;
    threads = builder.threads;
    attributes = builder.attributes;
    monitor = new Monitor(builder.progress, builder.cancelled);
  }

  /**
   * Starts from the defaults.
   *
   * @param rank k, the number of features; at least 1, at most min(d, n) of the data
   */
  public static Builder builder(int rank) {
    return new Builder(rank);
  }

  /** k, the number of features. */
  public int rank() {
    return rank;
  }

  /** Share of a feature's d entries that may be nonzero, in (0, 1]. */
  public double featureDensity() {
    return featureDensity;
  }

  /** The algorithm. */
  public Solver solver() {
    return solver;
  }

  /** Where the fit starts. */
  public Initialization initialization() {
    return initialization;
  }

  /** Seed of all random choices. */
  public long seed() {
    return seed;
  }

  /** Iterations after which the fit stops at the latest. */
  public int maxIterations() {
    return maxIterations;
  }

  /** Iterations without improvement after which the fit stops. */
  public int patience() {
    return patience;
  }

  /** Relative decrease of the loss that counts as improvement. */
  public double tolerance() {
    return tolerance;
  }

  /** Relative loss at or below which the fit stops. */
  public OptionalDouble targetLoss() {
    return Double.isNaN(targetLoss) ? OptionalDouble.empty() : OptionalDouble.of(targetLoss);
  }

  /** Wall time after which the fit stops. */
  public Optional<Duration> timeLimit() {
    return Optional.ofNullable(timeLimit);
  }

  /** ρ of the least squares for the features. */
  public double ridge() {
    return ridge;
  }

  /** Weight of the coefficients' sum, as a fraction of the root mean square token norm. */
  public double coefficientPenalty() {
    return coefficientPenalty;
  }

  /** How the backend stores the activations. */
  public Precision precision() {
    return precision;
  }

  /** A backend's name, or {@code "auto"}. */
  public String backend() {
    return backend;
  }

  /** Host threads that compute. */
  public int threads() {
    return threads;
  }

  /** What the model is to say about its activations, by name; immutable, sorted. */
  public Map<String, String> attributes() {
    return attributes;
  }

  Monitor monitor() {
    return monitor;
  }

  /**
   * Most nonzeros of a feature, ⌈density · d⌉.
   *
   * @param neurons d
   */
  public int supportSize(int neurons) {
    // 0.07 * 100 is 7.000000000000001 in floating point; that must not become 8.
    return (int) Math.min(neurons, Math.max(1, Math.ceil(featureDensity * neurons - 1e-9)));
  }

  /** Collects options; each setter checks its argument. Not safe for use by several threads. */
  public static final class Builder {
    private final int rank;
    private double featureDensity = 0.01;
    private Solver solver = Solver.ALS;
    private Initialization initialization;
    private long seed;
    private int maxIterations = 200;
    private int patience = 100;
    private double tolerance = 1e-6;
    private double targetLoss = Double.NaN;
    private Duration timeLimit;
    private double ridge = 1e-6;
    private double coefficientPenalty = -1;
    private Precision precision = Precision.FP32;
    private String backend = Backends.AUTO;
    private int threads = BackendConfig.defaults().threads();
    private Map<String, String> attributes = Map.of();
    private Consumer<FitProgress> progress = Monitor.NONE.progress();
    private BooleanSupplier cancelled = Monitor.NONE.cancelled();

    private Builder(int rank) {
      if (rank < 1) {
        throw new InvalidArgumentException("rank", rank, "at least 1");
      }
      this.rank = rank;
    }

    /** Share of a feature's entries that may be nonzero, in (0, 1]; default 0.01. */
    public Builder featureDensity(double featureDensity) {
      if (!(featureDensity > 0 && featureDensity <= 1)) {
        throw new InvalidArgumentException(
            "feature density", featureDensity, "above 0 and at most 1");
      }
      this.featureDensity = featureDensity;
      return this;
    }

    /** The algorithm; default {@link Solver#ALS}. */
    public Builder solver(Solver solver) {
      this.solver = Objects.requireNonNull(solver, "solver");
      return this;
    }

    /**
     * The start; default {@link Initialization#signSplit()}, for {@link Solver#MULTIPLICATIVE}
     * {@link Initialization#random()}.
     */
    public Builder initialization(Initialization initialization) {
      this.initialization = Objects.requireNonNull(initialization, "initialization");
      return this;
    }

    /** Makes random choices reproducible; default 0. */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /** At least 1; default 200. */
    public Builder maxIterations(int maxIterations) {
      if (maxIterations < 1) {
        throw new InvalidArgumentException("max iterations", maxIterations, "at least 1");
      }
      this.maxIterations = maxIterations;
      return this;
    }

    /** Iterations without improvement before stopping; at least 1; default 100. */
    public Builder patience(int patience) {
      if (patience < 1) {
        throw new InvalidArgumentException("patience", patience, "at least 1");
      }
      this.patience = patience;
      return this;
    }

    /** Relative decrease of the loss that counts as improvement, in [0, 1); default 1e-6. */
    public Builder tolerance(double tolerance) {
      if (!(tolerance >= 0 && tolerance < 1)) {
        throw new InvalidArgumentException("tolerance", tolerance, "at least 0 and below 1");
      }
      this.tolerance = tolerance;
      return this;
    }

    /**
     * Relative loss ‖A − ZY‖² / ‖A‖² at or below which the fit stops, above 0 and below 1; default
     * none. Only iterations over all tokens count, not those of {@link Solver#ALS} on a sample.
     */
    public Builder targetLoss(double targetLoss) {
      if (!(targetLoss > 0 && targetLoss < 1)) {
        throw new InvalidArgumentException("target loss", targetLoss, "above 0 and below 1");
      }
      this.targetLoss = targetLoss;
      return this;
    }

    /**
     * Wall time, packing and initialization included, after which the fit stops at the end of the
     * running iteration and returns its best iterate; positive; default none. At least one
     * iteration over all tokens is done, {@link Solver#ALS} leaving its first phase for it, so that
     * the model is whole, if early. A start is not cut short.
     */
    public Builder timeLimit(Duration timeLimit) {
      Objects.requireNonNull(timeLimit, "time limit");
      if (timeLimit.isZero() || timeLimit.isNegative()) {
        throw new InvalidArgumentException("time limit", timeLimit, "positive");
      }
      this.timeLimit = timeLimit;
      return this;
    }

    /** ρ of the least squares for the features; positive; default 1e-6. */
    public Builder ridge(double ridge) {
      if (!(ridge > 0) || Double.isInfinite(ridge)) {
        throw new InvalidArgumentException("ridge", ridge, "positive and finite");
      }
      this.ridge = ridge;
      return this;
    }

    /**
     * Makes coefficients sparser and features overlap less, for some loss: the weight of Σ_j
     * ‖z_j‖‖y_j‖₁ beside ½‖A − ZY‖², as a fraction of the root mean square token norm. Finite, at
     * least 0; default {@value SnmfOptions#DEFAULT_PENALTY} for {@link Solver#ALS} and 0 for {@link
     * Solver#MULTIPLICATIVE}, which takes none.
     */
    public Builder coefficientPenalty(double coefficientPenalty) {
      if (!(coefficientPenalty >= 0) || Double.isInfinite(coefficientPenalty)) {
        throw new InvalidArgumentException(
            "coefficient penalty", coefficientPenalty, "finite and not negative");
      }
      this.coefficientPenalty = coefficientPenalty;
      return this;
    }

    /**
     * How the backend stores the activations while it fits; default {@link Precision#FP32}. The
     * 16-bit ones need half the memory and are faster where reading A takes most of the time; the
     * loss is then that of the rounded activations. Products are computed in float32 or float64 all
     * the same. {@link Precision#FP16} refuses magnitudes beyond 65504.
     */
    public Builder precision(Precision precision) {
      this.precision = Objects.requireNonNull(precision, "precision");
      return this;
    }

    /** A backend's name to force it, or {@code "auto"}, the default. */
    public Builder backend(String backend) {
      this.backend = Objects.requireNonNull(backend, "backend");
      return this;
    }

    /** Host threads that compute, at least 1; default: the JVM's processors. */
    public Builder threads(int threads) {
      this.threads = new BackendConfig(threads).threads();
      return this;
    }

    /**
     * Notes about the activations that the model keeps and saves, see {@link
     * SnmfModel#attributes()}; default none. They do not influence the fit.
     *
     * @param attributes at most 64 texts of 1 to 4096 characters by names of 1 to 64 characters of
     *     a-z, 0-9 and _, the first a letter; copied
     */
    public Builder attributes(Map<String, String> attributes) {
      this.attributes = Attributes.checked(Objects.requireNonNull(attributes, "attributes"));
      return this;
    }

    /** Told after every iteration, on the fitting thread; must be quick. */
    public Builder progress(Consumer<FitProgress> progress) {
      this.progress = Objects.requireNonNull(progress, "progress");
      return this;
    }

    /**
     * Asked before every iteration and every step of a start, on the fitting thread; true ends the
     * fit with a CancelledException. Interrupting the thread does not: ask {@link
     * Thread#isInterrupted()} here if it should.
     */
    public Builder cancellation(BooleanSupplier cancelled) {
      this.cancelled = Objects.requireNonNull(cancelled, "cancellation");
      return this;
    }

    /**
     * The options as they stand; the builder may be used on.
     *
     * @throws InvalidArgumentException if a penalty is given to a solver that takes none
     */
    public SnmfOptions build() {
      if (coefficientPenalty > 0 && solver != Solver.ALS) {
        throw new InvalidArgumentException(
            "coefficient penalty", coefficientPenalty, "0 for the solver " + solver);
      }
      return new SnmfOptions(this);
    }
  }
}
