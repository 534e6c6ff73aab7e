package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Precision;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.error.ValueRangeException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Packing rounds to the precision, to nearest and ties to even, and refuses what lies beyond. */
abstract class PrecisionSuite extends Suite {
  private static final String ADVICE =
      "; store them in bf16, which has the range of fp32, or rescale them";

  /** The elements as the backend stores them, read exactly by features that are single neurons. */
  private double[][] read(Activations a) {
    int d = a.neurons();
    double[][] identity = new double[d][d];
    for (int i = 0; i < d; i++) {
      identity[i][i] = 1;
    }
    try (Features z = features(identity);
        Coefficients read = backend.newCoefficients(d, a.tokens())) {
      backend.project(a, z, read);
      return take(read.download());
    }
  }

  /** Equal as numbers: which zero it is does not matter. */
  private static void requireSame(String what, double[][] expected, double[][] actual) {
    for (int i = 0; i < expected.length; i++) {
      for (int t = 0; t < expected[i].length; t++) {
        if (expected[i][t] != actual[i][t]) {
          fail("%s [%d, %d] is %s, not %s".formatted(what, i, t, actual[i][t], expected[i][t]));
        }
      }
    }
  }

  private void requireStored(String what, double[][] expected, Precision precision, Activations a) {
    assertEquals(precision, a.precision(), what);
    double norm = Plain.squaredNorm(expected);
    Tolerance.requireNear(what + ": squared norm", norm, a.squaredNorm(), norm, tolerance);
    requireSame(what, expected, read(a));
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void everyLayoutPacksTheRoundedValues(Precision precision) {
    int[][] shapes = {{1, 1}, {5, 63}, {17, 64}, {40, 65}, {16, 128}, {33, 200}};
    for (int[] shape : shapes) {
      Instance instance = new Instance(shape[0], shape[1], 1, 1);
      double[][] expected = Rounding.of(instance.a, precision);
      for (Layout layout : Layout.values()) {
        for (ElementType type : ElementType.values()) {
          String what = Arrays.toString(shape) + " " + layout + " " + type;
          try (Layout.Held held = layout.of(instance.a, type);
              Activations packed = backend.pack(held.matrix(), precision)) {
            requireStored(what, expected, precision, packed);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void chosenTokensAndSamplesAreRoundedToo(Precision precision) {
    Instance instance = new Instance(17, 200, 1, 1);
    long[] columns = new SplittableRandom(3).longs(300, 0, 200).toArray();
    double[][] expected = new double[17][];
    double[][] sampled = new double[17][];
    for (int i = 0; i < 17; i++) {
      double[] row = Rounding.of(new double[][] {instance.a[i]}, precision)[0];
      expected[i] = Arrays.stream(columns).mapToDouble(column -> row[(int) column]).toArray();
      double[] chosen = expected[i];
      sampled[i] =
          IntStream.range(0, 128).mapToDouble(t -> chosen[t / 64 * 128 + t % 64]).toArray();
    }
    for (Layout layout : Layout.values()) {
      try (Layout.Held held = layout.of(instance.a, ElementType.FLOAT32);
          Activations a = backend.pack(held.matrix(), columns, precision);
          Activations sample = backend.sample(a, 2)) {
        requireStored("chosen from " + layout, expected, precision, a);
        requireStored("sampled from " + layout, sampled, precision, sample);
      }
    }
  }

  @Test
  void withoutAPrecisionItIsFp32() {
    try (Matrix matrix = Matrix.of(new double[][] {{1 + 0x1p-20, -3}, {1e6, 7}, {1, 2}, {3, 4}});
        Activations all = backend.pack(matrix);
        Activations chosen = backend.pack(matrix, new long[] {1, 0})) {
      assertEquals(Precision.FP32, all.precision());
      assertEquals(Precision.FP32, chosen.precision());
      assertEquals(1 + 0x1p-20, read(all)[0][0]);
      assertEquals(1 + 0x1p-20, read(chosen)[0][1]);
    }
  }

  /**
   * Numbers of a precision, the ties above them, and the float32 values next to those ties, with
   * both signs: among the smallest (fp16's denormals; of bf16 normal numbers, as float32 denormals
   * are nobody's promise), around a power of two, and up to the largest that can be squared.
   */
  private static double[] ties(Precision precision) {
    double[] numbers = Rounding.numbers(precision);
    boolean half = precision == Precision.FP16;
    int least = half ? 0 : 0x80;
    int last = half ? numbers.length - 2 : Arrays.binarySearch(numbers, 0x1p50);
    int one = Arrays.binarySearch(numbers, 1);
    int normal = half ? 0x400 : 0x80 + 64;
    return IntStream.of(least, normal - 8, one - 8, one + 100, last - 15)
        .flatMap(first -> IntStream.range(first, first + 16))
        .mapToObj(
            bits -> {
              float tie = (float) ((numbers[bits] + numbers[bits + 1]) / 2);
              return DoubleStream.of(numbers[bits], Math.nextDown(tie), tie, Math.nextUp(tie));
            })
        .flatMapToDouble(values -> values)
        .flatMap(value -> DoubleStream.of(value, -value))
        .toArray();
  }

  @ParameterizedTest
  @EnumSource(names = {"FP16", "BF16"})
  void tiesGoToTheEvenNumber(Precision precision) {
    double[] values = ties(precision);
    double[][] rows = new double[5][values.length];
    rows[2] = values;
    for (Layout layout : Layout.values()) {
      for (ElementType type : ElementType.values()) {
        try (Layout.Held held = layout.of(rows, type);
            Activations a = backend.pack(held.matrix(), precision)) {
          requireStored(layout + " " + type, Rounding.of(rows, precision), precision, a);
        }
      }
    }
    for (double value : values) {
      assertEquals(Rounding.of(value, precision), precision.round(value), 0.0);
    }
  }

  @Test
  void fp16ReachesTo65504() {
    double[][] values = new double[5][3];
    values[1] = new double[] {65_504, 65_519.996, -65_519.996};
    double[][] expected = new double[5][3];
    expected[1] = new double[] {65_504, 65_504, -65_504};
    try (Activations a = pack(values, Precision.FP16)) {
      requireStored("largest", expected, Precision.FP16, a);
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void whatFp16CannotHoldIsNamed(Layout layout) {
    int[][] positions = {{0, 0}, {6, 199}, {0, 63}, {3, 64}, {6, 0}, {2, 128}, {5, 191}};
    double[] values = {65_520, -65_520, 65_536, -1e5, 1e30};
    for (ElementType type : ElementType.values()) {
      for (int i = 0; i < positions.length; i++) {
        int row = positions[i][0];
        int column = positions[i][1];
        double value = (float) values[i % values.length];
        double[][] matrix = new double[7][200];
        matrix[row][column] = value;
        try (Layout.Held held = layout.of(matrix, type)) {
          ValueRangeException thrown =
              assertThrowsExactly(
                  ValueRangeException.class, () -> backend.pack(held.matrix(), Precision.FP16));
          assertEquals(
              "activations holds %s at row %d, column %d but fp16 ends at 65504.0"
                      .formatted(value, row, column)
                  + ADVICE,
              thrown.getMessage());
          assertEquals(row, thrown.row());
          assertEquals(column, thrown.column());
          if (Math.abs(value) < 1e9) {
            backend.pack(held.matrix(), Precision.BF16).close();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void onlyChosenTokensNeedFit(Layout layout) {
    double[][] values = new double[7][200];
    values[4][130] = 1e6;
    values[1][20] = Double.NaN;
    try (Layout.Held held = layout.of(values, ElementType.FLOAT32)) {
      Matrix matrix = held.matrix();
      backend.pack(matrix, new long[] {0, 129, 131, 199}, Precision.FP16).close();
      ValueRangeException thrown =
          assertThrowsExactly(
              ValueRangeException.class,
              () -> backend.pack(matrix, new long[] {5, 130, 7}, Precision.FP16));
      assertEquals(4, thrown.row());
      assertEquals(130, thrown.column());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP16", "BF16"})
  void nonFiniteActivationsAreRefusedAsEver(Precision precision) {
    for (double value :
        new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      for (Layout layout : Layout.values()) {
        double[][] values = new double[7][200];
        values[3][70] = value;
        try (Layout.Held held = layout.of(values, ElementType.FLOAT32)) {
          NonFiniteValueException thrown =
              assertThrowsExactly(
                  NonFiniteValueException.class, () -> backend.pack(held.matrix(), precision));
          assertEquals(3, thrown.row());
          assertEquals(70, thrown.column());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void whatBf16CannotHoldIsNamedToo(ElementType type) {
    // The largest float32 rounds up; so does what only float64 holds.
    double value = type == ElementType.FLOAT32 ? Float.MAX_VALUE : -1e300;
    try (Layout.Held held = Layout.ROW_MAJOR.of(new double[][] {{1, value}}, type)) {
      String message =
          assertThrowsExactly(
                  ValueRangeException.class, () -> backend.pack(held.matrix(), Precision.BF16))
              .getMessage();
      assertTrue(message.contains("at row 0, column 1 but bf16 ends at 3.38"), message);
    }
  }
}
