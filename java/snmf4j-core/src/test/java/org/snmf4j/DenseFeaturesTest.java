package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.fixture.Planted;
import org.snmf4j.linalg.SymmetricEigen;
import org.snmf4j.matrix.Matrix;

/** {@link Solver#ALS} with features of density 1. */
class DenseFeaturesTest {
  private static SnmfOptions.Builder options(int rank) {
    return SnmfOptions.builder(rank)
        .solver(Solver.ALS)
        .featureDensity(1)
        .coefficientPenalty(0)
        .maxIterations(60)
        .backend("java")
        .threads(2);
  }

  /** Gaussian noise of falling strength around {@code offset} in every entry. */
  private static double[][] noise(int d, int n, double offset, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] a = new double[d][n];
    for (int j = 0; j < d; j++) {
      double strength = Math.pow(0.93, j);
      double[] left = new double[d];
      for (int i = 0; i < d; i++) {
        left[i] = random.nextGaussian() / Math.sqrt(d);
      }
      for (int t = 0; t < n; t++) {
        double right = strength * random.nextGaussian();
        for (int i = 0; i < d; i++) {
          a[i][t] += left[i] * right;
        }
      }
    }
    for (int i = 0; i < d; i++) {
      for (int t = 0; t < n; t++) {
        a[i][t] += offset;
      }
    }
    return a;
  }

  /** Σ σ_j² over the singular values beyond the first k: no fit of rank k has less. */
  private static double optimum(double[][] a, int k) {
    int d = a.length;
    double[][] outer = new double[d][d];
    for (int i = 0; i < d; i++) {
      for (int l = 0; l < d; l++) {
        for (int t = 0; t < a[i].length; t++) {
          outer[i][l] += a[i][t] * a[l][t];
        }
      }
    }
    SymmetricEigen eigen = SymmetricEigen.of(outer);
    double sum = 0;
    for (int j = k; j < d; j++) {
      sum += eigen.value(j);
    }
    return sum;
  }

  /**
   * The optimum up to what 16 steps of subspace iteration with 16 extra directions leave: with
   * singular values that fall by 7 % each, (0.93^17)^32 &lt; 1e-16 of it, and rounding.
   */
  @ParameterizedTest
  @CsvSource({"40, 300, 5, 1", "40, 300, 1, 2", "64, 1500, 12, 3", "30, 40, 29, 4", "50, 50, 8, 5"})
  void reachTheOptimumOfAllFactorizations(int d, int n, int k, long seed) {
    double[][] a = noise(d, n, 0.6, seed);
    double best = optimum(a, k);
    try (Matrix matrix = Matrix.of(a);
        SnmfModel model = Snmf.fit(matrix, options(k).build())) {
      FitReport report = model.report();
      assertEquals(best, report.loss(), 1e-9 * report.squaredNorm());
      assertEquals(1, report.iterations(), "a closed form takes no iterations");
      double[][] y = model.coefficients().toArray();
      for (double[] row : y) {
        for (double value : row) {
          assertTrue(value >= 0);
        }
      }
      double loss = Planted.loss(a, model.features().toArray(), y);
      assertEquals(report.loss(), loss, 1e-9 * report.squaredNorm());
    }
  }

  @Test
  void reachItWhereThePositiveVectorIsAWeakSingularVector() {
    // The offset is weaker than the strongest directions of the noise, but within the first k.
    double[][] a = noise(40, 200, 0.12, 7);
    try (Matrix matrix = Matrix.of(a);
        SnmfModel model = Snmf.fit(matrix, options(38).build())) {
      assertEquals(1, model.report().iterations());
      assertEquals(optimum(a, 38), model.report().loss(), 1e-9 * model.report().squaredNorm());
    }
  }

  @Test
  void fallBackToIterationsWhereNoVectorIsPositive() {
    // Tokens point everywhere in the three leading directions.
    double[][] a = noise(30, 400, 0, 8);
    try (Matrix matrix = Matrix.of(a);
        SnmfModel model = Snmf.fit(matrix, options(3).build())) {
      FitReport report = model.report();
      assertTrue(report.iterations() > 1);
      assertTrue(report.loss() > optimum(a, 3) + 1e-3 * report.squaredNorm());
      assertTrue(report.loss() < report.squaredNorm());
    }
  }

  @Test
  void ofARankBeyondThatOfTheActivationsStayZero() {
    double[][] a = new double[12][90];
    SplittableRandom random = new SplittableRandom(9);
    for (int t = 0; t < 90; t++) {
      double first = 1 + random.nextDouble();
      double second = random.nextGaussian();
      for (int i = 0; i < 12; i++) {
        a[i][t] = first * (i + 1) + second * (i % 3);
      }
    }
    try (Matrix matrix = Matrix.of(a);
        SnmfModel model = Snmf.fit(matrix, options(4).build())) {
      assertEquals(0, model.report().relativeLoss(), 1e-12);
      assertEquals(1, model.report().iterations());
    }
  }

  @Test
  void keepThePenalty() {
    double[][] a = noise(40, 300, 0.6, 1);
    try (Matrix matrix = Matrix.of(a);
        SnmfModel model = Snmf.fit(matrix, options(5).coefficientPenalty(0.02).build())) {
      assertTrue(model.report().iterations() > 1, "the closed form knows no penalty");
    }
  }
}
