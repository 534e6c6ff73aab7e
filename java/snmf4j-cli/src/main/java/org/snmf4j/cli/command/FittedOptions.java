package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.snmf4j.SnmfModel;
import org.snmf4j.error.SnmfException;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.TopContexts;
import org.snmf4j.interpret.report.Report;
import org.snmf4j.interpret.report.ReportSource;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import picocli.CommandLine.Option;

/** A model together with the activations that it was fitted to. */
final class FittedOptions {
  // Far above what float32 sums differ by, far below how much two layers differ.
  private static final double SAME_NORM = 1e-4;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL.safetensors",
      description = "A model that 'snmf4j fit' wrote.")
  private Path model;

  @Option(
      names = "--activations",
      required = true,
      paramLabel = "DIR",
      description = "The activations that it was fitted to, as 'snmf4j extract' wrote them.")
  private Path activations;

  @Option(
      names = "--layer",
      paramLabel = "L",
      description = "Layer of --activations (default: the one that the model was fitted to).")
  private Integer layer;

  @Option(
      names = "--site",
      paramLabel = "SITE",
      converter = Converters.SiteName.class,
      description =
          "Site of --activations: mlp, mlp_out or residual (default: the one that the model was"
              + " fitted to).")
  private Site site;

  @Option(
      names = "--contexts",
      paramLabel = "N",
      description = "Strongest tokens per feature (default: ${DEFAULT-VALUE}).")
  private int contexts = ContextOptions.DEFAULT_CONTEXTS;

  @Option(
      names = "--window",
      paramLabel = "N",
      description = "Tokens shown on each side of a strongest one (default: ${DEFAULT-VALUE}).")
  private int window = ContextOptions.DEFAULT_WINDOW;

  @Option(
      names = "--neurons",
      paramLabel = "N",
      description = "Strongest neurons per feature (default: ${DEFAULT-VALUE}).")
  private int neurons = ContextOptions.DEFAULT_NEURONS;

  /**
   * @throws org.snmf4j.error.InvalidArgumentException where a number is below its limit
   */
  ContextOptions contextOptions() {
    return ContextOptions.defaults().withContexts(contexts).withWindow(window).withNeurons(neurons);
  }

  /** Reads the model against its activations. */
  Report report(ContextOptions options) {
    ActivationStore store = ActivationStore.open(activations);
    try (SnmfModel fitted = SnmfModel.load(model);
        ActivationSet set = find(store, fitted)) {
      TopContexts top = TopContexts.of(fitted, set, options);
      return Report.of(fitted, set, top, new ReportSource(store.model().file(), null));
    }
  }

  private ActivationSet find(ActivationStore store, SnmfModel fitted) {
    if (site != null && layer != null) {
      return store.load(site, layer);
    }
    Origin origin = Origin.of(fitted);
    if (origin == null) {
      return findByNorm(store, fitted);
    }
    if (!origin.model().equals(store.model().file())) {
      throw new SnmfException(
          "the model was fitted to activations of "
              + origin.model()
              + " but "
              + store.directory()
              + " holds those of "
              + store.model().file()
              + "; --site and --layer together take them all the same");
    }
    return store.load(site != null ? site : origin.site(), layer != null ? layer : origin.layer());
  }

  /** For models that do not say what they were fitted to: the norm of A gives it away. */
  private ActivationSet findByNorm(ActivationStore store, SnmfModel fitted) {
    List<Place> places = new ArrayList<>();
    for (Site candidate : store.sites()) {
      for (int number : store.layers(candidate)) {
        if ((site == null || site == candidate) && (layer == null || layer == number)) {
          places.add(new Place(candidate, number));
        }
      }
    }
    if (places.isEmpty()) {
      // The store's own message names what there is.
      Site wanted = site != null ? site : store.sites().get(0);
      return store.load(wanted, layer != null ? layer : -1);
    }
    if (places.size() == 1) {
      return store.load(places.get(0).site, places.get(0).layer);
    }
    List<Place> matching = places.stream().filter(place -> fits(store, place, fitted)).toList();
    if (matching.size() != 1) {
      throw new SnmfException(
          (matching.isEmpty() ? "none" : "more than one")
              + " of the activations in "
              + store.directory()
              + " ("
              + places.stream().map(Place::toString).collect(Collectors.joining(", "))
              + ") has the norm of those that the model was fitted to; choose with --site and"
              + " --layer");
    }
    return store.load(matching.get(0).site, matching.get(0).layer);
  }

  private static boolean fits(ActivationStore store, Place place, SnmfModel fitted) {
    try (ActivationSet set = store.load(place.site, place.layer)) {
      Matrix a = set.matrix();
      if (a.rows() != fitted.neurons() || a.columns() != fitted.tokens()) {
        return false;
      }
      double expected = fitted.report().squaredNorm();
      return Math.abs(squaredNorm(a.transpose()) - expected) <= SAME_NORM * expected;
    }
  }

  private static double squaredNorm(Matrix tokenMajor) {
    double[] row = new double[Math.toIntExact(tokenMajor.columns())];
    double sum = 0;
    for (long token = 0; token < tokenMajor.rows(); token++) {
      tokenMajor.readRow(token, 0, row, 0, row.length);
      for (double value : row) {
        sum += value * value;
      }
    }
    return sum;
  }

  private record Place(Site site, int layer) {
    @Override
    public String toString() {
      return site.id() + "." + layer;
    }
  }
}
