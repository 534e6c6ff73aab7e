package org.snmf4j.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.matrix.Matrix;

class SvdStartTest {
  private static double[][] start(double[][] a, int rank, long seed) {
    try (Backend backend = Backends.open("java", new BackendConfig(1));
        Matrix matrix = Matrix.of(a);
        Activations packed = backend.pack(matrix);
        Coefficients y =
            new SvdStart().create(new Problem(backend, packed, rank, 1), seed, Monitor.NONE);
        Matrix values = y.download()) {
      return values.toArray();
    }
  }

  /** Rows √σ_j v_j, by one-sided Jacobi rotations of A's columns (Hestenes 1958). */
  private static double[][] scaledRightVectors(double[][] a) {
    int d = a.length;
    int n = a[0].length;
    double[][] columns = new double[n][d];
    double[][] v = new double[n][n];
    for (int t = 0; t < n; t++) {
      v[t][t] = 1;
      for (int i = 0; i < d; i++) {
        columns[t][i] = a[i][t];
      }
    }
    for (int sweep = 0; sweep < 40; sweep++) {
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          orthogonalize(columns, v, p, q);
        }
      }
    }
    Integer[] order = new Integer[n];
    double[] sigma = new double[n];
    for (int t = 0; t < n; t++) {
      order[t] = t;
      sigma[t] = Math.sqrt(dot(columns[t], columns[t]));
    }
    Arrays.sort(order, Comparator.comparingDouble(t -> -sigma[t]));
    double[][] rows = new double[n][n];
    for (int j = 0; j < n; j++) {
      for (int t = 0; t < n; t++) {
        rows[j][t] = Math.sqrt(sigma[order[j]]) * v[order[j]][t];
      }
    }
    return rows;
  }

  private static void orthogonalize(double[][] columns, double[][] v, int p, int q) {
    double alpha = dot(columns[p], columns[p]);
    double beta = dot(columns[q], columns[q]);
    double gamma = dot(columns[p], columns[q]);
    if (Math.abs(gamma) <= 1e-16 * Math.sqrt(alpha * beta)) {
      return;
    }
    double zeta = (beta - alpha) / (2 * gamma);
    double t = Math.copySign(1, zeta) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
    double c = 1 / Math.sqrt(1 + t * t);
    double s = c * t;
    turn(columns[p], columns[q], c, s);
    turn(v[p], v[q], c, s);
  }

  private static void turn(double[] x, double[] y, double c, double s) {
    for (int i = 0; i < x.length; i++) {
      double old = x[i];
      x[i] = c * old - s * y[i];
      y[i] = s * old + c * y[i];
    }
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  /** Noise whose directions fall off in strength, as activations do. */
  private static double[][] decaying(int d, int n) {
    SplittableRandom random = new SplittableRandom(5);
    double[][] a = new double[d][n];
    for (int j = 0; j < Math.min(d, n); j++) {
      double strength = Math.pow(0.8, j);
      double[] left = random.doubles(d, -1, 1).toArray();
      double[] right = random.doubles(n, -1, 1).toArray();
      for (int i = 0; i < d; i++) {
        for (int t = 0; t < n; t++) {
          a[i][t] += strength * left[i] * right[t];
        }
      }
    }
    return a;
  }

  @ParameterizedTest
  @CsvSource({"30, 40, 1", "30, 40, 6", "40, 30, 6", "12, 40, 12", "40, 12, 12", "60, 80, 10"})
  void isTheClampedSvd(int d, int n, int rank) {
    double[][] a = decaying(d, n);
    double[][] exact = scaledRightVectors(a);
    double[][] start = start(a, rank, 9);
    for (int j = 0; j < rank; j++) {
      double balance = 0;
      for (double value : exact[j]) {
        balance += value * Math.abs(value);
      }
      double sign = balance < 0 ? -1 : 1;
      for (int t = 0; t < n; t++) {
        assertEquals(
            Math.max(sign * exact[j][t], 1e-6), start[j][t], 1e-5, "row " + j + ", token " + t);
      }
    }
  }

  @Test
  void theSeedHardlyMatters() {
    double[][] a = decaying(30, 40);
    double[][] first = start(a, 5, 1);
    double[][] second = start(a, 5, 2);
    for (int j = 0; j < 5; j++) {
      for (int t = 0; t < 40; t++) {
        assertEquals(first[j][t], second[j][t], 1e-5);
      }
    }
  }

  @Test
  void directionsThatTheDataLacksGetTheFloor() {
    // Rank 1 data, rank 3 asked for.
    double[][] a = new double[5][9];
    for (int i = 0; i < 5; i++) {
      for (int t = 0; t < 9; t++) {
        a[i][t] = (i - 2) * (t + 1);
      }
    }
    double[][] start = start(a, 3, 1);
    assertTrue(start[0][8] > start[0][0] && start[0][0] > 0.1, Arrays.toString(start[0]));
    for (int j = 1; j < 3; j++) {
      for (double value : start[j]) {
        assertEquals(1e-6, value, 1e-8);
      }
    }
  }
}
