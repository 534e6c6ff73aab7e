package org.snmf4j.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CholeskyTest {
  @Test
  void solves() {
    double[] b = {8, 9, 7};
    Cholesky.of(new double[][] {{4, 2, 0}, {2, 5, 1}, {0, 1, 3}}, 0).solve(b);
    assertEquals(8, 4 * b[0] + 2 * b[1], 1e-12);
    assertEquals(9, 2 * b[0] + 5 * b[1] + b[2], 1e-12);
    assertEquals(7, b[1] + 3 * b[2], 1e-12);
  }

  @Test
  void addsTheRidge() {
    double[] b = {3, 8};
    Cholesky.of(new double[][] {{2, 0}, {0, 3}}, 1).solve(b);
    assertArrayEquals(new double[] {1, 2}, b, 1e-15);
  }

  @Test
  void readsTheLowerTriangleOnly() {
    double[] b = {5, 7};
    Cholesky.of(new double[][] {{2, Double.NaN}, {1, 3}}, 0).solve(b);
    assertArrayEquals(new double[] {1.6, 1.8}, b, 1e-12);
  }

  @Test
  void forwardSolvesWithTheFactor() {
    double[] b = {2, 5};
    Cholesky.of(new double[][] {{4, 2}, {2, 10}}, 0).forward(b);
    assertArrayEquals(new double[] {1, 4.0 / 3}, b, 1e-15);
  }

  @Test
  void backwardSolvesWithTheTransposedFactor() {
    // L = [[2, 0], [1, 3]], Lᵀx = (2x_0 + x_1, 3x_1).
    double[] b = {2, 6};
    Cholesky.of(new double[][] {{4, 2}, {2, 10}}, 0).backward(b);
    assertArrayEquals(new double[] {0, 2}, b, 1e-15);
    double[] single = {6};
    Cholesky.of(new double[][] {{4}}, 5).backward(single);
    assertArrayEquals(new double[] {2}, single, 1e-15);
  }

  @Test
  void manyColumnsAreSolvedAsEachAlone() {
    int n = 9;
    SplittableRandom random = new SplittableRandom(n);
    double[][] m = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        m[i][j] = i == j ? n : random.nextDouble(-1, 1);
      }
    }
    Cholesky factor = Cholesky.of(m, 0);
    for (int columns : new int[] {1, 5, n}) {
      double[][] forward = new double[n][columns];
      double[][] backward = new double[n][columns];
      double[][] each = new double[columns][n];
      for (int j = 0; j < columns; j++) {
        for (int i = 0; i < n; i++) {
          each[j][i] = random.nextDouble(-1, 1);
          forward[i][j] = each[j][i];
          backward[i][j] = each[j][i];
        }
      }
      factor.forwardRows(forward);
      factor.backwardRows(backward);
      for (int j = 0; j < columns; j++) {
        double[] alone = each[j].clone();
        factor.forward(alone);
        factor.backward(each[j]);
        for (int i = 0; i < n; i++) {
          assertEquals(alone[i], forward[i][j], 0.0);
          assertEquals(each[j][i], backward[i][j], 0.0);
        }
      }
    }
  }

  @Test
  void backwardTakesPartInWhatIsOrthonormal() {
    // With M = LLᵀ the columns x of L⁻ᵀ are orthonormal under M: xᵀMx′ = 1 or 0.
    int n = 40;
    SplittableRandom random = new SplittableRandom(n);
    double[][] m = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        m[i][j] = i == j ? n : random.nextDouble(-1, 1);
        m[j][i] = m[i][j];
      }
    }
    Cholesky factor = Cholesky.of(m, 0);
    double[][] columns = new double[n][n];
    for (int i = 0; i < n; i++) {
      columns[i][i] = 1;
      factor.backward(columns[i]);
    }
    for (int i = 0; i < n; i++) {
      double[] image = new double[n];
      for (int j = 0; j < n; j++) {
        for (int l = 0; l < n; l++) {
          image[j] += m[j][l] * columns[i][l];
        }
      }
      for (int other = 0; other < n; other++) {
        double inner = 0;
        for (int j = 0; j < n; j++) {
          inner += columns[other][j] * image[j];
        }
        // M's condition number is below 10; a few dozen roundings of 1e-16.
        assertEquals(other == i ? 1 : 0, inner, 1e-13);
      }
    }
  }

  @Test
  void saysNoToIndefiniteMatrices() {
    assertNull(Cholesky.of(new double[][] {{1, 2}, {2, 1}}, 0));
    assertNull(Cholesky.of(new double[][] {{0}}, 0));
    assertNull(Cholesky.of(new double[][] {{Double.NaN}}, 0));
    assertNull(Cholesky.of(new double[][] {{Double.POSITIVE_INFINITY}}, 0));
    assertNotNull(Cholesky.of(new double[][] {{1, 2}, {2, 1}}, 2));
  }

  @Test
  void growsTheRidgeUntilItWorks() {
    double[][] singular = {{1e8, 1e8}, {1e8, 1e8}};
    double[] b = {1e8, 1e8};
    Cholesky.ofRegularized(singular, 1e-300).solve(b);
    assertEquals(1, b[0] + b[1], 1e-6);
    assertTrue(Math.abs(b[0] - b[1]) < 1, b[0] + ", " + b[1]);
    assertNotNull(Cholesky.ofRegularized(new double[3][3], 1e-6));
  }

  @Test
  void refusesNonsense() {
    assertThrowsExactly(
        ArithmeticException.class,
        () -> Cholesky.ofRegularized(new double[][] {{Double.NaN}}, 1e-6));
    assertThrowsExactly(
        ArithmeticException.class,
        () -> Cholesky.ofRegularized(new double[][] {{Double.POSITIVE_INFINITY}}, 1e-6));
  }
}
