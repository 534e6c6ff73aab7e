package org.snmf4j.backend.reference;

import java.util.Arrays;
import java.util.List;
import org.snmf4j.backend.Refresh;

/** G, the row sums and C summed by each worker apart, then added up in the workers' order. */
final class Sums {
  private final JavaStatistics target;
  private final Refresh refresh;
  private final int[][] support;
  private final double[][][] grams;
  private final double[][] rowSums;
  private final double[][] crosses;

  /**
   * @param supports C is wanted where any of these features is not zero
   */
  Sums(JavaStatistics target, Refresh refresh, List<JavaFeatures> supports, int workers) {
    this.target = target;
    this.refresh = refresh;
    this.support = refresh == Refresh.SUPPORT ? union(supports) : null;
    grams = new double[workers][][];
    rowSums = new double[workers][];
    crosses = new double[workers][];
    if (refresh == Refresh.NONE) {
      return;
    }
    for (int w = 0; w < workers; w++) {
      grams[w] = new double[target.rank()][target.rank()];
      rowSums[w] = new double[target.rank()];
      if (refresh != Refresh.GRAM) {
        crosses[w] = new double[target.cross.length];
      }
    }
  }

  private static int[][] union(List<JavaFeatures> supports) {
    int[][] result = new int[supports.get(0).rank()][];
    for (int j = 0; j < result.length; j++) {
      int column = j;
      result[j] =
          supports.stream()
              .flatMapToInt(z -> Arrays.stream(z.support[column]))
              .sorted()
              .distinct()
              .toArray();
    }
    return result;
  }

  void add(int worker, double[] a, double[] y) {
    if (refresh == Refresh.NONE) {
      return;
    }
    PanelKernels.gram(y, grams[worker]);
    PanelKernels.rowSums(y, rowSums[worker]);
    if (refresh == Refresh.DENSE) {
      PanelKernels.cross(a, y, crosses[worker], target.neurons(), target.rank());
    } else if (refresh == Refresh.SUPPORT) {
      PanelKernels.crossOnSupport(a, y, support, crosses[worker]);
    }
  }

  void reduce() {
    if (refresh == Refresh.NONE) {
      return;
    }
    int k = target.rank();
    for (int j = 0; j < k; j++) {
      for (int l = 0; l <= j; l++) {
        double sum = 0;
        for (double[][] part : grams) {
          sum += part[j][l];
        }
        target.gram[j][l] = sum;
        target.gram[l][j] = sum;
      }
    }
    add(rowSums, target.rowSums);
    if (refresh != Refresh.GRAM) {
      add(crosses, target.cross);
    }
  }

  private static void add(double[][] parts, double[] result) {
    for (int i = 0; i < result.length; i++) {
      double sum = 0;
      for (double[] part : parts) {
        sum += part[i];
      }
      result[i] = sum;
    }
  }

  /** ⟨Q, G⟩. */
  double quadratic(double[][] q) {
    double sum = 0;
    for (int j = 0; j < q.length; j++) {
      sum += PanelKernels.dot(q[j], target.gram[j]);
    }
    return sum;
  }

  /** Σ_j ‖z_j‖ Σ_t y_jt. */
  double spread(double[][] q) {
    double sum = 0;
    for (int j = 0; j < q.length; j++) {
      sum += Math.sqrt(q[j][j]) * target.rowSums[j];
    }
    return sum;
  }
}
