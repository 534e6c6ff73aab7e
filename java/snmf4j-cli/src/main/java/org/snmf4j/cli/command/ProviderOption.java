package org.snmf4j.cli.command;

import org.snmf4j.onnx.ModelOptions;
import org.snmf4j.onnx.runtime.ExecutionProvider;
import picocli.CommandLine.Option;

/** What ONNX Runtime computes on. */
final class ProviderOption {
  @Option(
      names = "--provider",
      paramLabel = "NAME",
      converter = Converters.ProviderName.class,
      description =
          "What ONNX Runtime computes on: cpu, cuda (needs onnxruntime_gpu on the class path), or"
              + " auto: cuda where it works, otherwise cpu (default: auto).")
  private ExecutionProvider provider;

  /** Adds the provider, if one was named, to {@code builder}. */
  void addTo(ModelOptions.Builder builder) {
    if (provider != null) {
      builder.provider(provider);
    }
  }
}
