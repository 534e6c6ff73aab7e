package org.snmf4j.cli.command;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.ModelOptions;
import org.snmf4j.onnx.activations.Site;
import picocli.CommandLine.Option;

/** Tensors named by hand, for models whose sites cannot be found. */
final class SiteTensorOptions {
  private static final Pattern FORM = Pattern.compile("([a-z_]+):([0-9]{1,9})=(.+)");

  @Option(
      names = "--site-tensor",
      paramLabel = "SITE:L=TENSOR",
      description =
          "The tensor of a site of layer L, by its name in the graph, where it cannot be found or"
              + " another is wanted; for instance mlp:3=/layers.3/act/Mul_output_0. Repeatable.")
  private List<String> tensors = List.of();

  /**
   * Adds the named tensors to {@code builder}.
   *
   * @throws InvalidArgumentException if one of them is not of the form above
   */
  void addTo(ModelOptions.Builder builder) {
    for (String tensor : tensors) {
      Matcher parts = FORM.matcher(tensor);
      if (!parts.matches()) {
        throw new InvalidArgumentException(
            "--site-tensor", tensor, "SITE:LAYER=TENSOR, for instance mlp:3=name");
      }
      builder.siteTensor(Site.of(parts.group(1)), Integer.parseInt(parts.group(2)), parts.group(3));
    }
  }
}
