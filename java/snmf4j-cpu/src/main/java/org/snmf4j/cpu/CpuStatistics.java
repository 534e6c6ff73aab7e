package org.snmf4j.cpu;

import org.snmf4j.backend.Statistics;
import org.snmf4j.cpu.CpuLibrary.Sums;
import org.snmf4j.matrix.Matrix;

/** Statistics in native memory. */
final class CpuStatistics extends Statistics {
  final Sums sums;

  CpuStatistics(CpuBackend owner, int neurons, int rank, Sums sums) {
    super(owner, neurons, rank);
    this.sums = sums;
  }

  @Override
  protected double[][] doGram() {
    double[] flat = new double[Math.multiplyExact(rank(), rank())];
    NativeCalls.check(CpuLibrary.snmf4j_statistics_gram(sums, flat), "download G");
    double[][] gram = new double[rank()][rank()];
    for (int j = 0; j < rank(); j++) {
      System.arraycopy(flat, j * rank(), gram[j], 0, rank());
    }
    return gram;
  }

  @Override
  protected double[] doRowSums() {
    double[] result = new double[rank()];
    NativeCalls.check(CpuLibrary.snmf4j_statistics_row_sums(sums, result), "download row sums");
    return result;
  }

  @Override
  protected Matrix doCross() {
    return CpuFeatures.Blocks.read(
        neurons(),
        rank(),
        (target, from, count) -> CpuLibrary.snmf4j_statistics_cross(sums, target, from, count));
  }

  @Override
  protected void free() {
    CpuLibrary.snmf4j_statistics_destroy(sums);
    sums.setNull();
  }
}
