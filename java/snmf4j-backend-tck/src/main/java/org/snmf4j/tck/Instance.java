package org.snmf4j.tck;

import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.snmf4j.backend.Precision;

/**
 * Data of one shape: signed activations with heavy tails, features of some density, non-negative
 * coefficients with exact zeros. All values are float32 numbers, so that every backend starts from
 * the same. Where the rank allows it, one feature and one other row of coefficients are zero.
 */
final class Instance {
  private static final int[] TOKENS = {1, 63, 64, 65, 1000};
  private static final int[] NEURONS = {1, 5, 17, 128, 300};
  private static final int[] RANKS = {1, 2, 7, 16, 33, 100};
  private static final double[] DENSITIES = {1, 0.3, 0.01};

  final int neurons;
  final int tokens;
  final int rank;
  final int keep;
  final double[][] a;
  final double[][] z;
  final double[][] y;

  /** How A is to be packed; it holds only such numbers. */
  final Precision precision;

  private final String name;

  Instance(int neurons, int tokens, int rank, double density) {
    this.neurons = neurons;
    this.tokens = tokens;
    this.rank = rank;
    precision = Precision.FP32;
    keep = (int) Math.max(1, Math.ceil(density * neurons));
    name = "d=" + neurons + " n=" + tokens + " k=" + rank + " density=" + density;
    SplittableRandom random = new SplittableRandom(31L * neurons + 1009L * tokens + rank);
    a = new double[neurons][tokens];
    for (double[] row : a) {
      for (int t = 0; t < tokens; t++) {
        row[t] = heavyTailed(random);
      }
    }
    z = features(random);
    y = coefficients(random);
  }

  private Instance(Instance other, Precision precision) {
    neurons = other.neurons;
    tokens = other.tokens;
    rank = other.rank;
    keep = other.keep;
    a = Rounding.of(other.a, precision);
    z = other.z;
    y = other.y;
    this.precision = precision;
    name = other.name + " " + precision;
  }

  /** The same with A rounded to a precision. */
  Instance in(Precision precision) {
    return new Instance(this, precision);
  }

  /** Every shape whose rank it admits, the densities in turns, and one of many tokens. */
  static Stream<Instance> shapes() {
    Stream.Builder<Instance> instances = Stream.builder();
    int turn = 0;
    for (int n : TOKENS) {
      for (int d : NEURONS) {
        for (int k : RANKS) {
          if (k <= Math.min(d, n)) {
            instances.add(new Instance(d, n, k, DENSITIES[turn++ % DENSITIES.length]));
          }
        }
      }
    }
    instances.add(new Instance(40, 2500, 16, 0.3));
    return instances.build();
  }

  /** A few shapes at every density, for what takes longer. */
  static Stream<Instance> densities() {
    Stream.Builder<Instance> instances = Stream.builder();
    for (double density : DENSITIES) {
      instances.add(new Instance(17, 65, 7, density));
      instances.add(new Instance(128, 64, 33, density));
      instances.add(new Instance(300, 130, 16, density));
    }
    return instances.build();
  }

  /** A fraction of the root mean square token norm, the scale of penalties. */
  double penalty(double fraction) {
    return fraction * Math.sqrt(Plain.squaredNorm(a) / tokens);
  }

  /** Student's t with three degrees of freedom, rounded to float32. */
  static double heavyTailed(SplittableRandom random) {
    double chi = 0;
    for (int i = 0; i < 3; i++) {
      double normal = random.nextGaussian();
      chi += normal * normal;
    }
    return (float) (random.nextGaussian() / Math.sqrt(chi / 3 + 1e-9));
  }

  private double[][] features(SplittableRandom random) {
    double[][] dense = new double[neurons][rank];
    for (double[] row : dense) {
      for (int j = 0; j < rank; j++) {
        row[j] = heavyTailed(random);
      }
    }
    double[][] sparse = Plain.winnerTakeAll(dense, keep);
    if (rank >= 7) {
      for (double[] row : sparse) {
        row[3] = 0;
      }
    }
    return sparse;
  }

  private double[][] coefficients(SplittableRandom random) {
    double[][] values = new double[rank][tokens];
    for (int j = 0; j < rank; j++) {
      for (int t = 0; t < tokens; t++) {
        boolean zero = rank >= 7 && j == 5 || random.nextInt(4) == 0;
        values[j][t] = zero ? 0 : (float) random.nextDouble();
      }
    }
    return values;
  }

  @Override
  public String toString() {
    return name;
  }
}
