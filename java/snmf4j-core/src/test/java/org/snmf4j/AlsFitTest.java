package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.fixture.Phases;
import org.snmf4j.matrix.Matrix;

/** {@link Solver#ALS} on the java backend: descent, quality, penalty, limits. */
class AlsFitTest {
  /** Planted sparse features with noise, rectified: A = max(−0.17, W·S + 0.3·N). */
  private static Matrix planted(int d, int n, int k, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] w = new double[d][2 * k];
    for (double[] row : w) {
      for (int j = 0; j < row.length; j++) {
        row[j] = random.nextDouble() < 0.15 ? 2 * random.nextDouble() - 0.6 : 0;
      }
    }
    double[][] a = new double[d][n];
    for (int t = 0; t < n; t++) {
      for (int j = 0; j < 2 * k; j++) {
        if (random.nextDouble() < 0.15) {
          double strength = Math.exp(random.nextDouble());
          for (int i = 0; i < d; i++) {
            a[i][t] += strength * w[i][j];
          }
        }
      }
      for (int i = 0; i < d; i++) {
        a[i][t] = Math.max(-0.17, a[i][t] + 0.3 * (random.nextDouble() - 0.5));
      }
    }
    return Matrix.of(a);
  }

  private static SnmfOptions.Builder options(int rank, double density) {
    return SnmfOptions.builder(rank)
        .coefficientPenalty(0)
        .featureDensity(density)
        .backend("java")
        .threads(2);
  }

  @ParameterizedTest
  @CsvSource({
    "20, 70, 4, 0.2, 1", "20, 70, 4, 0.95, 2", "33, 129, 7, 0.1, 3", "33, 129, 7, 0.3, 4",
    "64, 300, 12, 0.05, 5", "64, 300, 12, 0.5, 6", "50, 64, 20, 0.1, 7", "12, 500, 12, 0.25, 8",
    "40, 200, 1, 0.1, 9", "40, 200, 3, 0.02, 10", "16, 10500, 5, 0.2, 11", "100, 65, 30, 0.05, 12"
  })
  void theSecondPhaseNeverRaisesTheLoss(int d, int n, int k, double density, long seed) {
    try (Matrix a = planted(d, n, k, seed);
        SnmfModel model =
            Snmf.fit(a, options(k, density).seed(seed).maxIterations(80).tolerance(0).build())) {
      double[] losses = model.report().losses();
      assertEquals(80, losses.length);
      for (int i = Phases.explored(d, n, k, 0) + 1; i < losses.length; i++) {
        assertTrue(
            losses[i] <= losses[i - 1] + 1e-11 * model.report().squaredNorm(),
            "pass " + i + ": " + losses[i - 1] + " -> " + losses[i]);
      }
      assertEquals(losses.length, model.report().bestIteration());
      assertEquals(residual(a, model), model.report().loss(), 1e-9 * model.report().squaredNorm());
      for (int j = 0; j < k; j++) {
        assertTrue(model.support(j).length <= Math.ceil(density * d - 1e-9));
      }
      for (int t = 0; t < n; t++) {
        for (int j = 0; j < k; j++) {
          assertTrue(model.coefficients().get(j, t) >= 0);
        }
      }
    }
  }

  /** Both end in local minima, so that single fits may go either way. */
  @Test
  void endsBelowTwoHundredMultiplicativeIterations() {
    int seeds = 12;
    double sum = 0;
    for (int seed = 1; seed <= seeds; seed++) {
      try (Matrix a = planted(80, 400, 10, seed);
          SnmfModel als = Snmf.fit(a, options(10, 0.1).seed(seed).maxIterations(80).build());
          SnmfModel multiplicative =
              Snmf.fit(
                  a,
                  options(10, 0.1)
                      .solver(Solver.MULTIPLICATIVE)
                      .seed(seed)
                      .maxIterations(200)
                      .build())) {
        double ratio = als.report().relativeLoss() / multiplicative.report().relativeLoss();
        assertTrue(ratio < 1.1, "seed " + seed + ": " + ratio);
        sum += Math.log(ratio);
      }
    }
    assertTrue(Math.exp(sum / seeds) < 0.98, "mean ratio " + Math.exp(sum / seeds));
  }

  @Test
  void aPenaltyMakesCoefficientsSparserAndLowersItsOwnObjective() {
    double penalty = 0.1;
    try (Matrix a = planted(80, 400, 10, 6);
        SnmfModel plain = Snmf.fit(a, options(10, 0.1).build());
        SnmfModel penalized = Snmf.fit(a, options(10, 0.1).coefficientPenalty(penalty).build())) {
      assertTrue(perToken(penalized) < 0.8 * perToken(plain));
      assertTrue(plain.report().loss() < penalized.report().loss());
      assertTrue(objective(a, penalized, penalty) < objective(a, plain, penalty));
    }
  }

  @Test
  void aPenaltyBeyondAllUseEmptiesTheModelWithoutFailing() {
    try (Matrix a = planted(20, 100, 4, 7);
        SnmfModel model = Snmf.fit(a, options(4, 0.2).coefficientPenalty(1e6).build())) {
      assertEquals(1, model.report().relativeLoss(), 1e-9);
      assertEquals(0, perToken(model));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 11})
  void fewIterationsAreDoneExactly(int iterations) {
    try (Matrix a = planted(20, 100, 4, 8);
        SnmfModel model = Snmf.fit(a, options(4, 0.2).maxIterations(iterations).build())) {
      assertEquals(iterations, model.report().iterations());
      assertTrue(model.report().relativeLoss() < 1);
    }
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    try (Matrix a = planted(30, 200, 6, 9);
        SnmfModel one = Snmf.fit(a, options(6, 0.2).seed(5).build());
        SnmfModel two = Snmf.fit(a, options(6, 0.2).seed(5).build())) {
      assertArrayEquals(one.report().losses(), two.report().losses());
      for (int i = 0; i < 30; i++) {
        for (int j = 0; j < 6; j++) {
          assertEquals(one.features().get(i, j), two.features().get(i, j));
        }
      }
    }
  }

  @Test
  void startsFromGivenCoefficients() {
    try (Matrix a = planted(30, 200, 6, 10);
        SnmfModel first = Snmf.fit(a, options(6, 0.2).maxIterations(60).build());
        SnmfModel second =
            Snmf.fit(
                a,
                options(6, 0.2)
                    .initialization(Initialization.coefficients(first.coefficients()))
                    .maxIterations(60)
                    .build())) {
      assertEquals("given", second.report().initialization());
      assertTrue(second.report().losses()[0] < first.report().losses()[0]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 12, 30})
  void cancellationLeavesNothing(int asked) {
    try (Matrix a = planted(30, 200, 6, 11);
        Backend backend = Backends.open("java", new BackendConfig(2))) {
      int[] left = {asked};
      SnmfOptions options = options(6, 0.2).tolerance(0).cancellation(() -> left[0]-- <= 0).build();
      long matrices = Matrix.liveBytes();
      assertThrows(CancelledException.class, () -> Snmf.fit(a, options, backend));
      assertEquals(0, backend.memory().current());
      assertEquals(matrices, Matrix.liveBytes());
    }
  }

  @Test
  void onlyThisSolverTakesAPenalty() {
    InvalidArgumentException refused =
        assertThrows(
            InvalidArgumentException.class,
            () ->
                SnmfOptions.builder(3)
                    .solver(Solver.MULTIPLICATIVE)
                    .coefficientPenalty(0.1)
                    .build());
    assertEquals(
        "coefficient penalty is 0.1 but must be 0 for the solver MULTIPLICATIVE",
        refused.getMessage());
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(
          InvalidArgumentException.class, () -> SnmfOptions.builder(3).coefficientPenalty(bad));
    }
  }

  private static double perToken(SnmfModel model) {
    double sum = 0;
    for (int j = 0; j < model.rank(); j++) {
      sum += model.statistics(j).maxCoefficient() > 0 ? model.statistics(j).density() : 0;
    }
    return sum;
  }

  private static double objective(Matrix a, SnmfModel model, double penalty) {
    double sum = 0;
    for (int j = 0; j < model.rank(); j++) {
      for (long t = 0; t < model.tokens(); t++) {
        sum += model.coefficients().get(j, t);
      }
    }
    double lambda = penalty * Math.sqrt(model.report().squaredNorm() / model.tokens());
    return residual(a, model) / 2 + lambda * sum;
  }

  private static double residual(Matrix a, SnmfModel model) {
    double[][] z = model.features().toArray();
    double[][] y = model.coefficients().toArray();
    double total = 0;
    for (int i = 0; i < z.length; i++) {
      for (int t = 0; t < y[0].length; t++) {
        double rest = a.get(i, t);
        for (int j = 0; j < y.length; j++) {
          rest -= z[i][j] * y[j][t];
        }
        total += rest * rest;
      }
    }
    return total;
  }
}
