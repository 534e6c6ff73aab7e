package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.matrix.ElementType;

/** Orthonormal bases of the features' span, and products of features. */
abstract class SubspaceSuite extends Suite {
  /** As wide as any here, so that the workspaces have their size. */
  @BeforeAll
  final void warmUpProducts() {
    try (Features left = backend.newFeatures(300, 200);
        Features right = backend.newFeatures(200, 200);
        Features result = backend.newFeatures(300, 200)) {
      backend.orthonormalize(left);
      backend.multiply(left, right, result);
    }
  }

  /**
   * How far inner products of a basis may be off. float32: rounding two unit vectors moves their
   * inner product by 2 · 2⁻²⁴ = 1.2e-7 at most; eight times this leaves room for the float64 steps
   * before, whose errors the columns' dependence enlarges, here to 1e-8 of the lengths at most.
   * float64: 300 roundings of 1e-16, and the dependence of the columns.
   */
  static double orthogonality(Backend backend) {
    return backend.elementType() == ElementType.FLOAT32 ? 1e-6 : 1e-12;
  }

  /** Heavy-tailed columns; float32 numbers. */
  static double[][] columns(int neurons, int rank, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] values = new double[neurons][rank];
    for (double[] row : values) {
      Arrays.setAll(row, j -> Instance.heavyTailed(random));
    }
    return values;
  }

  static double[][] orthonormal(Backend backend, int neurons, int rank, long seed) {
    try (Features z = features(backend, columns(neurons, rank, seed))) {
      backend.orthonormalize(z);
      return take(z.download());
    }
  }

  /** Fails unless the basis is that of Gram and Schmidt, without those columns. */
  private void requireBasis(double[][] z, int... dependent) {
    int rank = z[0].length;
    double allowed = orthogonality(backend);
    double[][] basis;
    try (Features features = features(z)) {
      backend.orthonormalize(features);
      basis = take(features.download());
    }
    double[][] transposed = Plain.transpose(basis);
    double[][] inner = Plain.times(transposed, basis);
    double[][] shares = Plain.times(transposed, z);
    double[][] explained = Plain.times(basis, shares);
    double[][] columns = Plain.transpose(z);
    for (int j = 0; j < rank; j++) {
      int column = j;
      boolean kept = IntStream.of(dependent).noneMatch(other -> other == column);
      double length = Math.sqrt(Plain.squaredNorm(columns[j]));
      // What a column may have beyond the ones before it and still become zero is 1e-5 of its
      // length.
      double beyond = length * (kept ? allowed : 1e-5);
      for (int l = 0; l < rank; l++) {
        double expected = l == j && kept ? 1 : 0;
        assertEquals(expected, inner[j][l], allowed, "inner product of " + j + " and " + l);
        if (l > j) {
          // Column j lies in the span of the basis up to j.
          assertEquals(0, shares[l][j], beyond, "share of " + l + " in " + j);
        }
      }
      if (kept) {
        assertTrue(shares[j][j] > 0, "direction " + j + " is turned round");
      } else {
        assertArrayEquals(new double[z.length], transposed[j], 0.0, "column " + j);
      }
      double missing = kept ? beyond * Math.sqrt(rank) : beyond;
      for (int i = 0; i < z.length; i++) {
        assertEquals(z[i][j], explained[i][j], missing, "column " + j + " at " + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "5, 1",
    "5, 5",
    "17, 3",
    "63, 7",
    "64, 16",
    "65, 17",
    "95, 12",
    "96, 13",
    "97, 33",
    "128, 25",
    "193, 4",
    "300, 1",
    "300, 100",
    "300, 200"
  })
  void columnsBecomeOrthonormalInOrder(int neurons, int rank) {
    requireBasis(columns(neurons, rank, 31L * neurons + rank));
  }

  @Test
  void zeroColumnsStayZero() {
    double[][] z = columns(130, 9, 1);
    for (double[] row : z) {
      row[0] = 0;
      row[5] = 0;
      row[8] = 0;
    }
    requireBasis(z, 0, 5, 8);
    requireBasis(new double[70][3], 0, 1, 2);
    requireBasis(new double[1][1], 0);
  }

  @Test
  void dependentColumnsBecomeZero() {
    double[][] z = columns(130, 20, 2);
    for (double[] row : z) {
      row[1] = row[0];
      row[4] = -3 * row[2];
      // Rounding this to float32 leaves 1e-7 of its length, which counts as none.
      row[7] = (float) (row[2] - 0.7 * row[3] + 1.3 * row[6]);
      row[19] = (float) (row[17] + row[18] + row[0]);
    }
    requireBasis(z, 1, 4, 7, 19);
    double[][] same = new double[70][18];
    for (double[] row : same) {
      Arrays.fill(row, 0.3f);
    }
    requireBasis(same, IntStream.range(1, 18).toArray());
  }

  @Test
  void moreColumnsThanNeuronsLeaveAsManyAsThereAreNeurons() {
    requireBasis(columns(5, 8, 3), 5, 6, 7);
    requireBasis(columns(1, 3, 4), 1, 2);
    requireBasis(columns(70, 100, 5), IntStream.range(70, 100).toArray());
  }

  @Test
  void nearlyDependentColumnsAreKept() {
    double[][] z = columns(300, 30, 6);
    for (int j = 1; j < 30; j += 3) {
      for (double[] row : z) {
        row[j] = (float) (row[j - 1] + 1e-4 * row[j]);
      }
    }
    requireBasis(z);
  }

  @ParameterizedTest
  @CsvSource({"1e-6, 1e6", "1e6, 1e-6", "1e-18, 1e15", "1e-30, 1"})
  void theColumnsSizesDoNotMatter(double even, double odd) {
    double[][] z = columns(130, 21, 7);
    for (double[] row : z) {
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) (row[j] * (j % 2 == 0 ? even : odd));
      }
    }
    requireBasis(z);
    for (double[] row : z) {
      row[4] = row[3];
      row[12] = (float) (0.5 * row[8] - 2 * row[10]);
    }
    requireBasis(z, 4, 12);
  }

  @Test
  void aBasisStaysAsItIs() {
    double[][] basis = orthonormal(backend, 130, 33, 8);
    try (Features features = features(basis)) {
      backend.orthonormalize(features);
      double[][] again = take(features.download());
      double allowed = orthogonality(backend);
      for (int i = 0; i < basis.length; i++) {
        assertArrayEquals(basis[i], again[i], allowed, "neuron " + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "5, 3, 2",
    "17, 7, 16",
    "63, 12, 1",
    "64, 1, 4",
    "65, 4, 12",
    "97, 96, 13",
    "128, 97, 25",
    "128, 33, 3",
    "200, 200, 200",
    "300, 200, 33"
  })
  void multiplies(int neurons, int inner, int rank) {
    double[][] left = columns(neurons, inner, 1);
    double[][] right = columns(inner, rank, 2);
    right[inner / 2][0] = 0;
    try (Features first = features(left);
        Features second = features(right);
        Features result = features(columns(neurons, rank, 3))) {
      backend.multiply(first, second, result);
      requireProduct(left, right, result);
      assertTrue(Arrays.deepEquals(left, take(first.download())), "the left factor changed");
      assertTrue(Arrays.deepEquals(right, take(second.download())), "the right factor changed");
    }
  }

  private void requireProduct(double[][] left, double[][] right, Features result) {
    Tolerance.requireNear(
        "product",
        Plain.times(left, right),
        take(result.download()),
        Plain.times(Plain.abs(left), Plain.abs(right)),
        tolerance);
  }

  @Test
  void aFactorMayBeBoth() {
    double[][] square = columns(70, 70, 9);
    try (Features factor = features(square);
        Features result = backend.newFeatures(70, 70)) {
      backend.multiply(factor, factor, result);
      requireProduct(square, square, result);
    }
  }

  /** What was derived from the features before does not outlive them. */
  @Test
  void laterOperationsSeeWhatWasWritten() {
    Instance instance = new Instance(128, 65, 7, 0.05);
    double[][] mix = columns(7, 7, 10);
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Features right = features(mix);
        Features result = features(instance.z);
        Coefficients p = backend.newCoefficients(7, 65)) {
      backend.project(a, z, p);
      backend.project(a, result, p);
      backend.multiply(z, right, result);
      requireProjection(instance, result, p, a);
      backend.orthonormalize(z);
      requireProjection(instance, z, p, a);
    }
  }

  private void requireProjection(Instance instance, Features z, Coefficients p, Activations a) {
    double[][] transposed = Plain.transpose(take(z.download()));
    backend.project(a, z, p);
    Tolerance.requireNear(
        "P",
        Plain.times(transposed, instance.a),
        take(p.download()),
        Plain.times(Plain.abs(transposed), Plain.abs(instance.a)),
        tolerance);
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "5", "16"})
  void theSameAgainGivesTheSameBits(int threads) {
    double[][] z = columns(300, 33, 11);
    double[][] right = columns(33, 17, 12);
    double[][][] first = new double[2][][];
    for (int run = 0; run < 2; run++) {
      try (Backend other = open(threads);
          Features left = features(other, z);
          Features factor = features(other, right);
          Features result = other.newFeatures(300, 17)) {
        other.orthonormalize(left);
        other.multiply(left, factor, result);
        double[][][] found = {take(left.download()), take(result.download())};
        if (run == 0) {
          first = found;
        }
        assertTrue(Arrays.deepEquals(first, found));
      }
    }
  }
}
