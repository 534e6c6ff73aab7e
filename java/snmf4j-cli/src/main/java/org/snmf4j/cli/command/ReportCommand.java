package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.report.Report;
import org.snmf4j.interpret.report.ReportHtml;
import org.snmf4j.interpret.report.ReportJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "report",
    description = "Writes a page about a model's features that any browser shows, offline too.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Example:",
      "  snmf4j report --model model.safetensors --activations activations --output report.html"
    })
final class ReportCommand implements Runnable {
  private final Session session;

  @Mixin private FittedOptions fitted;

  @Option(
      names = "--output",
      paramLabel = "REPORT.html",
      defaultValue = "report.html",
      description = "The page's file; replaced if it exists (default: ${DEFAULT-VALUE}).")
  private Path output;

  @Option(
      names = "--json-output",
      paramLabel = "REPORT.json",
      description = "Also write the same report as JSON to this file.")
  private Path jsonOutput;

  @Mixin private JsonOption json;
  @Spec private CommandSpec spec;

  ReportCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    ContextOptions options = options();
    Outputs.requireWritable(output);
    if (jsonOutput != null) {
      Outputs.requireWritable(jsonOutput);
    }
    Report report = fitted.report(options);
    session.interrupt().guard(() -> write(report));
    if (json.json) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("site", report.site());
      facts.put("layer", report.layer());
      facts.put("rank", report.rank());
      facts.put("neurons", report.neurons());
      facts.put("tokens", report.tokens());
      facts.put("output", output.toString());
      facts.put("json_output", jsonOutput == null ? null : jsonOutput.toString());
      Json.print(session.console(), facts);
    } else {
      session.console().out().println("wrote " + output);
      if (jsonOutput != null) {
        session.console().out().println("wrote " + jsonOutput);
      }
      session.console().out().flush();
    }
  }

  private void write(Report report) {
    ReportHtml.write(report, output);
    if (jsonOutput != null) {
      ReportJson.write(report, jsonOutput);
    }
  }

  private ContextOptions options() {
    try {
      return fitted.contextOptions();
    } catch (InvalidArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
