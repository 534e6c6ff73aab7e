package org.snmf4j.tck;

import java.util.Arrays;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;

/** The multiplicative solver, operation by operation. */
final class SelectionSteps implements AutoCloseable {
  private final Backend backend;
  private final int keep;
  private final Activations a;
  private final Coefficients y;
  private final Features z;
  private final Statistics statistics;

  SelectionSteps(Backend backend, double[][] a, double[][] y0, int keep) {
    this.backend = backend;
    this.keep = keep;
    try (Matrix values = Matrix.of(a)) {
      this.a = backend.pack(values);
    }
    y = Suite.coefficients(backend, y0);
    z = backend.newFeatures(a.length, y0.length);
    statistics = backend.newStatistics(a.length, y0.length);
  }

  void solve() {
    backend.denseStatistics(a, y, statistics);
    backend.ridgeSolve(statistics, 1e-6, z);
  }

  void select() {
    backend.winnerTakeAll(z, keep);
  }

  void update() {
    double[] norms = statistics.rowNorms();
    double[] scale = Arrays.stream(norms).map(norm -> 1 / norm).toArray();
    backend.scaleColumns(z, norms);
    backend.pass(a, z, new UpdateRule.Multiplicative(1e-6), y, scale, null, y, Refresh.NONE, null);
  }

  /** Goes on from the other's coefficients. */
  void follow(SelectionSteps other) {
    try (Matrix values = other.y.download()) {
      y.upload(values);
    }
  }

  double[][] features() {
    return Suite.take(z.download());
  }

  @Override
  public void close() {
    a.close();
    y.close();
    z.close();
    statistics.close();
  }
}
