package org.snmf4j.backend.reference;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.snmf4j.backend.Features;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Features on the heap: dense columns and the indices of their nonzeros. */
final class JavaFeatures extends Features {
  double[][] columns;
  int[][] support;
  private final JavaBackend backend;

  JavaFeatures(JavaBackend owner, int neurons, int rank) {
    super(owner, neurons, rank);
    backend = owner;
    columns = new double[rank][neurons];
    support = new int[rank][0];
    owner.allocated(bytes());
  }

  /** Q = ZᵀZ. */
  double[][] gram() {
    int k = rank();
    double[][] q = new double[k][k];
    for (int j = 0; j < k; j++) {
      for (int l = 0; l <= j; l++) {
        double sum = 0;
        double[] other = columns[l];
        for (int i : support[j]) {
          sum += columns[j][i] * other[i];
        }
        q[j][l] = sum;
        q[l][j] = sum;
      }
    }
    return q;
  }

  void findSupport(int j) {
    double[] column = columns[j];
    support[j] = IntStream.range(0, column.length).filter(i -> column[i] != 0).toArray();
  }

  void winnerTakeAll(int j, int keep) {
    double[] column = columns[j];
    double[] magnitudes = new double[column.length];
    for (int i = 0; i < column.length; i++) {
      magnitudes[i] = Math.abs(column[i]);
    }
    Arrays.sort(magnitudes);
    double threshold = magnitudes[magnitudes.length - keep];
    for (int i = 0; i < column.length; i++) {
      if (Math.abs(column[i]) < threshold) {
        column[i] = 0;
      }
    }
    findSupport(j);
  }

  @Override
  protected void doUpload(Matrix values) {
    double[] row = new double[rank()];
    for (int i = 0; i < neurons(); i++) {
      values.readRow(i, 0, row, 0, row.length);
      for (int j = 0; j < row.length; j++) {
        columns[j][i] = row[j];
      }
    }
    for (int j = 0; j < rank(); j++) {
      findSupport(j);
    }
  }

  @Override
  protected Matrix doDownload() {
    Matrix values = Matrix.allocate(ElementType.FLOAT64, neurons(), rank());
    double[] row = new double[rank()];
    for (int i = 0; i < neurons(); i++) {
      for (int j = 0; j < row.length; j++) {
        row[j] = columns[j][i];
      }
      values.writeRow(i, 0, row, 0, row.length);
    }
    return values;
  }

  @Override
  protected void free() {
    backend.freed(bytes());
    columns = null;
    support = null;
  }

  private long bytes() {
    return (long) neurons() * rank() * Double.BYTES;
  }
}
