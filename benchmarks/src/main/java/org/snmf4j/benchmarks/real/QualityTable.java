package org.snmf4j.benchmarks.real;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.snmf4j.Initialization;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Compares the features of alternating least squares, over a range of penalties, with those of the
 * multiplicative algorithm's 200 iterations, and prints Markdown tables of means over the seeds.
 *
 * <p>The last column names what is not as good as with the multiplicative algorithm from a random
 * start, the paper's choice: a loss, a number of coefficients or a correlation that is higher, or a
 * purity that is lower by more than {@value #PURITY_MARGIN}. The fits themselves, one a line, go to
 * the standard error.
 */
@Command(
    name = "quality-table",
    description = "Compares loss and legibility on the stores that RealActivations writes.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
public final class QualityTable implements Callable<Integer> {
  private static final double PURITY_MARGIN = 0.01;

  /** The mean over seeds of one setting, by its name. */
  private record Row(String name, ModelQuality quality) {}

  @Option(names = "--data", paramLabel = "DIR", defaultValue = "benchmarks/target/real")
  private Path data;

  @Option(names = "--stores", paramLabel = "S", split = ",", defaultValue = "mixed,shipped")
  private List<String> stores;

  @Option(names = "--layers", paramLabel = "L", split = ",", defaultValue = "0,3,5")
  private List<Integer> layers;

  @Option(names = "--seeds", paramLabel = "S", split = ",", defaultValue = "0,1,2")
  private List<Long> seeds;

  @Option(
      names = "--penalties",
      paramLabel = "P",
      split = ",",
      defaultValue = "0,0.01,0.02,0.03,0.04,0.05,0.07,0.1",
      description = "Coefficient penalties of alternating least squares.")
  private List<Double> penalties;

  @Option(
      names = "--iterations",
      paramLabel = "N",
      defaultValue = "200",
      description = "Most iterations of alternating least squares.")
  private int iterations;

  @Option(
      names = "--k-means",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Whether to show the multiplicative algorithm's k-means start.")
  private boolean kMeans;

  @Option(names = "--rank", paramLabel = "K", defaultValue = "100")
  private int rank;

  @Option(names = "--density", paramLabel = "D", defaultValue = "0.01")
  private double density;

  @Option(names = "--threads", paramLabel = "N", defaultValue = "2")
  private int threads;

  /** The command. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new QualityTable()).execute(arguments));
  }

  @Override
  public Integer call() {
    try (Backend backend = Backends.open("cpu", new BackendConfig(threads))) {
      for (String name : stores) {
        ActivationStore store = ActivationStore.open(data.resolve(name));
        for (int layer : layers) {
          try (ActivationSet activations = store.load(Site.MLP, layer)) {
            print(name, activations, measure(name, activations, backend));
          }
        }
      }
    }
    return 0;
  }

  private Map<String, SnmfOptions.Builder> settings() {
    Map<String, SnmfOptions.Builder> settings = new LinkedHashMap<>();
    settings.put("multiplicative, random start", options(Solver.MULTIPLICATIVE).maxIterations(200));
    if (kMeans) {
      settings.put(
          "multiplicative, k-means start",
          options(Solver.MULTIPLICATIVE)
              .initialization(Initialization.kMeans())
              .maxIterations(200));
    }
    for (double penalty : penalties) {
      settings.put(
          String.format(Locale.ROOT, "ALS, penalty %s", penalty == 0 ? "0" : penalty),
          options(Solver.ALS).coefficientPenalty(penalty).maxIterations(iterations));
    }
    return settings;
  }

  private SnmfOptions.Builder options(Solver solver) {
    return SnmfOptions.builder(rank).featureDensity(density).solver(solver);
  }

  private List<Row> measure(String store, ActivationSet activations, Backend backend) {
    List<Row> rows = new ArrayList<>();
    settings()
        .forEach(
            (name, options) -> {
              List<ModelQuality> fits = new ArrayList<>();
              for (long seed : seeds) {
                SnmfOptions seeded = options.seed(seed).build();
                try (SnmfModel model = Snmf.fit(activations.matrix(), seeded, backend)) {
                  ModelQuality fit = ModelQuality.of(model, activations);
                  fits.add(fit);
                  System.err.printf(
                      "%s, layer %d, %s, seed %d: %s%n",
                      store, activations.layer(), name, seed, fit);
                }
              }
              rows.add(new Row(name, ModelQuality.mean(fits)));
            });
    return rows;
  }

  private void print(String store, ActivationSet activations, List<Row> rows) {
    // A purity among tokens of which most have no label says nothing.
    boolean labelled =
        activations.tokens().sentences().stream().allMatch(sentence -> sentence.label() != null);
    System.out.printf(
        Locale.ROOT,
        "%n%s, layer %d (%d × %d), k = %d, density %s, means of %d seeds%n%n",
        store,
        activations.layer(),
        activations.matrix().rows(),
        activations.matrix().columns(),
        rank,
        density,
        seeds.size());
    System.out.println(
        "| | relative loss | coefficients per token | correlation | token purity | label purity"
            + " | dead | iterations | seconds | worse in |");
    System.out.println("|---|---|---|---|---|---|---|---|---|---|");
    for (Row row : rows) {
      ModelQuality quality = row.quality();
      System.out.printf(
          Locale.ROOT,
          "| %s | %.4f | %.1f | %.3f | %.3f | %s | %.1f | %.0f | %.2f | %s |%n",
          row.name(),
          quality.relativeLoss(),
          quality.coefficientsPerToken(),
          quality.correlation(),
          quality.tokenPurity(),
          labelled ? String.format(Locale.ROOT, "%.3f", quality.labelPurity()) : "",
          quality.deadFeatures(),
          quality.iterations(),
          quality.seconds(),
          worse(quality, rows.get(0).quality(), labelled));
    }
  }

  private static String worse(ModelQuality quality, ModelQuality reference, boolean labelled) {
    List<String> worse = new ArrayList<>();
    if (quality.relativeLoss() > reference.relativeLoss()) {
      worse.add("loss");
    }
    if (quality.coefficientsPerToken() > reference.coefficientsPerToken()) {
      worse.add("coefficients");
    }
    if (quality.correlation() > reference.correlation()) {
      worse.add("correlation");
    }
    if (quality.tokenPurity() < reference.tokenPurity() - PURITY_MARGIN) {
      worse.add("token purity");
    }
    if (labelled && quality.labelPurity() < reference.labelPurity() - PURITY_MARGIN) {
      worse.add("label purity");
    }
    return String.join(", ", worse);
  }
}
