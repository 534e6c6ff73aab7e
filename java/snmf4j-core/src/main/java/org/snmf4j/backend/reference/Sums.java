package org.snmf4j.backend.reference;

import org.snmf4j.backend.Refresh;

/** G and C summed by each worker apart, then added up in the workers' order. */
final class Sums {
  private final JavaStatistics target;
  private final Refresh refresh;
  private final double[][][] grams;
  private final double[][] crosses;

  Sums(JavaStatistics target, Refresh refresh, int workers) {
    this.target = target;
    this.refresh = refresh;
    grams = new double[workers][][];
    crosses = new double[workers][];
    if (refresh == Refresh.NONE) {
      return;
    }
    for (int w = 0; w < workers; w++) {
      grams[w] = new double[target.rank()][target.rank()];
      if (refresh == Refresh.DENSE) {
        crosses[w] = new double[target.cross.length];
      }
    }
  }

  void add(int worker, double[] a, double[] y) {
    if (refresh == Refresh.NONE) {
      return;
    }
    PanelKernels.gram(y, grams[worker]);
    if (refresh == Refresh.DENSE) {
      PanelKernels.cross(a, y, crosses[worker], target.neurons(), target.rank());
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
    if (refresh == Refresh.DENSE) {
      for (int i = 0; i < target.cross.length; i++) {
        double sum = 0;
        for (double[] part : crosses) {
          sum += part[i];
        }
        target.cross[i] = sum;
      }
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
}
