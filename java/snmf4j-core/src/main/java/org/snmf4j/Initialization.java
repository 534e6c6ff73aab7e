package org.snmf4j;

import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.GivenStart;
import org.snmf4j.solver.KMeansStart;
import org.snmf4j.solver.RandomStart;
import org.snmf4j.solver.SignSplitStart;
import org.snmf4j.solver.Start;
import org.snmf4j.solver.SvdStart;

/** Where a fit starts. Immutable; the given matrix is read when the fit begins. */
public final class Initialization {
  private final String name;
  private final Start start;

  private Initialization(String name, Start start) {
    this.name = name;
    this.start = start;
  }

  /** Coefficients drawn from U(0, 1) by the seed. The paper's choice. */
  public static Initialization random() {
    return new Initialization("random", new RandomStart());
  }

  /** Coefficients from the leading singular vectors: max(√Σ Vᵀ, 1e-6). */
  public static Initialization svd() {
    return new Initialization("svd", new SvdStart());
  }

  /** Coefficients from the memberships of a k-means clustering of the tokens. */
  public static Initialization kMeans() {
    return new Initialization("kmeans", new KMeansStart());
  }

  /**
   * Coefficients from half as many singular vectors, each giving its positive and its negative
   * part. The default of {@link Solver#ALS}.
   */
  public static Initialization signSplit() {
    return new Initialization("signsplit", new SignSplitStart());
  }

  /**
   * Given coefficients. Features have no start of their own: the first step computes them.
   *
   * @param coefficients {@code [k, n]}, finite and non-negative; must stay open until the fit ends
   */
  public static Initialization coefficients(Matrix coefficients) {
    return new Initialization("given", new GivenStart(coefficients));
  }

  /** {@code random}, {@code svd}, {@code kmeans}, {@code signsplit} or {@code given}. */
  public String name() {
    return name;
  }

  Start start() {
    return start;
  }
}
