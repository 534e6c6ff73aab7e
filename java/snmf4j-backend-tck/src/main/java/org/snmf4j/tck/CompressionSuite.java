package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Statistics;

/** Activations in the coordinates of a basis, and the way back to the neurons. */
abstract class CompressionSuite extends Suite {
  /** An instance and the width of its basis. */
  private record Case(Instance instance, int width) {
    @Override
    public String toString() {
      return instance + " r=" + width;
    }
  }

  static Stream<Case> cases() {
    Stream.Builder<Case> cases = Stream.builder();
    for (Precision precision : Precision.values()) {
      // Widths in all remainders of the tiles, neurons about multiples of the blocks; whole panels
      // and parts of one.
      int[][] shapes = {
        {1, 1, 1, 1},
        {5, 63, 2, 5},
        {17, 65, 7, 3},
        {95, 64, 5, 12},
        {96, 100, 5, 4},
        {97, 128, 16, 13},
        {193, 130, 16, 1},
        {300, 65, 33, 25},
        {300, 200, 7, 100}
      };
      for (int[] shape : shapes) {
        Instance instance = new Instance(shape[0], shape[1], shape[2], 1);
        cases.add(new Case(instance.in(precision), shape[3]));
      }
    }
    return cases.build();
  }

  private double[][] basis(Case given) {
    return SubspaceSuite.orthonormal(backend, given.instance.neurons, given.width, given.width);
  }

  /** Features that are single coordinates read the activations back, exactly. */
  private double[][] read(Activations a) {
    double[][] identity = new double[a.neurons()][a.neurons()];
    for (int i = 0; i < identity.length; i++) {
      identity[i][i] = 1;
    }
    try (Features z = features(identity);
        Coefficients values = backend.newCoefficients(a.neurons(), a.tokens())) {
      backend.project(a, z, values);
      return take(values.download());
    }
  }

  private void requireCompressed(double[][] u, double[][] a, Activations compressed) {
    double[][] transposed = Plain.transpose(u);
    double[][] values = read(compressed);
    Tolerance.requireNear(
        "UᵀA",
        Plain.times(transposed, a),
        values,
        Plain.times(Plain.abs(transposed), Plain.abs(a)),
        tolerance);
    // The squares are positive, so that their sum in float64 errs by one rounding of 1e-16 for each
    // term of a row of additions at most: thousands here.
    double squares = Plain.squaredNorm(values);
    assertEquals(squares, compressed.squaredNorm(), 1e-12 * squares);
    assertEquals(u[0].length, compressed.neurons());
    assertEquals(a[0].length, compressed.tokens());
    assertEquals(Precision.FP32, compressed.precision());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void compresses(Case given) {
    double[][] u = basis(given);
    Features basis = features(u);
    Activations a = pack(given.instance);
    try (Activations compressed = backend.compress(a, basis)) {
      requireCompressed(u, given.instance.a, compressed);
      assertTrue(Arrays.deepEquals(u, take(basis.download())), "the basis changed");
      // It does not need what it was made of.
      a.close();
      basis.close();
      requireCompressed(u, given.instance.a, compressed);
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void compressesSamplesAndIsSampled(Precision precision) {
    Instance instance = new Instance(97, 1000, 1, 1).in(precision);
    double[][] u = SubspaceSuite.orthonormal(backend, 97, 13, 1);
    int[] tokens = IntStream.range(0, 960).filter(token -> token / 64 % 3 == 0).toArray();
    double[][] chosen = SampleSuite.select(instance.a, tokens);
    Activations a = pack(instance);
    try (Features basis = features(u);
        Activations sample = backend.sample(a, 3);
        Activations ofSample = backend.compress(sample, basis);
        Activations all = backend.compress(a, basis);
        Activations sampled = backend.sample(all, 3)) {
      // The order does not matter, up to rounding: a product of another width may add up in another
      // order.
      requireCompressed(u, chosen, ofSample);
      requireCompressed(u, chosen, sampled);
      // Unlike a sample, what is compressed outlives the activations.
      a.close();
      requireCompressed(u, chosen, ofSample);
    }
  }

  /**
   * The last panel's padding adds nothing: statistics, residual and projection are those of UᵀA.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void operationsOnCompressedActivations(Case given) {
    Instance instance = given.instance;
    double[][] u = basis(given);
    double[][] features = Plain.times(Plain.transpose(u), instance.z);
    for (double[] row : features) {
      Arrays.setAll(row, j -> (float) row[j]);
    }
    try (Features basis = features(u);
        Features z = features(features);
        Activations a = pack(instance);
        Activations compressed = backend.compress(a, basis);
        Coefficients y = coefficients(instance.y);
        Coefficients p = backend.newCoefficients(instance.rank, instance.tokens);
        Statistics s = backend.newStatistics(given.width, instance.rank);
        Statistics expanded = backend.newStatistics(instance.neurons, instance.rank)) {
      double[][] held = read(compressed);
      backend.denseStatistics(compressed, y, s);
      ProductSuite.requireStatistics(held, instance.y, s, tolerance);
      double residual = Plain.loss(held, features, instance.y);
      double scale = Plain.objectiveScale(held, features, instance.y, 0);
      Tolerance.requireNear(
          "residual", residual, backend.residual(compressed, z, y), scale, tolerance);
      backend.project(compressed, z, p);
      double[][] transposed = Plain.transpose(features);
      Tolerance.requireNear(
          "P",
          Plain.times(transposed, held),
          take(p.download()),
          Plain.times(Plain.abs(transposed), Plain.abs(held)),
          tolerance);
      // UᵀC, from A itself.
      double[][] coordinates = Plain.transpose(u);
      double[][] columns = Plain.transpose(instance.y);
      Tolerance.requireNear(
          "UᵀC",
          Plain.times(coordinates, Plain.times(instance.a, columns)),
          take(s.cross()),
          Plain.times(Plain.abs(coordinates), Plain.times(Plain.abs(instance.a), columns)),
          tolerance);
      backend.expand(basis, s, expanded);
      requireExpanded(u, s, expanded);
    }
  }

  private void requireExpanded(double[][] u, Statistics s, Statistics expanded) {
    double[][] cross = take(s.cross());
    Tolerance.requireNear(
        "UC",
        Plain.times(u, cross),
        take(expanded.cross()),
        Plain.times(Plain.abs(u), Plain.abs(cross)),
        tolerance);
    assertTrue(Arrays.deepEquals(s.gram(), expanded.gram()), "G is no copy");
    assertArrayEquals(s.rowSums(), expanded.rowSums(), 0.0);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "5, 5, 3", "17, 16, 5", "65, 13, 16", "96, 25, 17", "300, 33, 100"})
  void expandingWritesOverWhatWasThere(int neurons, int width, int rank) {
    Instance narrow = new Instance(width, 130, rank, 1);
    Instance other = new Instance(neurons, 130, rank, 1);
    double[][] u = SubspaceSuite.orthonormal(backend, neurons, width, 2);
    try (Features basis = features(u);
        Activations a = pack(narrow.a);
        Activations wide = pack(other.a);
        Coefficients y = coefficients(narrow.y);
        Statistics s = backend.newStatistics(width, rank);
        Statistics expanded = backend.newStatistics(neurons, rank)) {
      backend.denseStatistics(wide, y, expanded);
      backend.denseStatistics(a, y, s);
      double[][] cross = take(s.cross());
      for (int run = 0; run < 2; run++) {
        backend.expand(basis, s, expanded);
        requireExpanded(u, s, expanded);
      }
      assertTrue(Arrays.deepEquals(cross, take(s.cross())), "the coordinates changed");
    }
  }

  /** U · ridgeSolve(UᵀC) = ridgeSolve(U · UᵀC): the solve works on each row of C by itself. */
  @ParameterizedTest
  @MethodSource("cases")
  void solvingInTheSubspaceIsSolvingAmongTheNeurons(Case given) {
    Instance instance = given.instance;
    double[][] u = basis(given);
    int rank = instance.rank;
    try (Features basis = features(u);
        Activations a = pack(instance);
        Activations compressed = backend.compress(a, basis);
        Coefficients y = coefficients(instance.y);
        Statistics s = backend.newStatistics(given.width, rank);
        Statistics expanded = backend.newStatistics(instance.neurons, rank);
        Features coordinates = backend.newFeatures(given.width, rank);
        Features multiplied = backend.newFeatures(instance.neurons, rank);
        Features solved = backend.newFeatures(instance.neurons, rank)) {
      backend.denseStatistics(compressed, y, s);
      backend.expand(basis, s, expanded);
      double ridge = 0.1 * s.gram()[0][0] + 1e-3;
      backend.ridgeSolve(s, ridge, coordinates);
      backend.multiply(basis, coordinates, multiplied);
      backend.ridgeSolve(expanded, ridge, solved);
      // Each rounds C or Z to the backend's type before or after the product with U; through the
      // inverse, errors of C grow as C's entries do when none of them cancels.
      double[][] inverse = inverse(s.gram(), ridge);
      double[][] scale =
          Plain.times(Plain.times(Plain.abs(u), Plain.abs(take(s.cross()))), Plain.abs(inverse));
      Tolerance.requireNear(
          "Z", take(solved.download()), take(multiplied.download()), scale, tolerance);
    }
  }

  private static double[][] inverse(double[][] gram, double ridge) {
    int k = gram.length;
    double[][] rows = new double[k][];
    for (int column = 0; column < k; column++) {
      double[][] system = new double[k][k + 1];
      for (int i = 0; i < k; i++) {
        System.arraycopy(gram[i], 0, system[i], 0, k);
        system[i][i] += ridge;
      }
      system[column][k] = 1;
      rows[column] = Elimination.solve(system);
    }
    return rows;
  }

  /** With as many directions as neurons nothing is lost. */
  @Test
  void aFullBasisKeepsTheActivations() {
    Instance instance = new Instance(70, 130, 1, 1);
    double[][] u = SubspaceSuite.orthonormal(backend, 70, 70, 3);
    try (Features basis = features(u);
        Activations a = pack(instance);
        Activations compressed = backend.compress(a, basis)) {
      double norm = Plain.squaredNorm(instance.a);
      assertEquals(norm, compressed.squaredNorm(), tolerance * norm);
      assertEquals(
          0, Tolerance.relativeError(instance.a, Plain.times(u, read(compressed))), tolerance);
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void zeroDirectionsGiveZeroRows(Precision precision) {
    Instance instance = new Instance(97, 65, 1, 1).in(precision);
    double[][] u = SubspaceSuite.orthonormal(backend, 97, 5, 4);
    for (double[] row : u) {
      row[2] = 0;
    }
    try (Features basis = features(u);
        Activations a = pack(instance);
        Activations compressed = backend.compress(a, basis)) {
      requireCompressed(u, instance.a, compressed);
      assertArrayEquals(new double[65], read(compressed)[2], 0.0);
    }
  }
}
