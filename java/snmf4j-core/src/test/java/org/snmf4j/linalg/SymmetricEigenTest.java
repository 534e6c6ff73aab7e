package org.snmf4j.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SymmetricEigenTest {
  /**
   * Of orthogonal steps, errors are a small multiple of the rounding error times the norm; they
   * grow like the square root of the size at most, and ten such roundings are allowed for.
   */
  private static double allowed(int n) {
    return 10 * Math.sqrt(n) * Math.ulp(1.0);
  }

  private static double[][] random(int n) {
    SplittableRandom random = new SplittableRandom(n);
    return symmetric(n, (i, j) -> random.nextGaussian());
  }

  private interface Entry {
    double at(int i, int j);
  }

  private static double[][] symmetric(int n, Entry entry) {
    double[][] m = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        m[i][j] = entry.at(i, j);
        m[j][i] = m[i][j];
      }
    }
    return m;
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  /** The Frobenius norm; without squares of the entries, which may be too large or too small. */
  private static double norm(double[][] m) {
    double norm = 0;
    for (double[] row : m) {
      for (double value : row) {
        norm = Math.hypot(norm, value);
      }
    }
    return norm;
  }

  /** Residual, orthogonality, order and trace. */
  private static SymmetricEigen requireDecomposed(double[][] m) {
    int n = m.length;
    double norm = norm(m);
    SymmetricEigen eigen =
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> SymmetricEigen.of(m));
    double trace = 0;
    double sum = 0;
    for (int l = 0; l < n; l++) {
      double[] v = eigen.vector(l);
      double value = eigen.value(l);
      double residual = 0;
      for (int i = 0; i < n; i++) {
        residual = Math.hypot(residual, dot(m[i], v) - value * v[i]);
      }
      assertEquals(0, residual, allowed(n) * norm, "residual " + l);
      for (int other = 0; other <= l; other++) {
        double expected = other == l ? 1 : 0;
        assertEquals(expected, dot(v, eigen.vector(other)), allowed(n), l + " and " + other);
      }
      assertTrue(l == 0 || value <= eigen.value(l - 1), "not in descending order");
      trace += m[l][l];
      sum += value;
    }
    assertEquals(trace, sum, n * allowed(n) * norm, "trace");
    return eigen;
  }

  private static void requireValues(SymmetricEigen eigen, double scale, double... expected) {
    for (int l = 0; l < expected.length; l++) {
      assertEquals(
          expected[l], eigen.value(l), allowed(expected.length) * scale, "eigenvalue " + l);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 10, 41, 77, 120})
  void decomposes(int n) {
    requireDecomposed(random(n));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-300, 1e-150, 1e-146, 1e-12, 1e12, 1e150, 1e300})
  void sizeDoesNotMatter(double size) {
    for (int n : new int[] {1, 2, 3, 30}) {
      double[][] m = random(n);
      double[][] scaled = symmetric(n, (i, j) -> m[i][j] * size);
      SymmetricEigen expected = requireDecomposed(m);
      SymmetricEigen actual = requireDecomposed(scaled);
      for (int l = 0; l < n; l++) {
        assertEquals(
            expected.value(l), actual.value(l) / size, allowed(n) * norm(m), "eigenvalue " + l);
      }
      double[][] b = random(n);
      // Of rank one, so that what the reduction leaves is rounding of this size.
      requireDecomposed(symmetric(n, (i, j) -> b[0][i] * b[0][j] * size));
    }
  }

  /** What lies below 1e-8 of its neighbours counts, too. */
  @ParameterizedTest
  @ValueSource(doubles = {1e-5, 1e-8, 3e-9, 1e-10, 1e-14, 1e-20, 1e-155, 1e-162, 1e-200, 1e-310})
  void smallEntriesAreNotLost(double small) {
    requireDecomposed(
        symmetric(6, (i, j) -> i == j ? i : i - j == 1 ? 1 : small * (1 + i + 2 * j)));
    requireDecomposed(symmetric(7, (i, j) -> i < 3 ? 1.0 / (1 + i + j) : small / (1 + i + j)));
    double[][] graded = symmetric(5, (i, j) -> (1 + i * j % 3) * Math.pow(small, (i + j) / 8.0));
    requireDecomposed(graded);
    requireDecomposed(symmetric(5, (i, j) -> graded[4 - i][4 - j]));
  }

  @Test
  void rankDeficientMatricesHaveEigenvaluesOfZero() {
    int n = 60;
    int rank = 7;
    double[][] b = random(n);
    double[][] m =
        symmetric(n, (i, j) -> dot(Arrays.copyOf(b[i], rank), Arrays.copyOf(b[j], rank)));
    SymmetricEigen eigen = requireDecomposed(m);
    assertTrue(eigen.value(rank - 1) > 1e-3 * eigen.value(0));
    for (int l = rank; l < n; l++) {
      assertEquals(0, eigen.value(l), allowed(n) * norm(m), "eigenvalue " + l);
    }
  }

  @Test
  void repeatedEigenvaluesHaveOrthogonalVectors() {
    int n = 40;
    // I − 2uuᵀ has the eigenvalues 1, n − 1 times, and −1.
    double[] u = random(n)[3];
    double square = dot(u, u);
    SymmetricEigen eigen =
        requireDecomposed(symmetric(n, (i, j) -> (i == j ? 1 : 0) - 2 * u[i] * u[j] / square));
    double[] expected = new double[n];
    Arrays.fill(expected, 1);
    expected[n - 1] = -1;
    requireValues(eigen, Math.sqrt(n), expected);
    // All ones: n once, zero else.
    double[] one = new double[n];
    one[0] = n;
    requireValues(requireDecomposed(symmetric(n, (i, j) -> 1)), n, one);
  }

  @Test
  void diagonalMatricesAreSorted() {
    double[] diagonal = {3, -7, 0, 1e-200, 5, 3, -1e-5};
    SymmetricEigen eigen = requireDecomposed(symmetric(7, (i, j) -> i == j ? diagonal[i] : 0));
    requireValues(eigen, 0, 5, 3, 3, 1e-200, 0, -1e-5, -7);
    requireValues(requireDecomposed(symmetric(9, (i, j) -> i == j ? 1 : 0)), 0, 1, 1, 1, 1, 1);
  }

  @Test
  void knownSpectra() {
    requireValues(requireDecomposed(new double[][] {{-4}}), 0, -4);
    requireValues(requireDecomposed(new double[][] {{2, 1}, {1, 2}}), 3, 3, 1);
    requireValues(requireDecomposed(new double[][] {{0, 1}, {1, 0}}), 1, 1, -1);
    requireValues(requireDecomposed(new double[][] {{1, 1e-9}, {1e-9, 1}}), 1, 1 + 1e-9, 1 - 1e-9);
    // The second difference has 2 − 2 cos(πl / (n + 1)).
    int n = 50;
    double[] expected = new double[n];
    for (int l = 0; l < n; l++) {
      expected[l] = 2 - 2 * Math.cos(Math.PI * (n - l) / (n + 1));
    }
    requireValues(
        requireDecomposed(symmetric(n, (i, j) -> i == j ? 2 : i - j == 1 ? -1 : 0)), 4, expected);
  }

  @Test
  void leavesItsArgumentAlone() {
    double[][] m = random(12);
    double[][] before = Arrays.stream(m).map(double[]::clone).toArray(double[][]::new);
    SymmetricEigen eigen = SymmetricEigen.of(m);
    assertTrue(Arrays.deepEquals(before, m));
    double[] vector = eigen.vector(0);
    double first = vector[0];
    vector[0] = 9;
    assertEquals(first, eigen.vector(0)[0], "not a copy");
  }

  @Test
  void zeroHasZeroEigenvalues() {
    for (int n : new int[] {1, 2, 3, 20}) {
      requireValues(requireDecomposed(new double[n][n]), 0, new double[n]);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void refusesWhatIsNotFinite(double value) {
    for (int n : new int[] {1, 2, 3, 15}) {
      for (int[] at : new int[][] {{0, 0}, {n - 1, n - 1}, {n / 2, 0}, {n - 1, n / 2}}) {
        double[][] m = random(n);
        m[at[0]][at[1]] = value;
        m[at[1]][at[0]] = value;
        assertTimeoutPreemptively(
            Duration.ofSeconds(20),
            () -> assertThrowsExactly(ArithmeticException.class, () -> SymmetricEigen.of(m)));
      }
    }
  }
}
