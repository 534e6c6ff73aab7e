package org.snmf4j.backend;

import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * An open backend: the operations that the algorithms are made of. Shapes: A {@code [d, n]}, Z
 * {@code [d, k]}, Y {@code [k, n]}.
 *
 * <p>Errors: wrong shapes and foreign or closed data throw before anything is computed; a kernel's
 * failure throws {@link org.snmf4j.error.BackendFailureException} and leaves the backend usable.
 *
 * <p>Determinism: the same calls with the same number of threads give the same bits.
 *
 * <p>Threads: may be shared; calls are serialized. {@link #close()} waits for the running call,
 * frees all data of this backend and is idempotent; later calls throw {@link
 * org.snmf4j.error.ClosedException}.
 *
 * <p>Implementers extend {@link AbstractBackend}, which does all checks.
 */
public interface Backend extends AutoCloseable {
  /** The provider's name. */
  String name();

  /** What runs: kernels, instruction set or device, libraries. */
  String description();

  /** Host threads that compute. */
  int threads();

  /** Element type that the backend computes in and that downloads have. */
  ElementType elementType();

  /** As {@link #pack(Matrix, Precision)}, stored in {@link Precision#FP32}. */
  default Activations pack(Matrix activations) {
    return pack(activations, Precision.FP32);
  }

  /**
   * Copies activations to where the backend computes. A backend may keep more bytes per element
   * than the precision has, but computes with what {@link Precision#round} gives.
   *
   * @param activations A {@code [d, n]}, a column per token, in any layout; finite
   * @param precision how elements are stored
   * @throws org.snmf4j.error.NonFiniteValueException naming the first NaN or infinity
   * @throws org.snmf4j.error.ValueRangeException naming the first value beyond the precision
   */
  Activations pack(Matrix activations, Precision precision);

  /** As {@link #pack(Matrix, long[], Precision)}, stored in {@link Precision#FP32}. */
  default Activations pack(Matrix activations, long[] columns) {
    return pack(activations, columns, Precision.FP32);
  }

  /**
   * Copies chosen tokens to where the backend computes; drops padding, or takes a sample.
   *
   * @param activations A {@code [d, n]}, a column per token, in any layout
   * @param columns the tokens to take, each between 0 and n − 1; at least one; may repeat
   * @param precision how elements are stored
   * @throws org.snmf4j.error.NonFiniteValueException if a chosen token holds a NaN or infinity
   * @throws org.snmf4j.error.ValueRangeException if one holds a value beyond the precision
   */
  Activations pack(Matrix activations, long[] columns, Precision precision);

  /**
   * Packs other values over activations that are there already, which spares the memory's
   * allocation; its samples show them too.
   *
   * @param activations A {@code [d, n]} of the target's shape, as of {@link #pack(Matrix)}
   * @param target no {@link #sample}; after an error it holds anything
   * @throws org.snmf4j.error.NonFiniteValueException naming the first NaN or infinity
   */
  void repack(Matrix activations, Activations target);

  /** Zero coefficients {@code [rank, tokens]}. */
  Coefficients newCoefficients(int rank, long tokens);

  /** Zero features {@code [neurons, rank]}. */
  Features newFeatures(int neurons, int rank);

  /** Room for the statistics of a problem of this shape. */
  Statistics newStatistics(int neurons, int rank);

  /**
   * Every {@code stride}-th panel of 64 tokens of A, from the first on: a sample of A's precision
   * that shows what A holds, also after a {@link #repack}. A last panel of fewer tokens is left
   * out, unless it is the only one. Closing {@code a} closes its samples too.
   *
   * <p>Where memory is read as fast with gaps as without, a sample is a view that costs nothing;
   * elsewhere it may be a copy, which the backend renews after A has changed.
   *
   * @param stride at least 1
   */
  Activations sample(Activations a, int stride);

  /** C = AYᵀ, G = YYᵀ and the row sums of Y. */
  void denseStatistics(Activations a, Coefficients y, Statistics result);

  /**
   * Z ← C (G + ridge·I)⁻¹, solved in float64. G may be singular: the ridge grows tenfold, from the
   * one given, until the factorization succeeds.
   *
   * @param ridge ρ, positive
   */
  void ridgeSolve(Statistics statistics, double ridge, Features result);

  /**
   * Keeps in every column of Z the entries whose magnitude is at least the {@code keep}-th largest
   * of that column, ties included, and zeroes the others.
   *
   * @param keep between 1 and d
   */
  void winnerTakeAll(Features z, int keep);

  /**
   * One sweep of block coordinate descent over the columns of Z, each solved exactly: with b = C_j
   * − Z G_j + z_j G_jj and b_S its {@code keep} entries of largest magnitude (of equal ones the
   * first), z_j = b_S / ‖b_S‖ · max(0, ‖b_S‖ − penalty·‖y_j‖₁) / G_jj. A column with G_jj = 0
   * becomes zero. Never raises ½‖A − ZY‖² + penalty Σ_j ‖z_j‖‖y_j‖₁ if every column has at most
   * {@code keep} nonzeros.
   *
   * @param statistics those of Y, C dense
   * @param z read and written
   * @param keep between 1 and d
   * @param penalty λ; finite, at least 0
   */
  default void sweepColumns(Statistics statistics, Features z, int keep, double penalty) {
    sweepColumns(statistics, z, keep, penalty, null);
  }

  /**
   * As {@link #sweepColumns(Statistics, Features, int, double)}, but a column's entries are chosen
   * among those that it has and candidates: C is read there only.
   *
   * @param statistics those of Y, C at least at the candidates and where Z is not zero
   * @param candidates features whose nonzeros say where else Z may have its own; other than Z; null
   *     for everywhere
   */
  void sweepColumns(
      Statistics statistics, Features z, int keep, double penalty, Features candidates);

  /**
   * Least squares of Z on its support, row by row: z_iS = (G_SS + D)⁻¹ C_iS, D diagonal with
   * penalty·‖y_j‖₁ / ‖z_j‖ of the old z_j, which majorizes the penalty. A ridge of rounding size
   * keeps singular systems solvable. Entries that come out as exactly zero leave the support.
   *
   * @param statistics those of Y, C at least where Z is not zero
   * @param z read and written
   * @param penalty λ; finite, at least 0
   * @param relaxation entries move so many times as far as to there; at least 1 and below 2, which
   *     keeps the objective from rising
   */
  void refit(Statistics statistics, Features z, double penalty, double relaxation);

  /** {@link #refit(Statistics, Features, double, double)} to the least squares themselves. */
  default void refit(Statistics statistics, Features z, double penalty) {
    refit(statistics, z, penalty, 1);
  }

  /**
   * Gives dead features a new start at the tokens that are explained worst. Feature j is dead if
   * column j of Z is zero or G_jj is below 2⁻¹²⁶, the least normal float32: coefficients below
   * 1e-19 each, whose squares float32 loses. Its column and its coefficients become zero.
   *
   * <p>With r_t = a_t − Z y_t after that, the candidates are the 4 · dead tokens of largest finite
   * ‖r_t‖ (of equal ones the first). In that order a candidate is passed over if its residual is
   * rounding error, ‖r_t‖ ≤ 1e-6 ‖a_t‖, or if the cosine of r_t with the residual of a token taken
   * before exceeds 0.9. The m-th token taken is the m-th dead feature's: z_j is the {@code keep}
   * entries of r_t that are largest in magnitude (of equal ones the first), scaled to unit length.
   * Dead features that no token is left for stay zero; a later call may revive them, when the
   * residuals have changed.
   *
   * <p>Features whose coefficients are zero contribute nothing: neither ½‖A − ZY‖² nor a penalty on
   * ‖z_j‖‖y_j‖₁ changes, but for what vanishes with such small coefficients. The next {@link #pass}
   * gives revived features their coefficients; before it, {@link #sweepColumns} and {@link #refit}
   * would make their columns zero again.
   *
   * <p>Costs a look at the diagonal of G and at the supports of Z if no feature is dead, and
   * changes nothing then; otherwise one reading of A. The result does not depend on the number of
   * threads.
   *
   * @param statistics those of Y, of which G is read; and so they stay: rows and columns of dead
   *     features become zero
   * @param z read and written
   * @param y read and written
   * @param keep between 1 and d
   */
  ReviveResult revive(Activations a, Statistics statistics, Features z, Coefficients y, int keep);

  /**
   * Multiplies every column of Z by a factor.
   *
   * @param factors {@code [k]}, finite
   */
  void scaleColumns(Features z, double[] factors);

  /**
   * Turns the columns of Z into an orthonormal basis of their span, in order: column j becomes the
   * direction that it has beyond the columns before it, of unit length; zero if those explain it up
   * to rounding (1e-10 of its squared length).
   */
  void orthonormalize(Features z);

  /**
   * result {@code [d, k]} ← left {@code [d, r]} · right {@code [r, k]}.
   *
   * @param result neither of the factors
   */
  void multiply(Features left, Features right, Features result);

  /**
   * UᵀA, the activations in the coordinates of a basis: with them as A, the statistics and the
   * least squares of {@link #denseStatistics} and {@link #ridgeSolve} cost r/d as much; {@link
   * #multiply} by U and {@link #expand} lead back to the neurons.
   *
   * @param basis U {@code [d, r]}, columns orthonormal
   * @return {@code [r, n]}, which the caller closes
   */
  Activations compress(Activations a, Features basis);

  /**
   * Statistics of compressed activations, back among the neurons: C ← U·C, G and the row sums of Y
   * as they are.
   *
   * @param basis U {@code [d, r]}
   * @param coordinates of {@code [r, k]}
   * @param result of {@code [d, k]}; not the coordinates
   */
  void expand(Features basis, Statistics coordinates, Statistics result);

  /**
   * One pass over A: P = ZᵀA, Y′ = rule(Y, P, Q), and what {@code refresh} asks for of Y′.
   *
   * @param y where Y is read
   * @param rowScale {@code [k]}, positive and finite: Y is read with its rows multiplied by these;
   *     null for ones
   * @param momentum where the coefficients before Y are, and how far to go on beyond Y: what is
   *     read is max(0, Y + β(Y − before)); null for Y itself, and if there is a row scale
   * @param result where Y′ is written; may be {@code y}
   * @param statistics where G and C of Y′ go; may be null if {@code refresh} is NONE
   */
  default PassResult pass(
      Activations a,
      Features z,
      UpdateRule rule,
      Coefficients y,
      double[] rowScale,
      Momentum momentum,
      Coefficients result,
      Refresh refresh,
      Statistics statistics) {
    return pass(a, z, rule, y, rowScale, momentum, result, refresh, statistics, null);
  }

  /**
   * As {@link #pass(Activations, Features, UpdateRule, Coefficients, double[], Momentum,
   * Coefficients, Refresh, Statistics)}, with C on more than Z's support.
   *
   * @param support features whose nonzeros say where {@link Refresh#SUPPORT} wants C, too; or null
   */
  PassResult pass(
      Activations a,
      Features z,
      UpdateRule rule,
      Coefficients y,
      double[] rowScale,
      Momentum momentum,
      Coefficients result,
      Refresh refresh,
      Statistics statistics,
      Features support);

  /** P = ZᵀA, written as coefficients (signed). */
  void project(Activations a, Features z, Coefficients result);

  /** ‖A − ZY‖² from the residual itself, for when the Gram form would cancel. */
  double residual(Activations a, Features z, Coefficients y);

  /** Memory held by this backend's data and workspaces. */
  MemoryUse memory();

  /** Starts a new peak at what is held now. */
  void resetPeak();

  @Override
  void close();
}
