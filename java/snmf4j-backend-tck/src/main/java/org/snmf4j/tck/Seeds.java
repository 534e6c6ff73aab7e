package org.snmf4j.tck;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The columns that a revival has to give to dead features, by the words of {@link
 * org.snmf4j.backend.Backend#revive}, and how clear the decisions behind them are.
 */
final class Seeds {
  /** Unit columns, those of the first dead features. */
  final List<double[]> columns = new ArrayList<>();

  /** Tokens that they come from. */
  final List<Integer> tokens = new ArrayList<>();

  /**
   * The least of all decisions' margins: between squared lengths of neighbours in the order,
   * relative to the larger; between a cosine and 0.9; between the last entry that is kept and the
   * first that is not, relative to the residual.
   */
  double margin = Double.POSITIVE_INFINITY;

  private final List<double[]> taken = new ArrayList<>();

  Seeds(double[][] a, double[][] z, double[][] y, List<Integer> dead, int keep) {
    double[][] tokensOfA = Plain.transpose(a);
    double[][] rest = Plain.transpose(a);
    for (int t = 0; t < rest.length; t++) {
      for (int j = 0; j < y.length; j++) {
        for (int i = 0; !dead.contains(j) && i < a.length; i++) {
          rest[t][i] -= z[i][j] * y[j][t];
        }
      }
    }
    double[] squares = Arrays.stream(rest).mapToDouble(Plain::squaredNorm).toArray();
    List<Integer> order =
        IntStream.range(0, rest.length)
            .boxed()
            .sorted(Comparator.comparingDouble(t -> -squares[t]))
            .toList();
    for (int c = 0; c < Math.min(order.size(), 4 * dead.size()); c++) {
      int t = order.get(c);
      if (columns.size() == dead.size()) {
        break;
      }
      if (Math.sqrt(squares[t]) <= 1e-6 * Math.sqrt(Plain.squaredNorm(tokensOfA[t]))) {
        continue;
      }
      if (c + 1 < order.size()) {
        decide((squares[t] - squares[order.get(c + 1)]) / squares[t]);
      }
      if (!repeats(rest[t])) {
        taken.add(rest[t]);
        tokens.add(t);
        columns.add(cut(rest[t], keep));
      }
    }
  }

  private void decide(double difference) {
    margin = Math.min(margin, Math.abs(difference));
  }

  private boolean repeats(double[] rest) {
    boolean repeats = false;
    for (double[] other : taken) {
      double inner = Plain.inner(new double[][] {rest}, new double[][] {other});
      double cosine = inner / Math.sqrt(Plain.squaredNorm(rest) * Plain.squaredNorm(other));
      decide(cosine - 0.9);
      repeats |= cosine > 0.9;
    }
    return repeats;
  }

  private double[] cut(double[] rest, int keep) {
    List<Integer> order =
        IntStream.range(0, rest.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -Math.abs(rest[i])))
            .toList();
    if (keep < rest.length) {
      double last = Math.abs(rest[order.get(keep - 1)]);
      double next = Math.abs(rest[order.get(keep)]);
      decide((last - next) / Math.sqrt(Plain.squaredNorm(rest)));
    }
    double[] kept = new double[rest.length];
    order.subList(0, keep).forEach(i -> kept[i] = rest[i]);
    double norm = Math.sqrt(Plain.squaredNorm(kept));
    return Arrays.stream(kept).map(value -> value / norm).toArray();
  }
}
