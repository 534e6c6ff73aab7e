package org.snmf4j.tck.planted;

import java.util.SplittableRandom;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * Activations A {@code [d, n]} made from planted features {@code [d, K]}. In all of them feature j
 * = 1 … K fires at a token with probability clip(0.5·j^-0.7, 0.004, 0.5), with a magnitude that is
 * lognormal(0, 0.5). The same shape and seed give the same values, whatever the threads.
 *
 * <p>Owns both matrices; the caller closes it. Threads: see {@link Matrix}.
 */
public final class PlantedData implements AutoCloseable {
  /** How the weights W of the features in {@link #gelu} are distributed. */
  public enum Variant {
    /** W ~ 0.22·t(3): every feature moves every neuron a little, some much. */
    DENSE,
    /** W ~ 0.08·t(4) plus, on 2 % of the entries, min(|t(3)|, 8): few neurons carry a feature. */
    SPARSE
  }

  /** Noise of {@link #linear}; both kinds have mean 0 and variance 1 before they are scaled. */
  public enum Noise {
    /** Normal. */
    GAUSSIAN {
      @Override
      double draw(SplittableRandom random) {
        return Draws.gaussian(random);
      }
    },
    /** As in MLP neurons: GELU(N − 0.9), centred and scaled; skewed, with a tail to the right. */
    GELU {
      @Override
      double draw(SplittableRandom random) {
        return Moments.standardized(Draws.gelu(Draws.gaussian(random) + Moments.BIAS));
      }
    };

    abstract double draw(SplittableRandom random);
  }

  /** Mean and deviation of GELU(N + bias), by the trapezoidal rule. */
  private static final class Moments {
    static final double BIAS = -0.9;
    private static final double MEAN;
    private static final double DEVIATION;

    static {
      double weights = 0;
      double first = 0;
      double second = 0;
      // Beyond ten deviations there is nothing left in float64.
      for (int step = -10_000; step <= 10_000; step++) {
        double x = step * 1e-3;
        double density = Math.exp(-x * x / 2);
        double value = Draws.gelu(x + BIAS);
        weights += density;
        first += density * value;
        second += density * value * value;
      }
      MEAN = first / weights;
      DEVIATION = Math.sqrt(second / weights - MEAN * MEAN);
    }

    static double standardized(double value) {
      return (value - MEAN) / DEVIATION;
    }
  }

  private final Matrix activations;
  private final Matrix features;

  private PlantedData(Matrix activations, Matrix features) {
    this.activations = activations;
    this.features = features;
  }

  /**
   * Like the activations of an MLP layer: A = GELU(scale · (W·S + 0.5·N) + bias), scale =
   * exp(0.4·N) and bias = −0.9 + 0.3·N per neuron. No factorization reproduces it exactly.
   * Benchmarks plant three times as many features as they fit. Computed on the common pool's
   * threads.
   *
   * @param variant how W is distributed
   * @param neurons d, at least 1
   * @param tokens n, at least 1
   * @param planted K, at least 1
   * @param seed of everything random
   * @return A in float32 and, as features, W
   */
  public static PlantedData gelu(Variant variant, int neurons, int tokens, int planted, long seed) {
    PlantedData data = allocate(neurons, tokens, planted);
    try {
      GeluPlant.fill(variant, seed, data.activations, data.features);
      return data;
    } catch (RuntimeException | Error e) {
      data.close();
      throw e;
    }
  }

  /**
   * An exact factorization with noise: A = Z·S + noise. The columns of Z have unit norm and exactly
   * {@code support} nonzeros at random neurons, of random sign, with magnitudes in proportion to
   * min(0.5 + |t(3)|, 8). Without noise, Z and S reproduce A but for float32 rounding.
   *
   * @param neurons d, at least 1
   * @param tokens n, at least 1
   * @param planted K, at least 1
   * @param support s, between 1 and d
   * @param level root mean square of the noise as a fraction of that of Z·S; finite, at least 0
   * @param noise its distribution
   * @param seed of everything random
   * @return A in float32 and, as features, Z
   */
  public static PlantedData linear(
      int neurons, int tokens, int planted, int support, double level, Noise noise, long seed) {
    if (support < 1 || support > neurons) {
      throw new InvalidArgumentException("support", support, "between 1 and " + neurons);
    }
    if (!(level >= 0) || Double.isInfinite(level)) {
      throw new InvalidArgumentException("level", level, "finite and not negative");
    }
    PlantedData data = allocate(neurons, tokens, planted);
    try {
      LinearPlant.fill(support, level, noise, seed, data.activations, data.features);
      return data;
    } catch (RuntimeException | Error e) {
      data.close();
      throw e;
    }
  }

  private static PlantedData allocate(int neurons, int tokens, int planted) {
    Matrix features = Matrix.allocate(ElementType.FLOAT32, neurons, planted);
    try {
      return new PlantedData(Matrix.allocate(ElementType.FLOAT32, neurons, tokens), features);
    } catch (RuntimeException | Error e) {
      features.close();
      throw e;
    }
  }

  /** A {@code [d, n]}, float32, row by row. */
  public Matrix activations() {
    return activations;
  }

  /** The truth, {@code [d, K]}, float32, row by row. */
  public Matrix features() {
    return features;
  }

  @Override
  public void close() {
    activations.close();
    features.close();
  }
}
