package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.solver.Monitor;
import org.snmf4j.solver.MultiplicativeSolver;
import org.snmf4j.solver.Problem;
import org.snmf4j.solver.Solution;

/** From the authors' start, the solver takes the authors' way. */
abstract class GoldenParity extends Suite {
  private static final double RIDGE = 1e-6;
  private static final int ITERATIONS = 400;

  /** What a selection may hinge on: a relative distance to the threshold below this is a tie. */
  private static final double TIE = 1e-4;

  static Stream<Golden> runs() {
    return Stream.of("small", "medium", "dense", "svd", "clustered").map(Golden::load);
  }

  private boolean isFloat32() {
    return backend.elementType() == ElementType.FLOAT32;
  }

  @ParameterizedTest
  @MethodSource("runs")
  void squaredNorm(Golden golden) {
    try (Activations a = pack(golden.a())) {
      double allowed = isFloat32() ? 1e-6 : 1e-12;
      assertEquals(golden.squaredNorm(), a.squaredNorm(), allowed * golden.squaredNorm());
    }
  }

  @ParameterizedTest
  @MethodSource("runs")
  void lossesFollowTheAuthors(Golden golden) {
    try (Activations a = pack(golden.a());
        Solution solution = fit(golden, a, ITERATIONS)) {
      double[] losses = solution.losses();
      assertEquals(ITERATIONS, losses.length);
      List<String> deviations = new ArrayList<>();
      for (int i = 0; i < golden.iterations().length; i++) {
        int iteration = (int) golden.iterations()[i];
        double expected = golden.losses()[i];
        double error = Math.abs(losses[iteration - 1] - expected) / expected;
        double allowed = !isFloat32() ? 1e-6 : iteration <= 20 ? 1e-4 : 5e-3;
        if (!(error <= allowed)) {
          deviations.add(
              "iteration %d: loss %s, authors' %s, relative error %.3g, allowed %.3g"
                  .formatted(iteration, losses[iteration - 1], expected, error, allowed));
        }
      }
      double best = bestLoss(losses);
      if (!(Math.abs(best - golden.bestLoss()) <= 5e-3 * golden.bestLoss())) {
        deviations.add("best loss %s, authors' %s".formatted(best, golden.bestLoss()));
      }
      assertTrue(deviations.isEmpty(), () -> String.join("; ", deviations));
    }
  }

  /** The authors' rule: stop after 100 iterations without an absolute improvement of 1e-4. */
  private static double bestLoss(double[] losses) {
    double best = Double.POSITIVE_INFINITY;
    int waited = 0;
    for (double loss : losses) {
      waited = loss < best - 1e-4 ? 0 : waited + 1;
      best = Math.min(best, loss);
      if (waited >= 100) {
        break;
      }
    }
    return best;
  }

  @ParameterizedTest
  @MethodSource("runs")
  void firstIteratesAreTheAuthors(Golden golden) {
    requireIterate(golden, 1, golden.z1(), golden.y1());
    requireIterate(golden, 5, golden.z5(), golden.y5());
  }

  private void requireIterate(Golden golden, int iterations, double[][] z, double[][] y) {
    try (Activations a = pack(golden.a());
        Solution solution = fit(golden, a, iterations)) {
      assertEquals(iterations, solution.bestIteration(), "the last iterate is not the best");
      double[][] features = take(solution.features().download());
      double[][] coefficients = take(solution.coefficients().download());
      if (isFloat32() && !flippedColumns(z, features).isEmpty()) {
        // Whether ties explain it is what flippedSelectionsAreTies decides.
        return;
      }
      double allowed = isFloat32() ? 2e-3 : 1e-9;
      requireError("Z." + iterations, Tolerance.relativeError(z, features), allowed);
      requireError("Y." + iterations, Tolerance.relativeError(y, coefficients), allowed);
    }
  }

  private static void requireError(String what, double error, double allowed) {
    assertTrue(error <= allowed, () -> what + ": relative error " + error + " above " + allowed);
  }

  /**
   * Where a feature's neurons are not those of the reference, two magnitudes must have been as good
   * as equal. The reference's selection is repeated in float64 next to the backend's, both from the
   * same coefficients, so that each flip is judged at the iteration in which it happens.
   */
  @ParameterizedTest
  @MethodSource("runs")
  void flippedSelectionsAreTies(Golden golden, TestReporter reporter) {
    int keep = keep(golden);
    try (Backend java = Backends.open("java", new BackendConfig(1));
        SelectionSteps reference = new SelectionSteps(java, golden.a(), golden.y0(), keep);
        SelectionSteps tested = new SelectionSteps(backend, golden.a(), golden.y0(), keep)) {
      for (int iteration = 1; iteration <= 5; iteration++) {
        reference.solve();
        tested.solve();
        double[][] dense = reference.features();
        reference.select();
        tested.select();
        if (iteration == 1) {
          requireSupport(golden.z1(), reference.features());
        }
        if (iteration == 5) {
          requireSupport(golden.z5(), reference.features());
        }
        double[][] selected = tested.features();
        for (int j : flippedColumns(reference.features(), selected)) {
          double margin = margin(dense, reference.features(), selected, j, keep);
          String message =
              "%s, iteration %d, column %d: the selection flipped at a margin of %.3g"
                  .formatted(golden.name(), iteration, j, margin);
          reporter.publishEntry(message);
          assertTrue(margin <= TIE, message);
        }
        reference.update();
        tested.follow(reference);
      }
    }
  }

  private static void requireSupport(double[][] golden, double[][] reference) {
    List<Integer> flipped = flippedColumns(golden, reference);
    if (!flipped.isEmpty()) {
      fail("the reference itself left the authors' way at columns " + flipped);
    }
  }

  private static List<Integer> flippedColumns(double[][] expected, double[][] actual) {
    List<Integer> columns = new ArrayList<>();
    for (int j = 0; j < expected[0].length; j++) {
      for (int i = 0; i < expected.length; i++) {
        if ((expected[i][j] != 0) != (actual[i][j] != 0)) {
          columns.add(j);
          break;
        }
      }
    }
    return columns;
  }

  /** Largest |magnitude − threshold| / threshold of the entries that only one side kept. */
  private static double margin(
      double[][] dense, double[][] expected, double[][] actual, int column, int keep) {
    double[] magnitudes = new double[dense.length];
    for (int i = 0; i < dense.length; i++) {
      magnitudes[i] = Math.abs(dense[i][column]);
    }
    double[] sorted = magnitudes.clone();
    java.util.Arrays.sort(sorted);
    double threshold = sorted[sorted.length - keep];
    double margin = 0;
    for (int i = 0; i < dense.length; i++) {
      if ((expected[i][column] != 0) != (actual[i][column] != 0)) {
        margin = Math.max(margin, Math.abs(magnitudes[i] - threshold) / threshold);
      }
    }
    return margin;
  }

  private static int keep(Golden golden) {
    return SnmfOptions.builder(golden.rank())
        .featureDensity(golden.density())
        .build()
        .supportSize(golden.a().length);
  }

  private Solution fit(Golden golden, Activations a, int iterations) {
    Problem problem = new Problem(backend, a, golden.rank(), keep(golden));
    return new MultiplicativeSolver(iterations, iterations, 0, RIDGE)
        .fit(problem, coefficients(golden.y0()), Monitor.NONE);
  }
}
