package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.fail;

import org.snmf4j.matrix.ElementType;

/**
 * How far a backend may be off. A sum of products is measured against the sum of the products'
 * magnitudes, the only scale on which rounding errors are bounded when the sum itself cancels.
 *
 * <p>float32: sums of up to a thousand terms err by about √1000 · 2⁻²⁴ ≈ 2e-6 of that scale; ten
 * times this is allowed, which leaves room for any order of summation and for rounded inputs, but
 * not for one forgotten or doubled term. float64: likewise, √1000 · 2⁻⁵³ ≈ 4e-15, and more room
 * because it costs nothing.
 */
final class Tolerance {
  /** Below this, an absolute error counts as none: results of denormal size. */
  private static final double TINY = 1e-35;

  private Tolerance() {}

  static double of(ElementType type) {
    return type == ElementType.FLOAT32 ? 2e-5 : 1e-12;
  }

  /** Fails unless |actual − expected| ≤ tolerance · scale everywhere, naming the worst element. */
  static void requireNear(
      String what, double[][] expected, double[][] actual, double[][] scale, double tolerance) {
    requireSameShape(what, expected, actual);
    double worst = 0;
    String message = null;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        double error = Math.abs(actual[i][j] - expected[i][j]);
        double allowed = tolerance * scale[i][j] + TINY;
        if (!(error <= allowed) && !(error / allowed <= worst)) {
          worst = error / allowed;
          message =
              what
                  + " ["
                  + i
                  + ", "
                  + j
                  + "] is "
                  + actual[i][j]
                  + " but should be "
                  + expected[i][j]
                  + " ± "
                  + allowed;
        }
      }
    }
    if (message != null) {
      fail(message);
    }
  }

  /** Fails unless |actual − expected| ≤ tolerance · scale. */
  static void requireNear(
      String what, double expected, double actual, double scale, double tolerance) {
    double allowed = tolerance * scale + TINY;
    if (!(Math.abs(actual - expected) <= allowed)) {
      fail(what + " is " + actual + " but should be " + expected + " ± " + allowed);
    }
  }

  /** max |actual − expected| / max |expected|. */
  static double relativeError(double[][] expected, double[][] actual) {
    requireSameShape("matrix", expected, actual);
    double error = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        // Math.max keeps NaN, so a NaN result cannot pass.
        error = Math.max(error, Math.abs(actual[i][j] - expected[i][j]));
        largest = Math.max(largest, Math.abs(expected[i][j]));
      }
    }
    return error / largest;
  }

  private static void requireSameShape(String what, double[][] expected, double[][] actual) {
    if (actual.length != expected.length || actual[0].length != expected[0].length) {
      fail(
          what
              + " has shape ["
              + actual.length
              + ", "
              + actual[0].length
              + "] but should have ["
              + expected.length
              + ", "
              + expected[0].length
              + "]");
    }
  }
}
