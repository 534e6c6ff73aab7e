package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.SnmfModel;
import org.snmf4j.backend.Backend;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "encode",
    description = "Finds the coefficients of new tokens under a model's features.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Solves the non-negative least squares min |A - ZY|, Y >= 0, with the features Z fixed, and",
      "writes Y [rank, tokens] as float32.",
      "",
      "Examples:",
      "  snmf4j encode --model model.safetensors --input A.npy --output Y.npy",
      "  snmf4j encode --model model.safetensors --activations new --layer 3 --output Y.npy"
    })
final class EncodeCommand implements Runnable {
  private final Session session;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL.safetensors",
      description = "A model that 'snmf4j fit' wrote.")
  private Path model;

  @Mixin private InputOptions input;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "Y.npy",
      description = "The coefficients' file; replaced if it exists.")
  private Path output;

  @Mixin private BackendOptions backend;
  @Mixin private JsonOption json;
  @Spec private CommandSpec spec;

  EncodeCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    try {
      backend.config();
    } catch (InvalidArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    Outputs.requireWritable(output);
    long begin = System.nanoTime();
    try (SnmfModel features = SnmfModel.load(model);
        Input activations = input.open();
        Backend open = backend.open();
        Matrix coefficients = features.encode(activations.matrix(), open)) {
      write(coefficients);
      print(coefficients, open.name(), (System.nanoTime() - begin) * 1e-9);
    }
  }

  private void write(Matrix coefficients) {
    // An interrupt then waits for the file rather than leaving half of it beside the target.
    session
        .interrupt()
        .guard(
            () -> {
              if (coefficients.type() == ElementType.FLOAT32) {
                NpyFile.write(output, coefficients);
              } else {
                try (Matrix rounded = coefficients.copy(ElementType.FLOAT32)) {
                  NpyFile.write(output, rounded);
                }
              }
            });
  }

  private void print(Matrix coefficients, String backendName, double seconds) {
    if (json.json) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("rank", coefficients.rows());
      facts.put("tokens", coefficients.columns());
      facts.put("backend", backendName);
      facts.put("seconds", seconds);
      facts.put("output", output.toString());
      Json.print(session.console(), facts);
    } else {
      session
          .console()
          .out()
          .printf(
              Locale.ROOT,
              "%d coefficients of each of %d tokens in %.2f s (backend %s)%nwrote %s%n",
              coefficients.rows(),
              coefficients.columns(),
              seconds,
              backendName,
              output);
    }
  }
}
