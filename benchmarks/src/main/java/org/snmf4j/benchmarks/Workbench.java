package org.snmf4j.benchmarks;

import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.Matrix;

/** All that operations of a backend need, in the state of a fit that has run for a while. */
final class Workbench implements AutoCloseable {
  /** Enough to be past the first phase of alternating least squares. */
  private static final int ITERATIONS = 20;

  static final double RIDGE = 1e-6;

  final Backend backend;
  final Matrix source;
  final Activations activations;
  final Coefficients current;
  final Coefficients next;
  final Coefficients zero;

  /** Z as fitted; the operations on features work on {@link #scratch}. */
  final Features features;

  final Features scratch;

  /** C and G of the fitted Y, C dense. */
  final Statistics statistics;

  /** Where passes leave theirs. */
  final Statistics refreshed;

  final int keep;

  /** Of the fitted Z. */
  final long nonzeros;

  /** Multiplications and additions of the refit's row systems. */
  final double refitFlops;

  /** Bytes of the packed activations, by the backend's own counter. */
  final double packedBytes;

  private final Matrix fitted;

  Workbench(String name, String variant, Shape shape, double density, int threads) {
    backend = Backends.open(name, new BackendConfig(threads));
    source = BenchmarkData.of(variant, shape, 0);
    int neurons = Math.toIntExact(source.rows());
    int rank = shape.rank();
    SnmfOptions options =
        SnmfOptions.builder(rank)
            .solver(Solver.ALS)
            .featureDensity(density)
            .maxIterations(ITERATIONS)
            .build();
    keep = options.supportSize(neurons);
    features = backend.newFeatures(neurons, rank);
    scratch = backend.newFeatures(neurons, rank);
    current = backend.newCoefficients(rank, source.columns());
    next = backend.newCoefficients(rank, source.columns());
    zero = backend.newCoefficients(rank, source.columns());
    statistics = backend.newStatistics(neurons, rank);
    refreshed = backend.newStatistics(neurons, rank);
    try (SnmfModel model = Snmf.fit(source, options, backend)) {
      fitted = model.features().copy(backend.elementType());
      current.upload(model.coefficients());
    }
    long before = backend.memory().current();
    activations = backend.pack(source);
    packedBytes = backend.memory().current() - before;
    features.upload(fitted);
    backend.denseStatistics(activations, current, statistics);
    long count = 0;
    double flops = 0;
    double[] row = new double[rank];
    for (int i = 0; i < neurons; i++) {
      fitted.readRow(i, 0, row, 0, rank);
      double size = 0;
      for (double value : row) {
        size += value == 0 ? 0 : 1;
      }
      count += (long) size;
      flops += size * size * size / 3 + 2 * size * size;
    }
    nonzeros = count;
    refitFlops = flops;
  }

  double neurons() {
    return activations.neurons();
  }

  double tokens() {
    return activations.tokens();
  }

  double rank() {
    return features.rank();
  }

  /** Bytes of so many elements. */
  double bytes(double elements) {
    return backend.elementType().bytes() * elements;
  }

  PassResult pass(UpdateRule rule, Coefficients from, Refresh refresh) {
    return backend.pass(activations, features, rule, from, null, null, next, refresh, refreshed);
  }

  /** Puts the fitted Z into {@link #scratch}. */
  void restore() {
    scratch.upload(fitted);
  }

  @Override
  public void close() {
    backend.close();
    source.close();
    fitted.close();
  }
}
