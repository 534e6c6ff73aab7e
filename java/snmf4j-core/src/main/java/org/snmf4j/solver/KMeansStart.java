package org.snmf4j.solver;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Statistics;
import org.snmf4j.matrix.Matrix;

/**
 * Clusters the tokens by {@value #STEPS} Lloyd steps from k distinct random tokens; Y is the
 * one-hot membership, floored at {@value #FLOOR}, as in the authors' code. An empty cluster is
 * re-seeded with the token of which its own centroid explains the least, ‖a‖² − ‖a − c‖².
 */
public final class KMeansStart implements Start {
  private static final int STEPS = 15;
  private static final double FLOOR = 1e-6;

  @Override
  public Coefficients create(Problem problem, long seed, Monitor monitor) {
    int n = Math.toIntExact(problem.tokens());
    int[] cluster = new int[n];
    Arrays.fill(cluster, -1);
    int j = 0;
    for (int token : distinct(n, problem.rank(), new SplittableRandom(seed))) {
      cluster[token] = j++;
    }
    Backend backend = problem.backend();
    try (Coefficients membership = backend.newCoefficients(problem.rank(), n);
        Features centroids = backend.newFeatures(problem.neurons(), problem.rank());
        Statistics statistics = backend.newStatistics(problem.neurons(), problem.rank())) {
      for (int step = 0; step < STEPS; step++) {
        monitor.checkCancelled();
        upload(problem, membership, cluster, 0);
        backend.denseStatistics(problem.activations(), membership, statistics);
        double[] squaredNorms = setCentroids(statistics, centroids);
        backend.project(problem.activations(), centroids, membership);
        int[] assigned = assign(membership, squaredNorms);
        if (Arrays.equals(assigned, cluster)) {
          break;
        }
        cluster = assigned;
      }
    }
    Coefficients start = backend.newCoefficients(problem.rank(), n);
    try {
      upload(problem, start, cluster, FLOOR);
      return start;
    } catch (RuntimeException | Error e) {
      start.close();
      throw e;
    }
  }

  private static int[] distinct(int n, int k, SplittableRandom random) {
    Set<Integer> chosen = new HashSet<>();
    int[] tokens = new int[k];
    for (int j = 0; j < k; ) {
      int token = random.nextInt(n);
      if (chosen.add(token)) {
        tokens[j++] = token;
      }
    }
    return tokens;
  }

  private static void upload(Problem problem, Coefficients y, int[] cluster, double floor) {
    double[] row = new double[cluster.length];
    try (Matrix values =
        Matrix.allocate(problem.backend().elementType(), problem.rank(), cluster.length)) {
      for (int j = 0; j < problem.rank(); j++) {
        for (int t = 0; t < row.length; t++) {
          row[t] = cluster[t] == j ? 1 : floor;
        }
        values.writeRow(j, 0, row, 0, row.length);
      }
      y.upload(values);
    }
  }

  /** Centroids are C's columns over the cluster sizes, which G's diagonal holds. */
  private static double[] setCentroids(Statistics statistics, Features centroids) {
    double[][] gram = statistics.gram();
    int k = gram.length;
    double[] squaredNorms = new double[k];
    double[] row = new double[k];
    try (Matrix sums = statistics.cross()) {
      for (long i = 0; i < sums.rows(); i++) {
        sums.readRow(i, 0, row, 0, k);
        for (int j = 0; j < k; j++) {
          row[j] /= Math.max(1, gram[j][j]);
          squaredNorms[j] += row[j] * row[j];
        }
        sums.writeRow(i, 0, row, 0, k);
      }
      centroids.upload(sums);
    }
    return squaredNorms;
  }

  /** The nearest centroid minimizes ‖c‖² − 2⟨c, a⟩; {@code products} holds ⟨c, a⟩. */
  private static int[] assign(Coefficients products, double[] squaredNorms) {
    int n = Math.toIntExact(products.tokens());
    int[] cluster = new int[n];
    double[] nearest = new double[n];
    Arrays.fill(nearest, Double.POSITIVE_INFINITY);
    double[] row = new double[n];
    try (Matrix values = products.download()) {
      for (int j = 0; j < squaredNorms.length; j++) {
        values.readRow(j, 0, row, 0, n);
        for (int t = 0; t < n; t++) {
          double distance = squaredNorms[j] - 2 * row[t];
          if (distance < nearest[t]) {
            nearest[t] = distance;
            cluster[t] = j;
          }
        }
      }
    }
    return reseedEmpty(cluster, nearest, squaredNorms.length);
  }

  private static int[] reseedEmpty(int[] cluster, double[] nearest, int k) {
    int[] sizes = new int[k];
    for (int j : cluster) {
      sizes[j]++;
    }
    for (int j = 0; j < k; j++) {
      if (sizes[j] == 0) {
        int worst = -1;
        for (int t = 0; t < cluster.length; t++) {
          if (sizes[cluster[t]] > 1 && (worst < 0 || nearest[t] > nearest[worst])) {
            worst = t;
          }
        }
        sizes[cluster[worst]]--;
        sizes[j]++;
        cluster[worst] = j;
        nearest[worst] = Double.NEGATIVE_INFINITY;
      }
    }
    return cluster;
  }
}
