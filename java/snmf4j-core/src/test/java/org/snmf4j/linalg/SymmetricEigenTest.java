package org.snmf4j.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SymmetricEigenTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 10, 41})
  void decomposes(int n) {
    SplittableRandom random = new SplittableRandom(n);
    double[][] m = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        m[i][j] = random.nextGaussian();
        m[j][i] = m[i][j];
      }
    }
    SymmetricEigen eigen = SymmetricEigen.of(m);
    for (int l = 0; l < n; l++) {
      double[] v = eigen.vector(l);
      for (int i = 0; i < n; i++) {
        double product = 0;
        for (int j = 0; j < n; j++) {
          product += m[i][j] * v[j];
        }
        assertEquals(eigen.value(l) * v[i], product, 1e-12 * n);
      }
      for (int other = 0; other <= l; other++) {
        double inner = 0;
        for (int i = 0; i < n; i++) {
          inner += v[i] * eigen.vector(other)[i];
        }
        assertEquals(other == l ? 1 : 0, inner, 1e-12 * n);
      }
      assertTrue(l == 0 || eigen.value(l) <= eigen.value(l - 1), "not in descending order");
    }
  }

  @Test
  void leavesItsArgumentAlone() {
    double[][] m = {{2, 1}, {1, 2}};
    SymmetricEigen eigen = SymmetricEigen.of(m);
    assertEquals(1, m[0][1]);
    assertEquals(3, eigen.value(0), 1e-14);
    assertEquals(1, eigen.value(1), 1e-14);
  }

  @Test
  void zeroHasZeroEigenvalues() {
    SymmetricEigen eigen = SymmetricEigen.of(new double[3][3]);
    for (int i = 0; i < 3; i++) {
      assertEquals(0, eigen.value(i));
    }
  }
}
