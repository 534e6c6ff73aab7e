package org.snmf4j.cli.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.cli.demo.DemoData;
import org.snmf4j.cli.demo.DemoModel;
import org.snmf4j.cli.terminal.Progress;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.contexts.TopContexts;
import org.snmf4j.interpret.report.Report;
import org.snmf4j.interpret.report.ReportHtml;
import org.snmf4j.interpret.report.ReportSource;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "demo",
    description = "Decomposes a layer of all-minilm-l6-v2 and shows its most legible features.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Everything it writes lies in the output directory: the data set, the model, the activations,",
      "the factors and the report. The seed is fixed, so a machine repeats its result.",
      "",
      "Example:",
      "  snmf4j demo --output demo"
    })
final class DemoCommand implements Runnable {
  private static final int LAYER = 3;
  private static final int RANK = 100;
  private static final double DENSITY = 0.01;
  private static final double PENALTY = 0.05;
  private static final long SEED = 4;
  private static final int SHOWN_FEATURES = 10;
  private static final int SHOWN_CONTEXTS = 5;
  private static final int SHOWN_WINDOW = 8;
  private static final int SHOWN_NEURONS = 5;

  private final Session session;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      defaultValue = "demo",
      description = "Directory to write to (default: ${DEFAULT-VALUE}).")
  private Path output;

  @Option(
      names = "--iterations",
      paramLabel = "N",
      description = "Most iterations of the fit (default: ${DEFAULT-VALUE}).")
  private int iterations = SnmfOptions.builder(RANK).build().maxIterations();

  @Mixin private BackendOptions backend;
  @Mixin private QuietOption quiet;

  @Spec private CommandSpec spec;

  DemoCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    SnmfOptions.Builder options = options();
    session.interrupt().guard(() -> demo(options));
  }

  private SnmfOptions.Builder options() {
    try {
      return SnmfOptions.builder(RANK)
          .featureDensity(DENSITY)
          // More than the default: half as many features fire at a token.
          .coefficientPenalty(PENALTY)
          .seed(SEED)
          .maxIterations(iterations)
          .backend(backend.backend)
          .threads(backend.threads);
    } catch (InvalidArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void demo(SnmfOptions.Builder options) {
    long begin = System.nanoTime();
    try {
      Files.createDirectories(output);
    } catch (IOException e) {
      throw new FileAccessException("write", output, e);
    }
    Path data = DemoData.write(output);
    DemoModel minilm = timed("model unpacked", () -> DemoModel.unpack(output.resolve("minilm")));
    DataSet sentences = DataSet.read(data);
    ActivationStore store =
        timed(
            "activations of "
                + sentences.size()
                + " sentences extracted (layer "
                + LAYER
                + ", site mlp)",
            () -> extract(minilm, sentences));
    try (ActivationSet activations = store.load(Site.MLP, LAYER);
        SnmfModel model =
            timed(
                activations.matrix().rows()
                    + " neurons x "
                    + activations.matrix().columns()
                    + " tokens factorized",
                () -> fit(store, activations, options))) {
      Report report = timed("features read", () -> interpret(model, activations, data));
      Path modelFile = output.resolve("model.safetensors");
      Path page = output.resolve("report.html");
      timed(
          "model and report written",
          () -> {
            model.save(modelFile);
            ReportHtml.write(report, page);
            return null;
          });
      printFacts(model);
      printFeatures(report.contexts().byLegibility());
      PrintStream out = session.console().out();
      out.printf(Locale.ROOT, "total %.1f s%n", (System.nanoTime() - begin) * 1e-9);
      out.println("the model:   " + modelFile);
      out.println("the report:  " + page.toAbsolutePath().toUri());
      out.flush();
    }
  }

  private ActivationStore extract(DemoModel minilm, DataSet sentences) {
    try (OnnxModel model = OnnxModel.open(minilm.model());
        TextTokenizer tokenizer = TextTokenizer.open(minilm.tokenizer());
        Progress progress = new Progress(session.console(), "extracting, sentence", quiet.quiet)) {
      return Extractor.builder(model)
          .text(sentences, tokenizer)
          .layers(List.of(LAYER))
          .cancellation(session.interrupt()::requested)
          .listener((done, total) -> progress.update(done, total, ""))
          .build()
          .extractTo(output.resolve("activations"));
    }
  }

  private SnmfModel fit(
      ActivationStore store, ActivationSet activations, SnmfOptions.Builder options) {
    try (Progress progress = new Progress(session.console(), "fitting, iteration", quiet.quiet)) {
      return Snmf.fit(
          activations.matrix(),
          options
              .attributes(Origin.of(store, activations).attributes())
              .cancellation(session.interrupt()::requested)
              .progress(step -> progress.update(step.iteration(), step.maxIterations(), ""))
              .build());
    }
  }

  private static Report interpret(SnmfModel model, ActivationSet activations, Path data) {
    return Report.of(
        model,
        activations,
        TopContexts.of(model, activations, ContextOptions.defaults()),
        new ReportSource("all-minilm-l6-v2", data.getFileName().toString()));
  }

  /** Does a step and says how long it took. */
  private <T> T timed(String what, Supplier<T> step) {
    long begin = System.nanoTime();
    T result = step.get();
    session
        .console()
        .out()
        .printf(Locale.ROOT, "%6.1f s  %s%n", (System.nanoTime() - begin) * 1e-9, what);
    session.console().out().flush();
    return result;
  }

  private void printFacts(SnmfModel model) {
    session
        .console()
        .out()
        .printf(
            Locale.ROOT,
            "%n%d features, density %s, backend %s (%s)%n%d iterations, relative loss %.4f%n%n",
            model.rank(),
            DENSITY,
            model.report().backend(),
            model.report().backendDescription(),
            model.report().iterations(),
            model.report().relativeLoss());
  }

  private void printFeatures(List<FeatureContexts> features) {
    FeaturePrinter printer =
        new FeaturePrinter(
            session.console().colours(), SHOWN_CONTEXTS, SHOWN_WINDOW, SHOWN_NEURONS);
    StringBuilder text = new StringBuilder("The most legible features:\n\n");
    for (FeatureContexts feature : features.subList(0, Math.min(SHOWN_FEATURES, RANK))) {
      printer.print(feature, text);
      text.append(System.lineSeparator());
    }
    session.console().out().print(text);
  }
}
