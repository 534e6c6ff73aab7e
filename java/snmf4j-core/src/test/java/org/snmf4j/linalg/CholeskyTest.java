package org.snmf4j.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
