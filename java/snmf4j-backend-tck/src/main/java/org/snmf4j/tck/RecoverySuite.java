package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.tck.planted.FeatureMatching;
import org.snmf4j.tck.planted.PlantedData;
import org.snmf4j.tck.planted.PlantedData.Noise;

/** Fits find the features that data were made of. */
abstract class RecoverySuite extends Suite {
  private static final int NEURONS = 256;
  private static final int TOKENS = 1500;
  private static final int PLANTED = 12;

  /** 5 % of the neurons: two features share a neuron now and then. */
  private static final int SUPPORT = 13;

  /** The least relative loss is its square, 0.01. */
  private static final double LEVEL = 0.1;

  private static final int SEEDS = 5;

  /**
   * Mean over the seeds, since the problem is not convex: one feature missed in one fit costs 1/60.
   * Alternating least squares reached 0.995 on both noises, the multiplicative algorithm, which as
   * a rule lets one of the twelve die, 0.90.
   */
  private static final double ENOUGH = 0.95;

  /** Mean cosines of alternating least squares: two tests read one of them. */
  private final Map<Noise, Double> means = new EnumMap<>(Noise.class);

  private double meanOfLeastSquares(Noise noise) {
    return means.computeIfAbsent(noise, key -> meanCosine(key, Solver.ALS, 60));
  }

  @ParameterizedTest
  @EnumSource(Noise.class)
  void alternatingLeastSquaresFindsPlantedFeatures(Noise noise) {
    double mean = meanOfLeastSquares(noise);
    assertTrue(mean > ENOUGH, () -> "mean matched cosine " + mean);
  }

  @Test
  void alternatingLeastSquaresFindsThemAtLeastAsWellAsTheMultiplicativeAlgorithm() {
    double als = meanOfLeastSquares(Noise.GELU);
    double multiplicative = meanCosine(Noise.GELU, Solver.MULTIPLICATIVE, 200);
    assertTrue(
        als >= multiplicative,
        () -> "mean matched cosine " + als + ", of the multiplicative algorithm " + multiplicative);
  }

  private double meanCosine(Noise noise, Solver solver, int iterations) {
    double sum = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      SnmfOptions options =
          SnmfOptions.builder(PLANTED)
              .featureDensity((double) SUPPORT / NEURONS)
              .solver(solver)
              .seed(seed)
              .maxIterations(iterations)
              .build();
      try (PlantedData data =
              PlantedData.linear(NEURONS, TOKENS, PLANTED, SUPPORT, LEVEL, noise, seed);
          SnmfModel model = Snmf.fit(data.activations(), options, backend)) {
        sum += FeatureMatching.of(model.features(), data.features()).meanCosine();
      }
    }
    return sum / SEEDS;
  }
}
