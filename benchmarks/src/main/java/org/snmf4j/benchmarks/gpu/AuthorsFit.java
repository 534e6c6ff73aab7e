package org.snmf4j.benchmarks.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.snmf4j.FitReport;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Backend;
import org.snmf4j.benchmarks.Shape;
import org.snmf4j.matrix.Matrix;

/** Seconds to the loss of the authors' iteration on PyTorch, on the same data and device. */
final class AuthorsFit implements Part.Check {
  /** Of the authors' iteration. */
  private static final int ITERATIONS = 200;

  private static final int MOST_PASSES = 1000;

  /** Limit on an H200. */
  private static final double TIMES_FASTER = 30;

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    Processes.Ended probe;
    try {
      probe =
          Processes.run(
              settings,
              "torch.log",
              Map.of(),
              List.of(
                  settings.python, "-c", "import torch; print('cuda', torch.cuda.is_available())"));
    } catch (IOException e) {
      findings.skip("there is no " + settings.python + ": " + e.getMessage());
      return;
    }
    if (probe.status() != 0) {
      findings.skip(settings.python + " has no PyTorch: " + probe.last());
      return;
    }
    boolean onGpu = probe.output().contains("cuda True");
    if (!onGpu && !settings.small) {
      findings.skip("the PyTorch of " + settings.python + " finds no GPU");
      return;
    }
    Shape shape = settings.large();
    DeviceBound bound = DeviceBound.measure(settings, findings);
    for (boolean tf32 : onGpu ? new boolean[] {false, true} : new boolean[] {false}) {
      JsonNode authors = authors(settings, findings, shape, onGpu, tf32);
      if (authors == null) {
        return;
      }
      String name = tf32 ? "authors' iteration in tf32" : "authors' iteration";
      double seconds = authors.path("seconds").asDouble();
      double loss = authors.path("relative_loss").asDouble();
      findings.figure(name + ", " + ITERATIONS + " iterations", seconds, "s");
      findings.figure(name + ", relative loss", loss, "");
      FitReport ours = fit(settings, shape, loss);
      findings.figure("to that loss", ours.seconds(), "s");
      if (ours.relativeLoss() > loss) {
        findings.error("ended at " + ours.relativeLoss() + ", above " + loss);
      } else if (bound != null && bound.isH200() && !tf32 && !settings.small) {
        findings.atLeast("times faster", seconds / ours.seconds(), "", TIMES_FASTER);
      } else {
        findings.figure("times faster", seconds / ours.seconds(), "");
      }
    }
  }

  private static JsonNode authors(
      Settings settings, Findings findings, Shape shape, boolean onGpu, boolean tf32)
      throws Exception {
    Path file = Data.file(settings, shape);
    String script = settings.home().resolve("pytorch/authors_iteration.py").toString();
    Processes.Ended ended =
        Processes.run(
            settings,
            "authors.log",
            Map.of(),
            List.of(
                settings.python,
                script,
                "--activations=" + file,
                "--rank=" + shape.rank(),
                "--density=" + Settings.DENSITY,
                "--iterations=" + ITERATIONS,
                "--device=" + (onGpu ? "cuda" : "cpu"),
                "--precision=" + (tf32 ? "tf32" : "fp32")));
    if (ended.status() != 0) {
      findings.error("the authors' iteration " + ended.how() + ":\n    " + ended.tail());
      return null;
    }
    // Warnings may stand before it and after it.
    String facts =
        ended.output().lines().filter(line -> line.startsWith("{")).findFirst().orElse("{}");
    return new ObjectMapper().readTree(facts);
  }

  private static FitReport fit(Settings settings, Shape shape, double loss) throws Exception {
    SnmfOptions options =
        SnmfOptions.builder(shape.rank())
            .featureDensity(Settings.DENSITY)
            .coefficientPenalty(0)
            .maxIterations(MOST_PASSES)
            .targetLoss(loss)
            .build();
    try (Matrix a = Data.open(settings, shape);
        Backend backend = settings.open();
        SnmfModel model = Snmf.fit(a, options, backend)) {
      return model.report();
    }
  }
}
