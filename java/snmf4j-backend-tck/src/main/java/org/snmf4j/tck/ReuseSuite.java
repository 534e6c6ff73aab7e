package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** What encoding blocks of tokens rests on: memory used again, and least squares from nothing. */
abstract class ReuseSuite extends Suite {
  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 260})
  void repackedActivationsAreLikeFreshOnes(int tokens) {
    Instance first = new Instance(17, tokens, 2, 1);
    Instance second = new Instance(17, tokens, 3, 1);
    try (Activations reused = pack(first.a)) {
      for (boolean tokenMajor : new boolean[] {false, true}) {
        try (Matrix a = Matrix.of(second.a);
            Matrix transposed = Matrix.of(Plain.transpose(second.a));
            Activations fresh = backend.pack(a)) {
          long held = backend.memory().current();
          backend.repack(tokenMajor ? transposed.transpose() : a, reused);
          assertEquals(held, backend.memory().current());
          double norm = fresh.squaredNorm();
          Tolerance.requireNear("squared norm", norm, reused.squaredNorm(), norm, tolerance);
          assertArrayEquals(projected(fresh, second.z), projected(reused, second.z));
        }
      }
    }
  }

  private double[][] projected(Activations a, double[][] features) {
    try (Features z = features(features);
        Coefficients p = backend.newCoefficients(z.rank(), a.tokens())) {
      backend.project(a, z, p);
      return take(p.download());
    }
  }

  @Test
  void targetsThatDoNotFitAreRefused() {
    Instance instance = new Instance(17, 130, 2, 1);
    Instance other = new Instance(17, 129, 2, 1);
    try (Matrix a = Matrix.of(instance.a);
        Matrix shorter = Matrix.of(other.a);
        Activations target = backend.pack(a);
        Activations sample = backend.sample(target, 2);
        Coefficients y = backend.newCoefficients(2, 130);
        Matrix small = Matrix.allocate(ElementType.FLOAT32, 2, 129)) {
      assertEquals(
          "activations is of shape [17, 129] but must be of shape [17, 130]",
          assertThrowsExactly(InvalidArgumentException.class, () -> backend.repack(shorter, target))
              .getMessage());
      assertEquals(
          "target is a sample of others but must be no sample",
          assertThrowsExactly(InvalidArgumentException.class, () -> backend.repack(shorter, sample))
              .getMessage());
      assertEquals(
          "target is of shape [2, 129] but must be of shape [2, 130]",
          assertThrowsExactly(InvalidArgumentException.class, () -> y.download(small))
              .getMessage());
      Activations closed = backend.pack(a);
      closed.close();
      assertThrowsExactly(ClosedException.class, () -> backend.repack(a, closed));
    }
  }

  @Test
  void activationsOfAnotherBackendAreRefused() {
    Instance instance = new Instance(17, 65, 2, 1);
    try (Backend other = open(1);
        Matrix a = Matrix.of(instance.a);
        Activations foreign = other.pack(a)) {
      assertThrowsExactly(InvalidArgumentException.class, () -> backend.repack(a, foreign));
    }
  }

  @Test
  void aFailedRepackingIsMendedByTheNext() {
    Instance instance = new Instance(17, 130, 2, 1);
    Instance spoiled = new Instance(17, 130, 2, 1);
    spoiled.a[3][100] = Double.POSITIVE_INFINITY;
    try (Matrix a = Matrix.of(instance.a);
        Matrix bad = Matrix.of(spoiled.a);
        Activations fresh = backend.pack(a);
        Activations target = backend.pack(a)) {
      NonFiniteValueException thrown =
          assertThrowsExactly(NonFiniteValueException.class, () -> backend.repack(bad, target));
      assertEquals(3, thrown.row());
      assertEquals(100, thrown.column());
      assertEquals(Double.POSITIVE_INFINITY, thrown.value());
      backend.repack(a, target);
      assertArrayEquals(projected(fresh, instance.z), projected(target, instance.z));
    }
  }

  @Test
  void downloadsGoIntoAnyMatrix() {
    Instance instance = new Instance(17, 130, 5, 1);
    try (Coefficients y = coefficients(instance.y)) {
      double[][] expected = take(y.download());
      for (ElementType type : ElementType.values()) {
        try (Matrix rows = Matrix.allocate(type, 7, 200);
            Matrix tokens = Matrix.allocate(type, 130, 5)) {
          Matrix part = rows.rowRange(1, 6).columnRange(60, 190);
          y.download(part);
          y.download(tokens.transpose());
          double allowed = type == ElementType.FLOAT32 ? 1e-6 : 0;
          for (int j = 0; j < 5; j++) {
            assertArrayEquals(expected[j], part.toArray()[j], allowed);
            assertArrayEquals(expected[j], tokens.transpose().toArray()[j], allowed);
            assertEquals(0, rows.get(j + 1, 59));
            assertEquals(0, rows.get(j + 1, 190));
          }
          assertEquals(0, rows.get(0, 100));
          assertEquals(0, rows.get(6, 100));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3})
  void leastSquaresDoNotReadTheCoefficientsBefore(double fraction) {
    Instance instance = new Instance(128, 65, 7, 0.3);
    UpdateRule rule = new UpdateRule.LeastSquares(2000, 1e-8, instance.penalty(fraction));
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients zero = backend.newCoefficients(7, 65);
        Coefficients some = coefficients(instance.y);
        Coefficients result = backend.newCoefficients(7, 65)) {
      backend.pass(a, z, rule, zero, null, null, zero, Refresh.NONE, null);
      backend.pass(a, z, rule, some, null, null, result, Refresh.NONE, null);
      backend.pass(a, z, rule, some, null, null, some, Refresh.NONE, null);
      double[][] expected = take(zero.download());
      assertArrayEquals(expected, take(result.download()));
      assertArrayEquals(expected, take(some.download()));
      for (double value : expected[3]) {
        assertEquals(0, value, "feature 3 is zero, and so are its coefficients");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.05, 0.3})
  void sumsOfLeastSquaresAreThoseOfTheResult(double fraction) {
    // One token beyond a panel: what pads the second must not count.
    Instance instance = new Instance(128, 65, 7, 0.3);
    UpdateRule rule = new UpdateRule.LeastSquares(2000, 1e-8, instance.penalty(fraction));
    try (Activations a = pack(instance.a);
        Features z = features(instance.z);
        Coefficients y = backend.newCoefficients(7, 65);
        Statistics s = backend.newStatistics(128, 7)) {
      PassResult sums = backend.pass(a, z, rule, y, null, null, y, Refresh.DENSE, s);
      double[][] values = take(y.download());
      double norm = Plain.squaredNorm(instance.a);
      double loss = Plain.loss(instance.a, instance.z, values);
      assertEquals(loss, sums.loss(a.squaredNorm()), 10 * tolerance * norm);
      // So large a penalty may leave no coefficient of random data.
      assertTrue(fraction > 0 || loss < norm);
      double[] rows = s.rowSums();
      for (int j = 0; j < 7; j++) {
        double expected = Plain.sum(values[j]);
        assertEquals(expected, rows[j], 10 * tolerance * (1 + expected));
      }
    }
  }
}
