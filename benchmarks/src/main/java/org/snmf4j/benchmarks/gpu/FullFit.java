package org.snmf4j.benchmarks.gpu;

import java.util.List;
import java.util.Map;
import org.snmf4j.FitReport;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Precision;
import org.snmf4j.benchmarks.Shape;
import org.snmf4j.matrix.Matrix;

/** Whole fits with the default options, packing and start included, in every way to multiply. */
final class FullFit implements Part.Check {
  private record Way(String name, Precision precision, Map<String, String> properties) {}

  private static final List<Way> ON_CUDA =
      List.of(
          new Way("fp32", Precision.FP32, Map.of()),
          new Way("fp32, tf32 products", Precision.FP32, Map.of(Settings.DENSE, "tf32")),
          new Way("bf16", Precision.BF16, Map.of()),
          new Way("bf16, split products", Precision.BF16, Map.of(Settings.DENSE, "split")));

  private static final List<Way> ELSEWHERE =
      List.of(new Way("fp32", Precision.FP32, Map.of()), new Way("bf16", Precision.BF16, Map.of()));

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    Shape shape = settings.large();
    findings.note("activations " + shape + ", density " + Settings.DENSITY);
    try (Matrix a = Data.open(settings, shape)) {
      for (Way way : settings.isCuda() ? ON_CUDA : ELSEWHERE) {
        try (Backend backend = settings.open(way.properties)) {
          report(findings, way.name, fit(a, backend, shape, way.precision));
        }
      }
    }
  }

  private static FitReport fit(Matrix a, Backend backend, Shape shape, Precision precision) {
    SnmfOptions options =
        SnmfOptions.builder(shape.rank())
            .featureDensity(Settings.DENSITY)
            .precision(precision)
            .build();
    try (SnmfModel model = Snmf.fit(a, options, backend)) {
      return model.report();
    }
  }

  private static void report(Findings findings, String name, FitReport report) {
    findings.figure(name + ", fit", report.seconds(), "s");
    findings.figure(name + ", iterations", report.iterations(), "");
    findings.figure(name + ", relative loss", report.relativeLoss(), "");
    findings.figure(name + ", memory held at most", report.peakBytes() * 1e-9, "GB");
  }
}
