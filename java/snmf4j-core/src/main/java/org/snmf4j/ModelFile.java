package org.snmf4j;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.snmf4j.backend.Precision;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.io.SafeTensorsWriter;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.StopReason;

/** A model as a safetensors file: two tensors, the fit's report and attributes as metadata. */
final class ModelFile {
  private static final String FORMAT = "snmf4j-model";
  private static final String VERSION = "1";
  private static final String ATTRIBUTE = "attribute.";

  private ModelFile() {}

  static void write(SnmfModel model, Path file) {
    FitReport report = model.report();
    SafeTensorsWriter writer = new SafeTensorsWriter();
    model.attributes().forEach((name, value) -> writer.metadata(ATTRIBUTE + name, value));
    writer
        .metadata("format", FORMAT)
        .metadata("version", VERSION)
        .metadata("iterations", Integer.toString(report.iterations()))
        .metadata("best_iteration", Integer.toString(report.bestIteration()))
        .metadata("losses", join(report.losses()))
        .metadata("squared_norm", Double.toString(report.squaredNorm()))
        .metadata("stop_reason", report.stopReason().name())
        .metadata("seconds", Double.toString(report.seconds()))
        .metadata("solver", report.solver().name())
        .metadata("feature_density", Double.toString(report.featureDensity()))
        .metadata("coefficient_penalty", Double.toString(report.coefficientPenalty()))
        .metadata("precision", report.precision().name())
        .metadata("initialization", report.initialization())
        .metadata("backend", report.backend())
        .metadata("backend_description", report.backendDescription())
        .metadata("threads", Integer.toString(report.threads()))
        .metadata("seed", Long.toString(report.seed()))
        .metadata("peak_bytes", Long.toString(report.peakBytes()))
        .metadata("explained_variance", join(model.explainedVariance()))
        .add("features", model.features())
        .add("coefficients", model.coefficients())
        .write(file);
  }

  static SnmfModel read(Path file) {
    try (SafeTensors tensors = SafeTensors.open(file)) {
      Reader reader = new Reader(file, tensors.metadata());
      if (!FORMAT.equals(tensors.metadata().get("format"))) {
        throw new FileFormatException(
            file, "not an snmf4j model: its metadata does not say format=" + FORMAT);
      }
      String version = reader.text("version");
      if (!VERSION.equals(version)) {
        throw new FileFormatException(
            file, "model format version " + version + ", this library reads version " + VERSION);
      }
      FitReport report = reader.report();
      Map<String, String> attributes = reader.attributes();
      double[] shares = reader.doubles("explained_variance");
      Matrix features = matrix(file, tensors, "features");
      try {
        Matrix coefficients = matrix(file, tensors, "coefficients");
        if (features.columns() != coefficients.rows() || features.columns() != shares.length) {
          coefficients.close();
          throw new FileFormatException(
              file,
              "features ["
                  + features.rows()
                  + ", "
                  + features.columns()
                  + "], coefficients ["
                  + coefficients.rows()
                  + ", "
                  + coefficients.columns()
                  + "] and "
                  + shares.length
                  + " explained variances do not fit together");
        }
        return new SnmfModel(features, coefficients, shares, report, attributes);
      } catch (RuntimeException e) {
        features.close();
        throw e;
      }
    }
  }

  private static Matrix matrix(Path file, SafeTensors tensors, String name) {
    if (!tensors.names().contains(name)) {
      throw new FileFormatException(
          file, "not an snmf4j model: tensor " + name + " is missing, found " + tensors.names());
    }
    if (tensors.shape(name).length != 2) {
      throw new FileFormatException(
          file,
          "tensor "
              + name
              + " has shape "
              + Arrays.toString(tensors.shape(name))
              + " but a matrix is expected");
    }
    return tensors.matrix(name);
  }

  private static String join(double[] values) {
    return Arrays.stream(values).mapToObj(Double::toString).collect(Collectors.joining(","));
  }

  /** Typed access to metadata, with errors that name the key. */
  private record Reader(Path file, Map<String, String> metadata) {
    String text(String key) {
      String value = metadata.get(key);
      if (value == null) {
        throw new FileFormatException(file, "metadata " + key + " is missing");
      }
      return value;
    }

    double[] doubles(String key) {
      return parse(
          key,
          value -> Arrays.stream(value.split(",", -1)).mapToDouble(Double::parseDouble).toArray());
    }

    Map<String, String> attributes() {
      Map<String, String> attributes = new HashMap<>();
      metadata.forEach(
          (key, value) -> {
            if (key.startsWith(ATTRIBUTE)) {
              attributes.put(key.substring(ATTRIBUTE.length()), value);
            }
          });
      try {
        return Attributes.checked(attributes);
      } catch (InvalidArgumentException e) {
        throw new FileFormatException(file, "metadata: " + e.getMessage(), e);
      }
    }

    private double penalty() {
      double penalty = parse("coefficient_penalty", Double::parseDouble);
      if (!(penalty >= 0) || Double.isInfinite(penalty)) {
        throw new FileFormatException(
            file,
            "metadata coefficient_penalty is " + penalty + " but must be finite and not negative");
      }
      return penalty;
    }

    /** Models of before there was a choice do not name it. */
    private Precision precision() {
      return metadata.containsKey("precision")
          ? parse("precision", Precision::valueOf)
          : Precision.FP32;
    }

    FitReport report() {
      double[] losses = doubles("losses");
      int iterations = parse("iterations", Integer::parseInt);
      if (iterations != losses.length) {
        throw new FileFormatException(
            file,
            "metadata iterations is "
                + iterations
                + " but losses has "
                + losses.length
                + " entries");
      }
      int best = parse("best_iteration", Integer::parseInt);
      if (best < 1 || best > losses.length) {
        throw new FileFormatException(
            file,
            "metadata best_iteration is " + best + " but must be between 1 and " + losses.length);
      }
      return new FitReport(
          iterations,
          best,
          losses,
          parse("squared_norm", Double::parseDouble),
          parse("stop_reason", StopReason::valueOf),
          parse("seconds", Double::parseDouble),
          parse("solver", Solver::valueOf),
          parse("feature_density", Double::parseDouble),
          penalty(),
          precision(),
          text("initialization"),
          text("backend"),
          text("backend_description"),
          parse("threads", Integer::parseInt),
          parse("seed", Long::parseLong),
          parse("peak_bytes", Long::parseLong));
    }

    private <T> T parse(String key, Function<String, T> parser) {
      String value = text(key);
      try {
        return parser.apply(value);
      } catch (SnmfException e) {
        throw e;
      } catch (IllegalArgumentException e) {
        throw new FileFormatException(file, "metadata " + key + " is not readable: " + value, e);
      }
    }
  }
}
