package org.snmf4j.cli.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.report.Report;
import org.snmf4j.interpret.report.ReportHtml;
import org.snmf4j.interpret.report.ReportJson;
import org.snmf4j.io.AtomicFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "contexts",
    description = "Shows what each feature fires on: its strongest tokens with the text around.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "The most legible features come first.",
      "",
      "Examples:",
      "  snmf4j contexts --model model.safetensors --activations activations --limit 10",
      "  snmf4j contexts --model model.safetensors --activations activations --json"
    })
final class ContextsCommand implements Runnable {
  private final Session session;

  @Mixin private FittedOptions fitted;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Print only the N most legible features (default: all).")
  private Integer limit;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description =
          "Also write them to a file: a page if its name ends in .html, JSON if in .json, text"
              + " otherwise. It holds all features.")
  private Path output;

  @Mixin private JsonOption json;
  @Spec private CommandSpec spec;

  ContextsCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    ContextOptions options = options();
    if (output != null) {
      Outputs.requireWritable(output);
    }
    Report report = fitted.report(options);
    if (output != null) {
      session.interrupt().guard(() -> write(report, options));
    }
    if (json.json) {
      printJson(report);
    } else {
      List<FeatureContexts> features = report.contexts().byLegibility();
      int shown = limit == null ? features.size() : Math.min(limit, features.size());
      session
          .console()
          .out()
          .print(text(features.subList(0, shown), options, session.console().colours()));
      if (output != null) {
        session.console().out().println("wrote " + output);
      }
      session.console().out().flush();
    }
  }

  private ContextOptions options() {
    try {
      if (limit != null && limit < 1) {
        throw new InvalidArgumentException("limit", limit, "at least 1");
      }
      return fitted.contextOptions();
    } catch (InvalidArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void write(Report report, ContextOptions options) {
    String name = output.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".html")) {
      ReportHtml.write(report, output);
    } else if (name.endsWith(".json")) {
      ReportJson.write(report, output);
    } else {
      AtomicFile.writeString(output, text(report.contexts().byLegibility(), options, false));
    }
  }

  private static String text(
      List<FeatureContexts> features, ContextOptions options, boolean colours) {
    FeaturePrinter printer =
        new FeaturePrinter(colours, options.contexts(), options.window(), options.neurons());
    StringBuilder text = new StringBuilder();
    for (FeatureContexts feature : features) {
      printer.print(feature, text);
      text.append(System.lineSeparator());
    }
    return text.toString();
  }

  private void printJson(Report report) {
    try {
      ReportJson.write(report, session.console().out());
      session.console().out().println();
      session.console().out().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
