package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.FitReport;
import org.snmf4j.ModelStatistics;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.cli.terminal.Progress;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "fit",
    description = "Decomposes activations A into sparse features Z and coefficients Y >= 0.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Writes one safetensors file with the tensors 'features' [neurons, rank] and 'coefficients'",
      "[rank, tokens] of the best iterate, and the facts of the fit as metadata; with --activations",
      "also the site, the layer and the language model. Ctrl-C ends the fit and leaves the output as",
      "it was.",
      "",
      "Examples:",
      "  snmf4j fit --input A.npy --rank 100 --output model.safetensors",
      "  snmf4j fit --activations activations --layer 3 --rank 100 --density 0.01 --seed 1 \\",
      "             --output model.safetensors --json"
    })
final class FitCommand implements Runnable {
  private final Session session;

  @Mixin private InputOptions input;
  @Mixin private FitOptions fit;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "MODEL.safetensors",
      description = "The model's file; replaced if it exists.")
  private Path output;

  @Mixin private JsonOption json;
  @Mixin private QuietOption quiet;
  @Spec private CommandSpec spec;

  FitCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    SnmfOptions.Builder options = options();
    Outputs.requireWritable(output);
    session.interrupt().guard(() -> fit(options));
  }

  private void fit(SnmfOptions.Builder options) {
    try (Input activations = input.open();
        Matrix coefficients = fit.openCoefficients();
        Progress progress = new Progress(session.console(), "fitting, iteration", quiet.quiet)) {
      options
          .initialization(fit.initialization(coefficients))
          .attributes(activations.attributes())
          .cancellation(session.interrupt()::requested)
          .progress(
              step ->
                  progress.update(
                      step.iteration(),
                      step.maxIterations(),
                      String.format(Locale.ROOT, "relative loss %.4f", step.relativeLoss())));
      try (SnmfModel model = Snmf.fit(activations.matrix(), options.build())) {
        model.save(output);
        progress.clear();
        print(model);
      }
    }
  }

  private SnmfOptions.Builder options() {
    try {
      return fit.toBuilder();
    } catch (InvalidArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void print(SnmfModel model) {
    if (json.json) {
      Json.print(session.console(), facts(model));
      return;
    }
    FitReport report = model.report();
    ModelStatistics statistics = model.statistics();
    session
        .console()
        .out()
        .printf(
            Locale.ROOT,
            "%d features of %d neurons (density %s), %d tokens%n"
                + "backend %s: %s%n"
                + "%d iterations in %.2f s (%s)%n"
                + "relative loss %.6f at iteration %d%n"
                + "%.1f features per token, mean largest correlation %.3f, %d dead features%n"
                + "wrote %s%n",
            model.rank(),
            model.neurons(),
            report.featureDensity(),
            model.tokens(),
            report.backend(),
            report.backendDescription(),
            report.iterations(),
            report.seconds(),
            lower(report.stopReason()),
            report.relativeLoss(),
            report.bestIteration(),
            statistics.coefficientsPerToken(),
            statistics.meanLargestCorrelation(),
            statistics.deadFeatures(),
            output);
  }

  private Map<String, Object> facts(SnmfModel model) {
    FitReport report = model.report();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("iterations", report.iterations());
    facts.put("best_iteration", report.bestIteration());
    facts.put("loss", report.loss());
    facts.put("relative_loss", report.relativeLoss());
    facts.put("losses", report.losses());
    facts.put("squared_norm", report.squaredNorm());
    facts.put("stop_reason", lower(report.stopReason()));
    facts.put("seconds", report.seconds());
    facts.put("backend", report.backend());
    facts.put("backend_description", report.backendDescription());
    facts.put("threads", report.threads());
    facts.put("peak_bytes", report.peakBytes());
    facts.put("solver", lower(report.solver()));
    facts.put("coefficient_penalty", report.coefficientPenalty());
    facts.put("precision", lower(report.precision()));
    facts.put("initialization", report.initialization());
    facts.put("rank", model.rank());
    facts.put("density", report.featureDensity());
    facts.put("neurons", model.neurons());
    facts.put("tokens", model.tokens());
    ModelStatistics statistics = model.statistics();
    facts.put("coefficients_per_token", statistics.coefficientsPerToken());
    facts.put("mean_largest_correlation", statistics.meanLargestCorrelation());
    facts.put("dead_features", statistics.deadFeatures());
    facts.put("mean_support_size", statistics.meanSupportSize());
    facts.put("seed", report.seed());
    facts.put("output", output.toString());
    return facts;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
