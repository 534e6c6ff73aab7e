package org.snmf4j.nativecode;

import org.snmf4j.backend.Statistics;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.nativecode.Handles.Sums;

/** Statistics in native memory. */
final class NativeStatistics extends Statistics {
  private final NativeOperations library;
  final Sums sums;

  NativeStatistics(NativeBackend owner, int neurons, int rank, Sums sums) {
    super(owner, neurons, rank);
    this.library = owner.operations();
    this.sums = sums;
  }

  @Override
  protected double[][] doGram() {
    double[] flat = new double[Math.multiplyExact(rank(), rank())];
    NativeCalls.check(library, library.snmf4j_statistics_gram(sums, flat), "download G");
    double[][] gram = new double[rank()][rank()];
    for (int j = 0; j < rank(); j++) {
      System.arraycopy(flat, j * rank(), gram[j], 0, rank());
    }
    return gram;
  }

  @Override
  protected double[] doRowSums() {
    double[] result = new double[rank()];
    NativeCalls.check(
        library, library.snmf4j_statistics_row_sums(sums, result), "download row sums");
    return result;
  }

  @Override
  protected Matrix doCross() {
    return Blocks.read(
        library,
        neurons(),
        rank(),
        (target, from, count) -> library.snmf4j_statistics_cross(sums, target, from, count));
  }

  @Override
  protected void free() {
    library.snmf4j_statistics_destroy(sums);
    sums.setNull();
  }
}
