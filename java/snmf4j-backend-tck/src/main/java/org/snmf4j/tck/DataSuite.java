package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.MemoryUse;
import org.snmf4j.backend.Statistics;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Data goes in and comes out unharmed, in whatever layout. */
abstract class DataSuite extends Suite {
  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void everyLayoutPacksTheSame(Instance instance) {
    double squaredNorm = Plain.squaredNorm(instance.a);
    for (Layout layout : Layout.values()) {
      for (ElementType type : ElementType.values()) {
        String what = layout + " " + type;
        try (Layout.Held held = layout.of(instance.a, type);
            Activations packed = backend.pack(held.matrix())) {
          assertEquals(instance.neurons, packed.neurons(), what);
          assertEquals(instance.tokens, packed.tokens(), what);
          Tolerance.requireNear(
              what + ": squared norm", squaredNorm, packed.squaredNorm(), squaredNorm, tolerance);
          assertUnchanged(what, instance, packed);
        }
      }
    }
  }

  /** Features that are single neurons read the activations back, exactly. */
  private void assertUnchanged(String what, Instance instance, Activations packed) {
    int rank = Math.min(instance.neurons, 70);
    double[][] selection = new double[instance.neurons][rank];
    double[][] expected = new double[rank][];
    for (int j = 0; j < rank; j++) {
      int neuron = instance.neurons - rank + j;
      selection[neuron][j] = 1;
      expected[j] = instance.a[neuron];
    }
    try (Features z = features(selection);
        Coefficients read = backend.newCoefficients(rank, instance.tokens)) {
      backend.project(packed, z, read);
      assertTrue(java.util.Arrays.deepEquals(expected, take(read.download())), what);
    }
  }

  @Test
  void chosenTokensArePacked() {
    Instance instance = new Instance(17, 200, 7, 1);
    SplittableRandom random = new SplittableRandom(11);
    for (int count : new int[] {1, 63, 64, 65, 200, 300}) {
      long[] columns = random.longs(count, 0, 200).toArray();
      double[][] expected = new double[17][count];
      for (int t = 0; t < count; t++) {
        for (int i = 0; i < 17; i++) {
          expected[i][t] = instance.a[i][(int) columns[t]];
        }
      }
      double[][] identity = new double[17][17];
      for (int i = 0; i < 17; i++) {
        identity[i][i] = 1;
      }
      double norm = Plain.squaredNorm(expected);
      for (Layout layout : Layout.values()) {
        try (Layout.Held held = layout.of(instance.a, ElementType.FLOAT32);
            Activations a = backend.pack(held.matrix(), columns);
            Features z = features(identity);
            Coefficients read = backend.newCoefficients(17, count)) {
          assertEquals(count, a.tokens());
          Tolerance.requireNear("squared norm", norm, a.squaredNorm(), norm, tolerance);
          backend.project(a, z, read);
          assertTrue(
              java.util.Arrays.deepEquals(expected, take(read.download())),
              layout + ", " + count + " tokens");
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void onlyChosenTokensNeedBeFinite(Layout layout) {
    double[][] values = new double[7][200];
    values[4][130] = Double.NaN;
    try (Layout.Held held = layout.of(values, ElementType.FLOAT32)) {
      backend.pack(held.matrix(), new long[] {0, 129, 131, 199}).close();
      NonFiniteValueException thrown =
          assertThrowsExactly(
              NonFiniteValueException.class,
              () -> backend.pack(held.matrix(), new long[] {5, 130, 7}));
      assertEquals(4, thrown.row());
      assertEquals(130, thrown.column());
    }
  }

  @Test
  void float64ActivationsAreRoundedOnceAtMost() {
    SplittableRandom random = new SplittableRandom(7);
    double[][] values = new double[9][130];
    for (double[] row : values) {
      for (int t = 0; t < row.length; t++) {
        row[t] = random.nextGaussian() * 1e3;
      }
    }
    double unit = backend.elementType() == ElementType.FLOAT32 ? 0x1p-24 : 0;
    double[][] identity = new double[9][9];
    for (int i = 0; i < 9; i++) {
      identity[i][i] = 1;
    }
    try (Activations a = pack(values);
        Features z = features(identity);
        Coefficients read = backend.newCoefficients(9, 130)) {
      backend.project(a, z, read);
      Tolerance.requireNear(
          "activations", values, take(read.download()), Plain.abs(values), 1.0001 * unit);
    }
  }

  static List<Arguments> offenders() {
    List<Arguments> cases = new ArrayList<>();
    int[][] positions = {{0, 0}, {6, 199}, {0, 63}, {3, 64}, {6, 0}, {2, 128}, {5, 191}};
    double[] values = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (Layout layout : Layout.values()) {
      for (ElementType type : ElementType.values()) {
        for (int i = 0; i < positions.length; i++) {
          double value = values[i % values.length];
          cases.add(Arguments.of(layout, type, positions[i][0], positions[i][1], value));
        }
      }
    }
    return cases;
  }

  @ParameterizedTest
  @MethodSource("offenders")
  void nonFiniteActivationsAreNamed(
      Layout layout, ElementType type, int row, int column, double value) {
    double[][] values = new double[7][200];
    values[row][column] = value;
    NonFiniteValueException thrown;
    try (Layout.Held held = layout.of(values, type)) {
      thrown =
          assertThrowsExactly(NonFiniteValueException.class, () -> backend.pack(held.matrix()));
    }
    assertEquals(row, thrown.row());
    assertEquals(column, thrown.column());
    assertEquals(
        "activations holds "
            + value
            + " at row "
            + row
            + ", column "
            + column
            + " but must be finite everywhere",
        thrown.getMessage());
  }

  @ParameterizedTest
  @MethodSource("org.snmf4j.tck.Instance#shapes")
  void factorsComeBackAsTheyWent(Instance instance) {
    for (Layout layout : Layout.values()) {
      try (Layout.Held heldY = layout.of(instance.y, ElementType.FLOAT64);
          Layout.Held heldZ = layout.of(instance.z, ElementType.FLOAT32);
          Coefficients y = backend.newCoefficients(instance.rank, instance.tokens);
          Features z = backend.newFeatures(instance.neurons, instance.rank)) {
        y.upload(heldY.matrix());
        z.upload(heldZ.matrix());
        assertTrue(java.util.Arrays.deepEquals(instance.y, take(y.download())), layout::name);
        assertTrue(java.util.Arrays.deepEquals(instance.z, take(z.download())), layout::name);
      }
    }
  }

  @Test
  void newDataIsZero() {
    double[][] zero = new double[3][70];
    try (Coefficients y = backend.newCoefficients(3, 70);
        Features z = backend.newFeatures(3, 70);
        Statistics s = backend.newStatistics(3, 70)) {
      assertTrue(java.util.Arrays.deepEquals(zero, take(y.download())));
      assertTrue(java.util.Arrays.deepEquals(zero, take(z.download())));
      assertTrue(java.util.Arrays.deepEquals(zero, take(s.cross())));
      assertArrayEquals(new double[70], s.rowSums());
      for (double[] row : s.gram()) {
        assertArrayEquals(new double[70], row);
      }
    }
  }

  @Test
  void downloadsAreCopiesOfTheBackendsType() {
    double[][] values = {{1, 2, 3}, {4, 5, 6}};
    try (Coefficients y = coefficients(values);
        Features z = features(values);
        Matrix fromY = y.download();
        Matrix fromZ = z.download()) {
      assertEquals(backend.elementType(), fromY.type());
      assertEquals(backend.elementType(), fromZ.type());
      fromY.set(0, 0, 9);
      fromZ.set(0, 0, 9);
      assertTrue(java.util.Arrays.deepEquals(values, take(y.download())));
      assertTrue(java.util.Arrays.deepEquals(values, take(z.download())));
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void nonFiniteFactorsAreNamed(Layout layout) {
    double[][] values = new double[4][70];
    values[2][65] = Double.NaN;
    try (Layout.Held held = layout.of(values, ElementType.FLOAT32);
        Coefficients y = backend.newCoefficients(4, 70);
        Features z = backend.newFeatures(4, 70)) {
      Matrix matrix = held.matrix();
      assertEquals(
          "coefficients holds NaN at row 2, column 65 but must be finite everywhere",
          assertThrowsExactly(NonFiniteValueException.class, () -> y.upload(matrix)).getMessage());
      assertEquals(
          "features holds NaN at row 2, column 65 but must be finite everywhere",
          assertThrowsExactly(NonFiniteValueException.class, () -> z.upload(matrix)).getMessage());
    }
  }

  @Test
  void packingHoldsOneCopyAndCountsIt() {
    MemoryUse before = backend.memory();
    backend.resetPeak();
    assertEquals(before.current(), backend.memory().peak(), "peak right after its reset");
    double[][] values = new double[100][1000];
    values[0][0] = 1;
    try (Activations a = pack(values)) {
      assertEquals(1000, a.tokens());
      long held = backend.memory().current() - before.current();
      // Half-precision storage would be the least, float64 panels padded to 128 tokens the most.
      assertTrue(held >= 100 * 1000 * 2, () -> "held for activations: " + held);
      assertTrue(held <= 100 * 1024 * 8, () -> "held for activations: " + held);
    }
    assertTrue(backend.memory().peak() > before.current(), "the peak forgot the activations");
  }
}
