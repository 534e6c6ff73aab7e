package org.snmf4j.backend;

import org.snmf4j.matrix.Matrix;

/**
 * C = AYᵀ {@code [d, k]}, G = YYᵀ {@code [k, k]} and the row sums {@code [k]} of some coefficients
 * Y; G and the sums in float64.
 */
public abstract class Statistics extends Resident {
  private final int neurons;
  private final int rank;

  protected Statistics(AbstractBackend owner, int neurons, int rank) {
    super(owner);
    this.neurons = neurons;
    this.rank = rank;
  }

  /** d. */
  public final int neurons() {
    return neurons;
  }

  /** k. */
  public final int rank() {
    return rank;
  }

  /** A copy of G, row by row. */
  public final double[][] gram() {
    return owner().call(this::doGram, this, "statistics");
  }

  /** ℓ2 norms of Y's rows, √G_jj; 1 for a zero row. */
  public final double[] rowNorms() {
    double[][] gram = gram();
    double[] norms = new double[rank];
    for (int j = 0; j < rank; j++) {
      norms[j] = gram[j][j] > 0 ? Math.sqrt(gram[j][j]) : 1;
    }
    return norms;
  }

  /** Σ_t Y_jt for every row j of Y, {@code [k]}; ‖y_j‖₁ where Y is not negative. */
  public final double[] rowSums() {
    return owner().call(this::doRowSums, this, "statistics");
  }

  /** A copy of C {@code [d, k]} of the backend's element type, which the caller closes. */
  public final Matrix cross() {
    return owner().call(this::doCross, this, "statistics");
  }

  protected abstract double[][] doGram();

  protected abstract double[] doRowSums();

  protected abstract Matrix doCross();
}
