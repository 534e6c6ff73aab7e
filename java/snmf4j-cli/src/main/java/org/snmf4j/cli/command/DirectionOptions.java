package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.List;
import org.snmf4j.SnmfModel;
import org.snmf4j.causal.Direction;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.NpyFile;
import org.snmf4j.onnx.activations.Site;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** A direction in a model's activations, and where it applies. */
final class DirectionOptions {
  @ArgGroup(exclusive = true, multiplicity = "1")
  private Source source;

  @Option(
      names = "--layer",
      split = ",",
      paramLabel = "L",
      description =
          "Layers, counted from 0 (default: the one that the feature's activations came from).")
  private List<Integer> layers;

  @Option(
      names = "--site",
      paramLabel = "SITE",
      converter = Converters.SiteName.class,
      description =
          "mlp, mlp_out or residual (default: the site that the feature's activations came from,"
              + " or mlp).")
  private Site site;

  private static final class Source {
    @Option(
        names = "--feature",
        required = true,
        paramLabel = "MODEL.safetensors:J",
        description = "Feature J, counted from 0, of a model that 'snmf4j fit' wrote; unit length.")
    private String feature;

    @Option(
        names = "--vector",
        required = true,
        paramLabel = "v.npy",
        description = "A vector, one value per neuron of the site, taken as it is.")
    private Path vector;
  }

  /**
   * A direction with its layers.
   *
   * @param layers 0-based, at least one
   */
  record Placed(Direction direction, int[] layers) {}

  Placed read() {
    return source.vector != null ? vector() : feature();
  }

  private Placed vector() {
    float[] values = NpyFile.readVector(source.vector);
    String name = String.valueOf(source.vector.getFileName());
    return new Placed(Direction.of(name, site == null ? Site.MLP : site, values), layers(null));
  }

  private Placed feature() {
    int colon = source.feature.lastIndexOf(':');
    String number = source.feature.substring(colon + 1);
    if (colon < 1 || !number.matches("[0-9]{1,9}")) {
      throw new InvalidArgumentException(
          "--feature", source.feature, "MODEL.safetensors:J, for instance model.safetensors:17");
    }
    try (SnmfModel model = SnmfModel.load(Path.of(source.feature.substring(0, colon)))) {
      Origin origin = Origin.of(model);
      Site known = origin == null ? Site.MLP : origin.site();
      Direction direction =
          Direction.ofFeature(model, site == null ? known : site, Integer.parseInt(number));
      return new Placed(direction, layers(origin));
    }
  }

  private int[] layers(Origin origin) {
    if (layers != null) {
      return layers.stream().mapToInt(Integer::intValue).toArray();
    }
    if (origin == null) {
      throw new InvalidArgumentException(
          "--layer", "missing", "given: nothing tells which layer the direction belongs to");
    }
    return new int[] {origin.layer()};
  }
}
