package org.snmf4j.benchmarks.gpu;

import java.util.Arrays;
import java.util.List;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.benchmarks.Shape;
import org.snmf4j.matrix.Matrix;

/**
 * One-pass iterations, two HALS sweeps and the refit, in the state of a fit that has run for a
 * while, against the floor by the device's peaks, measured right before and after.
 */
final class Speed implements Part.Check {
  /** Enough to be past the first phase of alternating least squares. */
  private static final int FITTED = 20;

  private static final int ROUNDS = 9;

  /** Seconds that a round takes at least. */
  private static final double ROUND_SECONDS = 0.05;

  /** Limits on an H200. */
  private static final double TIMES_FLOOR = 3;

  private static final double LITTLE_MILLISECONDS = 0.15;

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    for (Shape shape : List.of(settings.little(), settings.large())) {
      for (Precision precision : List.of(Precision.FP32, Precision.BF16)) {
        measure(settings, findings, shape, precision);
      }
    }
  }

  private static void measure(
      Settings settings, Findings findings, Shape shape, Precision precision) throws Exception {
    String name = shape + " " + precision;
    DeviceBound before = DeviceBound.measure(settings, findings);
    double seconds;
    try (Matrix a = Data.open(settings, shape);
        SnmfModel model = fit(settings, a, shape, precision);
        Backend backend = settings.open();
        Iteration iteration = new Iteration(backend, a, model, precision)) {
      findings.note(name + ": " + backend.description());
      seconds = iteration.seconds();
    }
    double milliseconds = seconds * 1e3;
    if (before == null) {
      findings.figure(name + ", iteration", milliseconds, "ms");
      return;
    }
    DeviceBound bound = before.best(DeviceBound.measure(settings, findings));
    boolean little = shape.equals(settings.little());
    boolean judged = bound.isH200() && !settings.small;
    double floor = bound.floor(shape, precision);
    findings.figure(name + ", floor", floor * 1e3, "ms");
    if (judged && little) {
      findings.atMost(name + ", iteration", milliseconds, "ms", LITTLE_MILLISECONDS);
    } else {
      findings.figure(name + ", iteration", milliseconds, "ms");
    }
    if (judged && !little) {
      findings.atMost(name + ", iteration / floor", seconds / floor, "", TIMES_FLOOR);
    } else {
      findings.figure(name + ", iteration / floor", seconds / floor, "");
    }
  }

  private static SnmfModel fit(Settings settings, Matrix a, Shape shape, Precision precision) {
    SnmfOptions options =
        SnmfOptions.builder(shape.rank())
            .featureDensity(Settings.DENSITY)
            .coefficientPenalty(0)
            .maxIterations(FITTED)
            .precision(precision)
            .build();
    try (Backend backend = settings.open()) {
      return Snmf.fit(a, options, backend);
    }
  }

  /** Data on the backend, and what is done with it over and over. */
  private static final class Iteration implements AutoCloseable {
    private final Activations activations;
    private final Features features;
    private final Coefficients coefficients;
    private final Statistics statistics;
    private final Backend backend;

    Iteration(Backend backend, Matrix a, SnmfModel model, Precision precision) {
      this.backend = backend;
      int neurons = Math.toIntExact(a.rows());
      features = backend.newFeatures(neurons, model.rank());
      coefficients = backend.newCoefficients(model.rank(), Math.toIntExact(a.columns()));
      statistics = backend.newStatistics(neurons, model.rank());
      features.upload(model.features());
      coefficients.upload(model.coefficients());
      activations = backend.pack(a, precision);
    }

    /** Seconds of one iteration, the median of rounds of many. */
    double seconds() {
      run(3);
      int count = (int) Math.max(1, Math.ceil(3 * ROUND_SECONDS / run(3)));
      double[] rounds = new double[ROUNDS];
      for (int i = 0; i < ROUNDS; i++) {
        rounds[i] = run(count) / count;
      }
      Arrays.sort(rounds);
      return rounds[ROUNDS / 2];
    }

    private void pass() {
      backend.pass(
          activations,
          features,
          new UpdateRule.Hals(2, 0),
          coefficients,
          null,
          null,
          coefficients,
          Refresh.SUPPORT,
          statistics);
    }

    private double run(int count) {
      long begin = System.nanoTime();
      for (int i = 0; i < count; i++) {
        pass();
        backend.refit(statistics, features, 0);
      }
      // The last refit may still be at work; what is read here comes after it.
      statistics.gram();
      return (System.nanoTime() - begin) * 1e-9;
    }

    @Override
    public void close() {
      activations.close();
      features.close();
      coefficients.close();
      statistics.close();
    }
  }
}
