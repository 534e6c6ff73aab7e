package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.fixture.Phases;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.StopReason;

/** Target loss and time limit. */
class LimitsFitTest {
  /** So many that {@link Solver#ALS} samples every second panel first. */
  private static final double[][] MANY = Planted.activations(16, 10400, 3, 4);

  private static final int RANK = 3;

  private static final double[][] FEW = Planted.activations(40, 150, 6, 3);

  private static SnmfOptions.Builder options(Solver solver) {
    return SnmfOptions.builder(RANK)
        .solver(solver)
        .featureDensity(0.3)
        .coefficientPenalty(0)
        .maxIterations(60)
        .tolerance(0)
        .backend("java")
        .threads(2);
  }

  private static SnmfModel fit(double[][] values, SnmfOptions.Builder options) {
    try (Matrix a = Matrix.of(values)) {
      return Snmf.fit(a, options.build());
    }
  }

  /** The report's loss is that of the factors: every token has coefficients of the last pass. */
  private static void requireWhole(double[][] values, SnmfModel model) {
    double loss = Planted.loss(values, model.features().toArray(), model.coefficients().toArray());
    assertEquals(loss, model.report().loss(), 1e-9 * model.report().squaredNorm());
    assertTrue(model.report().relativeLoss() < 0.9, "nothing was fitted");
  }

  @ParameterizedTest
  @EnumSource(Solver.class)
  void theFirstLossAtTheTargetEndsTheFit(Solver solver) {
    double[] losses;
    double norm;
    try (SnmfModel free = fit(FEW, options(solver))) {
      losses = free.report().losses();
      norm = free.report().squaredNorm();
    }
    // Of a pass beyond the first phase, which ends differently if it finds the target.
    int explored = Phases.explored(FEW.length, FEW[0].length, RANK, 0);
    double target = losses[explored + 10] / norm;
    try (SnmfModel model = fit(FEW, options(solver).targetLoss(target))) {
      FitReport report = model.report();
      assertEquals(StopReason.TARGET_LOSS, report.stopReason());
      assertTrue(report.relativeLoss() <= target);
      for (int i = 0; i < report.iterations() - 1; i++) {
        assertEquals(losses[i], report.losses()[i], "iteration " + i);
        assertTrue(losses[i] / norm > target || i < explored, "iteration " + i + " was enough");
      }
      assertEquals(losses[report.iterations() - 1], report.losses()[report.iterations() - 1]);
      requireWhole(FEW, model);
    }
  }

  @ParameterizedTest
  @EnumSource(Solver.class)
  void aTargetOutOfReachChangesNothing(Solver solver) {
    try (SnmfModel free = fit(FEW, options(solver));
        SnmfModel model = fit(FEW, options(solver).targetLoss(1e-12).timeLimit(MAX))) {
      assertEquals(StopReason.MAX_ITERATIONS, model.report().stopReason());
      assertArrayEquals(free.report().losses(), model.report().losses());
    }
  }

  /** Beyond what fits into nanoseconds. */
  private static final Duration MAX = Duration.ofSeconds(Long.MAX_VALUE);

  @Test
  void lossesOfASampleDoNotCount() {
    try (SnmfModel model = fit(MANY, options(Solver.ALS).targetLoss(0.99))) {
      assertEquals(StopReason.TARGET_LOSS, model.report().stopReason());
      int explored = Phases.explored(MANY.length, MANY[0].length, RANK, 0);
      assertEquals(explored + 1, model.report().iterations());
      requireWhole(MANY, model);
    }
  }

  @Test
  void aTargetReachedOnAllTokensEndsTheFirstPhase() {
    try (SnmfModel model = fit(FEW, options(Solver.ALS).targetLoss(0.99))) {
      assertEquals(StopReason.TARGET_LOSS, model.report().stopReason());
      assertEquals(2, model.report().iterations());
      requireWhole(FEW, model);
    }
  }

  @Test
  void theTimeLimitLeavesOneMultiplicativeIteration() {
    try (SnmfModel model =
        fit(FEW, options(Solver.MULTIPLICATIVE).timeLimit(Duration.ofNanos(1)))) {
      assertEquals(StopReason.TIME_LIMIT, model.report().stopReason());
      assertEquals(1, model.report().iterations());
      requireWhole(FEW, model);
    }
  }

  @Test
  void theTimeLimitWithinTheFirstPhaseStillFitsAllTokens() {
    for (double[][] values : new double[][][] {FEW, MANY}) {
      try (SnmfModel model = fit(values, options(Solver.ALS).timeLimit(Duration.ofNanos(1)))) {
        assertEquals(StopReason.TIME_LIMIT, model.report().stopReason());
        assertEquals(2, model.report().iterations());
        requireWhole(values, model);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Solver.class)
  void theRunningIterationIsFinished(Solver solver) {
    SnmfOptions.Builder options =
        options(solver)
            .maxIterations(1_000_000)
            .patience(Integer.MAX_VALUE)
            .timeLimit(Duration.ofMillis(150));
    try (SnmfModel model = fit(FEW, options)) {
      assertEquals(StopReason.TIME_LIMIT, model.report().stopReason());
      assertTrue(model.report().seconds() >= 0.15);
      requireWhole(FEW, model);
    }
  }
}
