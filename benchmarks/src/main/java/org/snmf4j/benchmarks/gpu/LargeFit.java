package org.snmf4j.benchmarks.gpu;

import java.util.Map;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Precision;
import org.snmf4j.benchmarks.Shape;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.AlsSolver;
import org.snmf4j.solver.Limits;
import org.snmf4j.solver.Monitor;
import org.snmf4j.solver.Problem;
import org.snmf4j.solver.SignSplitStart;
import org.snmf4j.solver.Solution;

/**
 * A fit of a million tokens in bf16, and the same with a limit of device memory that they exceed.
 * The tokens are those of the other parts over and over, in another order: what a backend does does
 * not depend on that, and a host need not hold 57 GB.
 */
final class LargeFit implements Part.Check {
  private static final int ITERATIONS = 60;

  /** Shares no divisor with a count of tokens. */
  private static final long STEP = 7919;

  private static final double SAME = 1e-4;

  /** How a fit ended. */
  private record Outcome(double relativeLoss, double seconds, double packing, long peakBytes) {}

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    Shape shape = settings.large();
    Shape many = new Shape(shape.neurons(), settings.manyTokens(), shape.rank());
    findings.note(
        "activations "
            + many
            + " in bf16: tokens of "
            + shape
            + ", each "
            + many.tokens() / shape.tokens()
            + " times");
    double bytes = 2.0 * many.neurons() * many.tokens();
    long[] columns = new long[many.tokens()];
    for (int t = 0; t < columns.length; t++) {
      columns[t] = t * STEP % shape.tokens();
    }
    try (Matrix tokens = Data.openByToken(settings, shape)) {
      Outcome whole;
      try (Backend backend = settings.open()) {
        whole = fit(backend, tokens.transpose(), columns, many);
        report(findings, "fit", whole);
      }
      if (!settings.isCuda()) {
        findings.note("a limit of device memory is the CUDA backend's");
        return;
      }
      long most = settings.cap();
      findings.figure("bytes of A / limit of device memory", bytes / most, "");
      if (Processes.memory("MemAvailable") < bytes * 1.1) {
        findings.skip("streaming them needs " + (long) (bytes / 1e9) + " GB of the host's memory");
        return;
      }
      Map<String, String> cap = Map.of(Settings.MEMORY, Long.toString(most));
      try (Backend backend = settings.open(cap)) {
        Outcome streamed = fit(backend, tokens.transpose(), columns, many);
        report(findings, "streamed", streamed);
        findings.atMost(
            "device memory held at most / its limit", (double) streamed.peakBytes / most, "", 1);
        findings.atMost(
            "streamed, deviation of the loss",
            Math.abs(streamed.relativeLoss / whole.relativeLoss - 1),
            "",
            SAME);
      }
    }
  }

  private static void report(Findings findings, String name, Outcome outcome) {
    findings.figure(name + ", packing", outcome.packing, "s");
    findings.figure(name + ", " + ITERATIONS + " iterations", outcome.seconds, "s");
    findings.figure(name + ", relative loss", outcome.relativeLoss, "");
    findings.figure(name + ", memory held at most", outcome.peakBytes * 1e-9, "GB");
  }

  private static Outcome fit(Backend backend, Matrix a, long[] columns, Shape shape) {
    SnmfOptions options =
        SnmfOptions.builder(shape.rank()).featureDensity(Settings.DENSITY).build();
    backend.resetPeak();
    long begin = System.nanoTime();
    try (Activations packed = backend.pack(a, columns, Precision.BF16)) {
      double packing = (System.nanoTime() - begin) * 1e-9;
      Problem problem =
          new Problem(backend, packed, shape.rank(), options.supportSize(shape.neurons()));
      AlsSolver solver =
          new AlsSolver(
              ITERATIONS,
              options.patience(),
              options.tolerance(),
              options.ridge(),
              options.coefficientPenalty(),
              Limits.NONE);
      begin = System.nanoTime();
      try (Solution solution =
          solver.fit(problem, new SignSplitStart(), options.seed(), Monitor.NONE)) {
        return new Outcome(
            solution.losses()[solution.bestIteration() - 1] / packed.squaredNorm(),
            (System.nanoTime() - begin) * 1e-9,
            packing,
            backend.memory().peak());
      }
    }
  }
}
