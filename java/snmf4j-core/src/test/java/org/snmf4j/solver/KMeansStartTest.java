package org.snmf4j.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.Matrix;

class KMeansStartTest {
  private static double[][] start(double[][] a, int rank, long seed) {
    try (Backend backend = Backends.open("java", new BackendConfig(1));
        Matrix matrix = Matrix.of(a);
        Activations packed = backend.pack(matrix);
        Coefficients y =
            new KMeansStart().create(new Problem(backend, packed, rank, 1), seed, Monitor.NONE);
        Matrix values = y.download()) {
      return values.toArray();
    }
  }

  /** The cluster of every token; fails unless Y is one-hot over the floor and no row is empty. */
  private static int[] clusters(double[][] start) {
    int[] clusters = new int[start[0].length];
    boolean[] used = new boolean[start.length];
    for (int t = 0; t < clusters.length; t++) {
      int ones = 0;
      for (int j = 0; j < start.length; j++) {
        if (start[j][t] == 1) {
          clusters[t] = j;
          used[j] = true;
          ones++;
        } else {
          assertEquals(1e-6, start[j][t], 0.0);
        }
      }
      assertEquals(1, ones, "memberships of token " + t);
    }
    for (int j = 0; j < used.length; j++) {
      assertTrue(used[j], "cluster " + j + " is empty");
    }
    return clusters;
  }

  /** Tokens around far-apart centres, centre by centre in turn. */
  private static double[][] blobs(int centres, int tokens) {
    SplittableRandom random = new SplittableRandom(2);
    double[][] a = new double[4][tokens];
    for (int t = 0; t < tokens; t++) {
      int centre = t % centres;
      for (int i = 0; i < 4; i++) {
        a[i][t] = (centre >> i & 1) * 20 - 10 + 0.1 * random.nextGaussian();
      }
    }
    return a;
  }

  @Test
  void findsTwoClustersFromAnySeed() {
    double[][] a = blobs(2, 130);
    for (int seed = 0; seed < 30; seed++) {
      int[] clusters = clusters(start(a, 2, seed));
      for (int t = 0; t < 130; t++) {
        assertEquals(clusters[t % 2], clusters[t], "seed " + seed + ", token " + t);
      }
    }
  }

  @Test
  void mostlyFindsFiveClustersAndNeverMixesMoreThanLloydDoes() {
    double[][] a = blobs(5, 200);
    int found = 0;
    for (int seed = 0; seed < 40; seed++) {
      int[] clusters = clusters(start(a, 5, seed));
      boolean pure = true;
      for (int t = 0; t < 200; t++) {
        pure &= clusters[t] == clusters[t % 5];
      }
      found += pure && Arrays.stream(clusters).distinct().count() == 5 ? 1 : 0;
    }
    // Lloyd's steps from five random tokens often have two seeds in one blob; then it cannot.
    assertTrue(found >= 4, "found all five clusters from " + found + " of 40 seeds");
  }

  @Test
  void everyTokenIsWithItsNearestCentroidOnceConverged() {
    double[][] a = Planted.activations(6, 90, 3, 4);
    int[] clusters = clusters(start(a, 3, 1));
    double[][] centroids = new double[3][6];
    int[] sizes = new int[3];
    for (int t = 0; t < 90; t++) {
      sizes[clusters[t]]++;
      for (int i = 0; i < 6; i++) {
        centroids[clusters[t]][i] += a[i][t];
      }
    }
    int misplaced = 0;
    for (int t = 0; t < 90; t++) {
      double[] distances = new double[3];
      for (int j = 0; j < 3; j++) {
        for (int i = 0; i < 6; i++) {
          double difference = a[i][t] - centroids[j][i] / sizes[j];
          distances[j] += difference * difference;
        }
      }
      double nearest = Arrays.stream(distances).min().orElseThrow();
      misplaced += distances[clusters[t]] > nearest + 1e-9 ? 1 : 0;
    }
    assertEquals(0, misplaced);
  }

  @Test
  void duplicatesFillAllClusters() {
    double[][] a = new double[3][60];
    for (int t = 0; t < 60; t++) {
      a[t % 3][t] = 5;
    }
    for (int seed = 0; seed < 10; seed++) {
      clusters(start(a, 3, seed));
    }
    double[][] equal = new double[8][20];
    for (double[] row : equal) {
      Arrays.fill(row, 1);
    }
    clusters(start(equal, 8, 1));
  }

  @Test
  void asManyClustersAsTokens() {
    double[][] a = Planted.activations(12, 12, 3, 4);
    int[] clusters = clusters(start(a, 12, 1));
    assertEquals(12, Arrays.stream(clusters).distinct().count());
  }
}
