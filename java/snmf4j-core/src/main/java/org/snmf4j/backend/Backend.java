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

  /**
   * Copies activations to where the backend computes.
   *
   * @param activations A {@code [d, n]}, a column per token, in any layout; finite
   * @throws org.snmf4j.error.NonFiniteValueException naming the first NaN or infinity
   */
  Activations pack(Matrix activations);

  /**
   * Copies chosen tokens to where the backend computes; drops padding, or takes a sample.
   *
   * @param activations A {@code [d, n]}, a column per token, in any layout
   * @param columns the tokens to take, each between 0 and n − 1; at least one; may repeat
   * @throws org.snmf4j.error.NonFiniteValueException if a chosen token holds a NaN or infinity
   */
  Activations pack(Matrix activations, long[] columns);

  /** Zero coefficients {@code [rank, tokens]}. */
  Coefficients newCoefficients(int rank, long tokens);

  /** Zero features {@code [neurons, rank]}. */
  Features newFeatures(int neurons, int rank);

  /** Room for the statistics of a problem of this shape. */
  Statistics newStatistics(int neurons, int rank);

  /** C = AYᵀ and G = YYᵀ. */
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
   * Multiplies every column of Z by a factor.
   *
   * @param factors {@code [k]}, finite
   */
  void scaleColumns(Features z, double[] factors);

  /**
   * One pass over A: P = ZᵀA, Y′ = rule(Y, P, Q), and what {@code refresh} asks for of Y′.
   *
   * @param y where Y is read
   * @param rowScale {@code [k]}, positive and finite: Y is read with its rows multiplied by these;
   *     null for ones
   * @param result where Y′ is written; may be {@code y}
   * @param statistics where G and C of Y′ go; may be null if {@code refresh} is NONE
   */
  PassResult pass(
      Activations a,
      Features z,
      UpdateRule rule,
      Coefficients y,
      double[] rowScale,
      Coefficients result,
      Refresh refresh,
      Statistics statistics);

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
