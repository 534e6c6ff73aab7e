package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.tck.planted.PlantedData;

/**
 * How many threads share the work changes nothing that matters: whole fits choose the same neurons.
 * Choosing amplifies rounding, so this holds only if the sums that it reads do not depend on who
 * added them up.
 */
abstract class ThreadCountSuite extends Suite {
  private static final int NEURONS = 140;

  /** So many that the fit explores a sample, in two stages, compressed, and then sees them all. */
  private static final int TOKENS = 10_100;

  private static final int RANK = 16;

  abstract int[] threadCounts();

  /** What a fit comes to. */
  private record Outcome(BitSet support, double relativeLoss) {}

  private Outcome fit(PlantedData data, SnmfOptions options, int threads) {
    try (Backend some = open(threads);
        SnmfModel model = Snmf.fit(data.activations(), options, some)) {
      BitSet support = new BitSet();
      for (int i = 0; i < NEURONS; i++) {
        for (int j = 0; j < RANK; j++) {
          support.set(i * RANK + j, model.features().get(i, j) != 0);
        }
      }
      return new Outcome(support, model.report().relativeLoss());
    }
  }

  private void sameForAnyNumber(SnmfOptions options) {
    try (PlantedData data = PlantedData.gelu(PlantedData.Variant.DENSE, NEURONS, TOKENS, RANK, 3)) {
      int[] counts = threadCounts();
      assertTrue(counts.length > 1, "at least two numbers of threads");
      Outcome first = fit(data, options, counts[0]);
      assertFalse(first.support().isEmpty());
      for (int i = 1; i < counts.length; i++) {
        Outcome other = fit(data, options, counts[i]);
        assertEquals(first.support(), other.support(), counts[i] + " threads");
        assertEquals(first.relativeLoss(), other.relativeLoss(), 1e-5 * first.relativeLoss());
      }
    }
  }

  private static SnmfOptions.Builder options(Solver solver) {
    return SnmfOptions.builder(RANK)
        .featureDensity(0.1)
        .solver(solver)
        .tolerance(0)
        .maxIterations(50);
  }

  @ParameterizedTest
  @EnumSource(Solver.class)
  void fitsAreTheSame(Solver solver) {
    sameForAnyNumber(options(solver).coefficientPenalty(0).build());
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.02, 0.1})
  void penalizedFitsAreTheSame(double penalty) {
    sameForAnyNumber(options(Solver.ALS).coefficientPenalty(penalty).build());
  }
}
