package org.snmf4j.tck.planted;

import java.util.SplittableRandom;

/** Random numbers that planted data are made of; each takes a fixed number of uniform draws. */
final class Draws {
  /** Uniform draws of one normal number. */
  static final int GAUSSIAN = 2;

  /** What a {@link SplittableRandom}'s state grows by with every draw (its documented gamma). */
  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private static final double FIRING_MOST = 0.5;
  private static final double FIRING_LEAST = 0.004;
  private static final double FIRING_POWER = -0.7;
  private static final double MAGNITUDE_DEVIATION = 0.5;

  private Draws() {}

  /**
   * The generator that {@code new SplittableRandom(seed)} is after {@code draws} draws. Rows that
   * are drawn at the same time thus get the numbers that they would get one after another.
   */
  static SplittableRandom after(long seed, long draws) {
    return new SplittableRandom(seed + draws * GAMMA);
  }

  /** Standard normal, by Box and Muller's formula. */
  static double gaussian(SplittableRandom random) {
    double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
    return radius * Math.cos(2 * Math.PI * random.nextDouble());
  }

  /** Student's t; takes {@code freedom + 1} normal numbers. */
  static double student(SplittableRandom random, int freedom) {
    double chi = 0;
    for (int i = 0; i < freedom; i++) {
      double x = gaussian(random);
      chi += x * x;
    }
    return gaussian(random) / Math.sqrt(chi / freedom);
  }

  /** Magnitude of a firing feature: lognormal(0, 0.5). */
  static double magnitude(SplittableRandom random) {
    return Math.exp(MAGNITUDE_DEVIATION * gaussian(random));
  }

  /** Probabilities that the features fire at a token: clip(0.5·j^-0.7, 0.004, 0.5), j from 1. */
  static double[] firing(int features) {
    double[] probabilities = new double[features];
    for (int j = 0; j < features; j++) {
      double p = FIRING_MOST * Math.pow(j + 1, FIRING_POWER);
      probabilities[j] = Math.min(FIRING_MOST, Math.max(FIRING_LEAST, p));
    }
    return probabilities;
  }

  /** The tanh form of GELU. */
  static double gelu(double x) {
    return 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  }
}
