package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.Map;
import org.snmf4j.io.MatrixFile;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Where activations come from: a matrix file, or a layer of an extracted directory. */
final class InputOptions {
  @ArgGroup(exclusive = true, multiplicity = "1")
  private Source source;

  private static final class Source {
    @Option(
        names = "--input",
        required = true,
        paramLabel = "A.npy",
        description =
            "Activations [neurons, tokens], float32 or float64: a .npy file, or a tensor of a"
                + " safetensors file as FILE.safetensors:TENSOR.")
    private String file;

    @ArgGroup(exclusive = false, multiplicity = "1")
    private Extracted extracted;
  }

  private static final class Extracted {
    @Option(
        names = "--activations",
        required = true,
        paramLabel = "DIR",
        description = "Activations that 'snmf4j extract' wrote.")
    private Path directory;

    @Option(
        names = "--layer",
        required = true,
        paramLabel = "L",
        description = "Layer of --activations, counted from 0.")
    private int layer;

    @Option(
        names = "--site",
        paramLabel = "SITE",
        defaultValue = "mlp",
        converter = Converters.SiteName.class,
        description = "Site of --activations: mlp, mlp_out or residual (default: mlp).")
    private Site site;
  }

  /** Opens the activations; the caller closes them. */
  Input open() {
    if (source.extracted == null) {
      Matrix matrix = MatrixFile.open(source.file);
      return new Input(matrix, matrix, Map.of());
    }
    Extracted extracted = source.extracted;
    ActivationStore store = ActivationStore.open(extracted.directory);
    ActivationSet set = store.load(extracted.site, extracted.layer);
    return new Input(set.matrix(), set, Origin.of(store, set).attributes());
  }
}
