package org.snmf4j.cli.command;

import java.nio.file.Path;
import org.snmf4j.onnx.ModelOptions;
import org.snmf4j.onnx.OnnxModel;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The causal language model to run. */
final class LanguageModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "M.onnx",
      description = "The causal language model; its external data, if any, lies beside it.")
  private Path model;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      description = "Longest sequence to run, for models whose graph has no table of positions.")
  private Integer contextLength;

  @Option(
      names = "--threads",
      paramLabel = "T",
      description = "Threads of ONNX Runtime; 0 leaves it the choice (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Mixin private ProviderOption provider;

  @Mixin private SiteTensorOptions siteTensors;

  /**
   * How to open the model.
   *
   * @throws org.snmf4j.error.InvalidArgumentException if an option is out of range
   */
  ModelOptions options() {
    ModelOptions.Builder builder = ModelOptions.builder().threads(threads);
    if (contextLength != null) {
      builder.contextLength(contextLength);
    }
    provider.addTo(builder);
    siteTensors.addTo(builder);
    return builder.build();
  }

  OnnxModel open() {
    return OnnxModel.open(model, options());
  }
}
