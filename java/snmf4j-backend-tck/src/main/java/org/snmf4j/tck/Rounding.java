package org.snmf4j.tck;

import java.util.Arrays;
import org.snmf4j.backend.Precision;

/**
 * What a precision stores, found among all numbers that it has; shares no code with a backend.
 * Half-way values go to the number whose bits are even.
 */
final class Rounding {
  private static final double[] HALVES = new double[0x7c00];
  private static final double[] BRAINS = new double[0x7f80];

  static {
    for (int bits = 0; bits < HALVES.length; bits++) {
      int exponent = bits >> 10;
      int fraction = bits & 0x3ff;
      HALVES[bits] =
          exponent == 0
              ? Math.scalb((double) fraction, -24)
              : Math.scalb(1024.0 + fraction, exponent - 25);
    }
    for (int bits = 0; bits < BRAINS.length; bits++) {
      BRAINS[bits] = Float.intBitsToFloat(bits << 16);
    }
  }

  private Rounding() {}

  /** All non-negative finite numbers of a 16-bit precision, by their bits and so ascending. */
  static double[] numbers(Precision precision) {
    return precision == Precision.FP16 ? HALVES : BRAINS;
  }

  /** The nearest number to a float32 value that is not beyond the largest. */
  static double of(double value, Precision precision) {
    if (precision == Precision.FP32) {
      return value;
    }
    double[] numbers = numbers(precision);
    double magnitude = Math.abs(value);
    int found = Arrays.binarySearch(numbers, magnitude);
    if (found < 0) {
      int above = Math.min(-found - 1, numbers.length - 1);
      double up = numbers[above] - magnitude;
      double down = magnitude - numbers[above - 1];
      found = up < down || (up == down && above % 2 == 0) ? above : above - 1;
    }
    return Math.copySign(numbers[found], value);
  }

  static double[][] of(double[][] values, Precision precision) {
    return Arrays.stream(values)
        .map(row -> Arrays.stream(row).map(value -> of(value, precision)).toArray())
        .toArray(double[][]::new);
  }
}
