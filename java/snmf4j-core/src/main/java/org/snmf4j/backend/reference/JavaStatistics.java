package org.snmf4j.backend.reference;

import org.snmf4j.backend.Statistics;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** C, G and the row sums on the heap. */
final class JavaStatistics extends Statistics {
  double[] cross;
  double[][] gram;
  double[] rowSums;
  private final JavaBackend backend;

  JavaStatistics(JavaBackend owner, int neurons, int rank) {
    super(owner, neurons, rank);
    backend = owner;
    cross = new double[Math.multiplyExact(neurons, rank)];
    gram = new double[rank][rank];
    rowSums = new double[rank];
    owner.allocated(bytes());
  }

  @Override
  protected double[][] doGram() {
    double[][] copy = new double[rank()][];
    for (int j = 0; j < copy.length; j++) {
      copy[j] = gram[j].clone();
    }
    return copy;
  }

  @Override
  protected double[] doRowSums() {
    return rowSums.clone();
  }

  @Override
  protected Matrix doCross() {
    Matrix copy = Matrix.allocate(ElementType.FLOAT64, neurons(), rank());
    for (int i = 0; i < neurons(); i++) {
      copy.writeRow(i, 0, cross, i * rank(), rank());
    }
    return copy;
  }

  @Override
  protected void free() {
    backend.freed(bytes());
    cross = null;
    gram = null;
    rowSums = null;
  }

  private long bytes() {
    return ((long) neurons() + rank() + 1) * rank() * Double.BYTES;
  }
}
