package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.ReviveResult;
import org.snmf4j.fixture.Phases;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.Matrix;

/** Dead features in fits by {@link Solver#ALS} on the java backend. */
class RevivalFitTest {
  /** Skips all revivals of a fit. */
  private static final int NEVER = Integer.MAX_VALUE;

  /** The most revivals of a fit that may read A: two of the first phase, four of the second. */
  private static final int MOST = 6;

  /**
   * Fits on a backend whose revivals are noted.
   *
   * @param skipped how many of the first do not happen
   * @param revivals where what the others did goes
   */
  private static SnmfModel fit(
      Matrix a, SnmfOptions options, int skipped, List<ReviveResult> revivals) {
    int[] left = {skipped};
    try (Backend backend = Backends.open("java", new BackendConfig(2))) {
      Backend watched =
          (Backend)
              Proxy.newProxyInstance(
                  Backend.class.getClassLoader(),
                  new Class<?>[] {Backend.class},
                  (proxy, method, arguments) -> {
                    if (method.getName().equals("revive") && left[0]-- > 0) {
                      return new ReviveResult(0, 0);
                    }
                    try {
                      Object result = method.invoke(backend, arguments);
                      if (result instanceof ReviveResult revival) {
                        revivals.add(revival);
                      }
                      return result;
                    } catch (InvocationTargetException e) {
                      throw e.getCause();
                    }
                  });
      return Snmf.fit(a, options, watched);
    }
  }

  private static SnmfOptions.Builder options(int rank, double density) {
    return SnmfOptions.builder(rank)
        .coefficientPenalty(0)
        .featureDensity(density)
        .maxIterations(80)
        .tolerance(0);
  }

  /** Coefficients whose first {@code dead} rows are zero; those stay so without a revival. */
  private static Matrix start(int rank, int tokens, int dead) {
    SplittableRandom random = new SplittableRandom(rank);
    double[][] rows = new double[rank][tokens];
    for (double[] row : Arrays.asList(rows).subList(dead, rank)) {
      Arrays.setAll(row, t -> random.nextDouble());
    }
    return Matrix.of(rows);
  }

  private static int dead(SnmfModel model) {
    int dead = 0;
    for (int j = 0; j < model.rank(); j++) {
      dead += model.statistics(j).maxCoefficient() > 0 && model.support(j).length > 0 ? 0 : 1;
    }
    return dead;
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "5, 0", "10, 0", "1, 1", "5, 1", "10, 1"})
  void featuresThatStartDeadEndAlive(int dead, int skipped) {
    int rank = 10;
    List<ReviveResult> revivals = new ArrayList<>();
    try (Matrix a = Planted.matrix(60, 300, rank, dead);
        Matrix y = start(rank, 300, dead)) {
      SnmfOptions options =
          options(rank, 0.2).initialization(Initialization.coefficients(y)).build();
      try (SnmfModel without = fit(a, options, NEVER, null);
          SnmfModel with = fit(a, options, skipped, revivals)) {
        assertEquals(dead, dead(without));
        assertEquals(0, dead(with));
        assertEquals(new ReviveResult(dead, dead), revivals.get(0));
        assertTrue(
            with.report().loss() < 0.95 * without.report().loss(),
            with.report().loss() + " with revival, without " + without.report().loss());
        double[] losses = with.report().losses();
        for (int i = Phases.explored(60, 300, rank, 0) + 1; i < losses.length; i++) {
          assertTrue(losses[i] <= losses[i - 1] + 1e-11 * with.report().squaredNorm(), "pass " + i);
        }
      }
    }
  }

  /** On tokens enough for both stages of the first phase. */
  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.2, 0.4})
  void featuresThatThePenaltyKilledLowerTheObjective(double penalty) {
    List<ReviveResult> revivals = new ArrayList<>();
    SnmfOptions options = options(30, 0.2).coefficientPenalty(penalty).build();
    try (Matrix a = Planted.matrix(30, 5000, 8, 3);
        SnmfModel without = fit(a, options, NEVER, null);
        SnmfModel with = fit(a, options, 0, revivals)) {
      assertTrue(dead(without) > 0);
      assertEquals(0, dead(with));
      assertTrue(attempts(revivals) <= MOST, () -> "" + revivals);
      double ratio = objective(a, with, penalty) / objective(a, without, penalty);
      assertTrue(ratio < 0.99, "ratio " + ratio);
    }
  }

  @Test
  void whereThePenaltyKillsAllNothingIsTriedForEver() {
    List<ReviveResult> revivals = new ArrayList<>();
    SnmfOptions options =
        options(30, 0.2).coefficientPenalty(1e6).maxIterations(150).patience(100).build();
    try (Matrix a = Planted.matrix(30, 5000, 8, 3);
        SnmfModel model = fit(a, options, 0, revivals)) {
      assertEquals(30, dead(model));
      // At least as many rounds as the patience of 100 passes makes.
      assertTrue(model.report().iterations() >= 100);
      // After both stages of the first phase; in the second, until it is seen to be in vain.
      assertEquals(4, revivals.size(), () -> "" + revivals);
      assertEquals(4, attempts(revivals));
    }
  }

  @Test
  void nothingIsRevivedOnceTheFitIsExact() {
    List<ReviveResult> revivals = new ArrayList<>();
    double[][] product = new double[20][200];
    SplittableRandom random = new SplittableRandom(1);
    for (int t = 0; t < 200; t++) {
      double strength = random.nextDouble();
      double other = random.nextDouble();
      for (int i = 0; i < 20; i++) {
        product[i][t] = i < 10 ? strength * (i + 1) : other * (i - 20);
      }
    }
    try (Matrix a = Matrix.of(product);
        SnmfModel model = fit(a, options(6, 0.5).build(), 0, revivals)) {
      assertTrue(model.report().relativeLoss() < 1e-12, () -> "" + model.report().relativeLoss());
      // After the first phase, and once in the second.
      assertEquals(2, attempts(revivals), () -> "" + revivals);
    }
  }

  /** Revivals that read A. */
  private static long attempts(List<ReviveResult> revivals) {
    return revivals.stream().filter(revival -> revival.dead() > 0).count();
  }

  private static double objective(Matrix a, SnmfModel model, double penalty) {
    double[][] y = model.coefficients().toArray();
    double loss = Planted.loss(a.toArray(), model.features().toArray(), y);
    double lambda = penalty * Math.sqrt(model.report().squaredNorm() / model.tokens());
    // The model's features have unit norm.
    return loss / 2 + lambda * Arrays.stream(y).flatMapToDouble(Arrays::stream).sum();
  }
}
