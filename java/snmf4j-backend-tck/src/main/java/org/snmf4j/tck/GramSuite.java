package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** G = YYᵀ over many tokens: what is summed in float32 is little enough. */
abstract class GramSuite extends Suite {
  private static final UpdateRule RULE = new UpdateRule.Hals(1, 0);

  /**
   * Against √(G_jj G_ll). float32: products are summed over no more than a thousand tokens at a
   * time, then in float64. Such a sum takes about 80 roundings in a row, which err by √80 · 2⁻²⁴ ≈
   * 5e-7 of it if all add to the same partial sums, and less together; twice this is allowed. That
   * longer sums are not left to float32 is what {@link ProductSuite}'s many integers show. float64:
   * as {@link Tolerance}.
   */
  private double allowed() {
    return backend.elementType() == ElementType.FLOAT32 ? 1e-6 : 1e-13;
  }

  private void requireGram(double[][] y, Statistics s) {
    double[][] expected = Plain.times(y, Plain.transpose(y));
    double[][] scale = new double[y.length][y.length];
    for (int j = 0; j < y.length; j++) {
      for (int l = 0; l < y.length; l++) {
        scale[j][l] = Math.sqrt(expected[j][j] * expected[l][l]);
      }
    }
    double[][] gram = s.gram();
    Tolerance.requireNear("G", expected, gram, scale, allowed());
    double[] sums = s.rowSums();
    for (int j = 0; j < y.length; j++) {
      for (int l = 0; l < j; l++) {
        assertEquals(gram[j][l], gram[l][j], 0.0, "G is not symmetric");
      }
      // Summed in float64; float32 then rounds once, so that the order of the sum is lost.
      double rounding = backend.elementType() == ElementType.FLOAT32 ? 0x1p-24 : 0;
      double allowed = (1e-12 + rounding) * Plain.sum(Plain.abs(y[j]));
      assertEquals(Plain.sum(y[j]), sums[j], allowed, "row sum " + j);
    }
  }

  /** About multiples of 16 panels per worker, with one worker and several. */
  @ParameterizedTest
  @CsvSource({
    "1, 1023, 5",
    "1, 1024, 16",
    "1, 1025, 33",
    "1, 3237, 17",
    "2, 2048, 3",
    "2, 3200, 48",
    "3, 4000, 7",
    "5, 7001, 20",
    "16, 3000, 33"
  })
  void manyTokensAreSummedExactlyEnough(int threads, int tokens, int rank) {
    Instance instance = new Instance(40, tokens, rank, 0.3);
    double[][] signed = SubspaceSuite.columns(rank, tokens, tokens);
    Instance few = new Instance(40, 65, rank, 0.3);
    try (Backend other = open(threads);
        Matrix values = Matrix.of(instance.a);
        Activations a = other.pack(values);
        Features z = features(other, instance.z);
        Coefficients y = coefficients(other, instance.y);
        Coefficients heavy = coefficients(other, signed);
        Coefficients result = other.newCoefficients(rank, tokens);
        Statistics s = other.newStatistics(40, rank)) {
      other.denseStatistics(a, y, s);
      requireGram(instance.y, s);
      other.denseStatistics(a, heavy, s);
      requireGram(signed, s);
      for (Refresh refresh : new Refresh[] {Refresh.GRAM, Refresh.SUPPORT, Refresh.DENSE}) {
        other.pass(a, z, RULE, y, null, null, result, refresh, s);
        requireGram(take(result.download()), s);
      }
      // Nothing of many tokens is left over for few.
      try (Matrix small = Matrix.of(few.a);
          Activations b = other.pack(small);
          Coefficients c = coefficients(other, few.y)) {
        other.denseStatistics(b, c, s);
        requireGram(few.y, s);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void passesOverManyTokensRepeatBitForBit(int threads) {
    Instance instance = new Instance(40, 5003, 33, 0.1);
    double[][] gram = null;
    double[][] cross = null;
    double[] sums = null;
    for (int opened = 0; opened < 2; opened++) {
      try (Backend other = open(threads);
          Matrix values = Matrix.of(instance.a);
          Activations a = other.pack(values);
          Features z = features(other, instance.z);
          Coefficients y = coefficients(other, instance.y);
          Coefficients result = other.newCoefficients(33, 5003);
          Statistics s = other.newStatistics(40, 33)) {
        for (int run = 0; run < 3; run++) {
          other.pass(a, z, RULE, y, null, null, result, Refresh.DENSE, s);
          if (gram == null) {
            gram = s.gram();
            cross = take(s.cross());
            sums = s.rowSums();
          }
          assertTrue(Arrays.deepEquals(gram, s.gram()), "G of run " + run);
          assertTrue(Arrays.deepEquals(cross, take(s.cross())), "C of run " + run);
          assertArrayEquals(sums, s.rowSums(), 0.0);
          // Other work in between leaves its traces in the workspaces only.
          other.pass(a, z, RULE, y, null, null, result, Refresh.SUPPORT, s);
          assertTrue(Arrays.deepEquals(gram, s.gram()), "G beside the support, run " + run);
        }
      }
    }
  }
}
