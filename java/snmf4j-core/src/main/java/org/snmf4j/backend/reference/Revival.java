package org.snmf4j.backend.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.snmf4j.backend.ReviveResult;

/** Seeds dead features with the residuals of the tokens that are explained worst. */
final class Revival {
  /** Tokens looked at per dead feature. */
  private static final int CANDIDATES = 4;

  /** Cosine above which a second feature would repeat the first. */
  private static final double TOO_SIMILAR = 0.9;

  /** Of a token's length: what float32 leaves of a residual that is zero. */
  private static final double ROUNDING = 1e-6;

  private static final int W = Panels.WIDTH;

  private final Panels a;
  private final JavaStatistics s;
  private final JavaFeatures z;
  private final Panels y;

  /** A token by the square of its residual's length. */
  private record Candidate(long token, double square) {
    /** The worst first; of equal ones the first token. */
    static final Comparator<Candidate> ORDER =
        Comparator.comparingDouble(Candidate::square).reversed().thenComparing(Candidate::token);
  }

  Revival(Panels a, JavaStatistics s, JavaFeatures z, Panels y) {
    this.a = a;
    this.s = s;
    this.z = z;
    this.y = y;
  }

  ReviveResult run(int keep, Workers workers) {
    int[] dead =
        IntStream.range(0, z.rank())
            .filter(j -> s.gram[j][j] < Float.MIN_NORMAL || z.support[j].length == 0)
            .toArray();
    if (dead.length == 0) {
      return new ReviveResult(0, 0);
    }
    for (int j : dead) {
      bury(j);
    }
    List<double[]> seeds = spread(worst((long) CANDIDATES * dead.length, workers), dead.length);
    for (int m = 0; m < seeds.size(); m++) {
      double[] seed = seeds.get(m);
      FeatureSteps.keepLargest(seed, keep);
      double norm = norm(seed);
      z.columns[dead[m]] = Arrays.stream(seed).map(value -> value / norm).toArray();
      z.findSupport(dead[m]);
    }
    return new ReviveResult(dead.length, seeds.size());
  }

  /** Zeroes a feature, its coefficients and their statistics. */
  private void bury(int j) {
    int k = z.rank();
    Arrays.fill(z.columns[j], 0);
    z.findSupport(j);
    for (double[] panel : y.data) {
      Arrays.fill(panel, j * W, (j + 1) * W, 0);
    }
    for (int l = 0; l < k; l++) {
      s.gram[j][l] = 0;
      s.gram[l][j] = 0;
    }
    for (int i = 0; i < z.neurons(); i++) {
      s.cross[i * k + j] = 0;
    }
    s.rowSums[j] = 0;
  }

  /** The tokens with the largest residuals, in order. */
  private List<Candidate> worst(long count, Workers workers) {
    List<List<Candidate>> parts = new ArrayList<>();
    for (int w = 0; w < workers.threads(); w++) {
      parts.add(new ArrayList<>());
    }
    workers.forRanges(
        a.data.length,
        (worker, from, to) -> {
          PriorityQueue<Candidate> worst = new PriorityQueue<>(Candidate.ORDER.reversed());
          double[] rest = new double[a.rows * W];
          for (int p = from; p < to; p++) {
            PanelKernels.unexplained(a.data[p], z, y.data[p], rest);
            double[] squares = PanelKernels.tokenSquares(rest);
            for (int t = 0; t < Math.min(W, a.tokens - (long) p * W); t++) {
              if (Double.isFinite(squares[t])) {
                worst.add(new Candidate((long) p * W + t, squares[t]));
              }
              if (worst.size() > count) {
                worst.remove();
              }
            }
          }
          parts.get(worker).addAll(worst);
        });
    Stream<Candidate> all = parts.stream().flatMap(List::stream);
    return all.sorted(Candidate.ORDER).limit(count).toList();
  }

  /** Residuals of candidates, in their order, that point in different directions. */
  private List<double[]> spread(List<Candidate> candidates, int most) {
    List<double[]> chosen = new ArrayList<>();
    for (Candidate candidate : candidates) {
      if (chosen.size() == most) {
        break;
      }
      double[] token = column(a, candidate.token());
      double[] rest = residual(token, candidate.token());
      double norm = norm(rest);
      if (norm > ROUNDING * norm(token)
          && chosen.stream().noneMatch(other -> cosine(other, rest) > TOO_SIMILAR)) {
        chosen.add(rest);
      }
    }
    return chosen;
  }

  private double[] residual(double[] token, long t) {
    double[] coefficients = column(y, t);
    double[] rest = token.clone();
    for (int j = 0; j < z.rank(); j++) {
      for (int i : z.support[j]) {
        rest[i] -= z.columns[j][i] * coefficients[j];
      }
    }
    return rest;
  }

  private static double[] column(Panels panels, long t) {
    double[] panel = panels.data[(int) (t / W)];
    int at = (int) (t % W);
    return IntStream.range(0, panels.rows).mapToDouble(i -> panel[i * W + at]).toArray();
  }

  private static double norm(double[] x) {
    return Math.sqrt(PanelKernels.dot(x, x));
  }

  private static double cosine(double[] x, double[] y) {
    return PanelKernels.dot(x, y) / (norm(x) * norm(y));
  }
}
