package org.snmf4j.nativecode;

import org.bytedeco.javacpp.DoublePointer;
import org.snmf4j.backend.AbstractBackend;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.MemoryUse;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.PassResult;
import org.snmf4j.backend.Precision;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.ReviveResult;
import org.snmf4j.backend.Statistics;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.nativecode.Handles.Context;
import org.snmf4j.nativecode.Handles.FeatureColumns;
import org.snmf4j.nativecode.Handles.Panels;
import org.snmf4j.nativecode.Handles.Sums;

/**
 * A backend of native code: forwards to a library's operations what {@link AbstractBackend} has
 * checked. A subclass opens the context, and tells who it is.
 */
public abstract class NativeBackend extends AbstractBackend {
  private final NativeOperations library;
  private final Context context;
  private final int threads;

  /**
   * @param context open; closed with the backend
   * @param threads host threads that compute
   */
  protected NativeBackend(NativeOperations library, Context context, int threads) {
    this.library = library;
    this.context = context;
    this.threads = threads;
  }

  final NativeOperations operations() {
    return library;
  }

  @Override
  public final int threads() {
    return threads;
  }

  @Override
  public final ElementType elementType() {
    return ElementType.FLOAT32;
  }

  @Override
  protected final Activations doPack(Matrix activations, long[] columns, Precision precision) {
    int neurons = Math.toIntExact(activations.rows());
    long tokens = columns == null ? activations.columns() : columns.length;
    Panels panels = newPanels(neurons, tokens, precision, false);
    Runnable search = () -> requireStorable(activations, columns, precision);
    try {
      double squares =
          columns == null
              ? Transfer.write(activations, library, panels, "activations", search)
              : Transfer.write(activations, columns, library, panels, "activations", search);
      return new NativeActivations(this, neurons, tokens, precision, panels, squares);
    } catch (RuntimeException | Error e) {
      library.snmf4j_panels_destroy(panels);
      throw e;
    }
  }

  @Override
  protected final void doRepack(Matrix activations, Activations target) {
    NativeActivations packed = (NativeActivations) target;
    packed.squaredNorm =
        Transfer.write(
            activations,
            library,
            packed.panels,
            "activations",
            () -> requireStorable(activations, null, target.precision()));
  }

  @Override
  protected final Coefficients doNewCoefficients(int rank, long tokens) {
    return new NativeCoefficients(
        this, rank, tokens, newPanels(rank, tokens, Precision.FP32, true));
  }

  private Panels newPanels(long rows, long tokens, Precision precision, boolean clear) {
    Panels panels = new Panels();
    int type =
        switch (precision) {
          case FP32 -> NativeOperations.FLOAT32;
          case FP16 -> NativeOperations.FLOAT16;
          case BF16 -> NativeOperations.BFLOAT16;
        };
    check(
        library.snmf4j_panels_create(context, type, rows, tokens, clear ? 1 : 0, panels),
        "allocate " + rows + " x " + tokens + " " + precision + " values");
    return panels;
  }

  @Override
  protected final Features doNewFeatures(int neurons, int rank) {
    FeatureColumns columns = new FeatureColumns();
    check(
        library.snmf4j_features_create(context, neurons, rank, columns),
        "allocate " + neurons + " x " + rank + " features");
    return new NativeFeatures(this, neurons, rank, columns);
  }

  @Override
  protected final Statistics doNewStatistics(int neurons, int rank) {
    Sums sums = new Sums();
    check(
        library.snmf4j_statistics_create(context, neurons, rank, sums),
        "allocate statistics for " + neurons + " neurons and rank " + rank);
    return new NativeStatistics(this, neurons, rank, sums);
  }

  @Override
  protected final void doDenseStatistics(Activations a, Coefficients y, Statistics result) {
    check(
        library.snmf4j_dense_statistics(panels(a), panels(y), sums(result)),
        "compute the statistics");
  }

  @Override
  protected final void doRidgeSolve(Statistics statistics, double ridge, Features result) {
    check(
        library.snmf4j_ridge_solve(sums(statistics), ridge, columns(result)),
        "solve for the features");
  }

  @Override
  protected final void doWinnerTakeAll(Features z, int keep) {
    check(
        library.snmf4j_features_winner_take_all(columns(z), keep), "select the features' neurons");
  }

  @Override
  protected final void doScaleColumns(Features z, double[] factors) {
    check(library.snmf4j_features_scale(columns(z), factors), "scale the features");
  }

  @Override
  protected final Activations doSample(Activations a, int stride) {
    Panels view = new Panels();
    double[] squares = new double[1];
    check(library.snmf4j_panels_sample(panels(a), stride, view, squares), "sample the activations");
    long tokens = library.snmf4j_panels_tokens(view);
    return new NativeActivations(this, a.neurons(), tokens, a.precision(), view, squares[0]);
  }

  @Override
  protected final void doOrthonormalize(Features z) {
    check(library.snmf4j_features_orthonormalize(columns(z)), "orthonormalize the features");
  }

  @Override
  protected final void doMultiply(Features left, Features right, Features result) {
    check(
        library.snmf4j_features_multiply(columns(left), columns(right), columns(result)),
        "multiply the features");
  }

  @Override
  protected final Activations doCompress(Activations a, Features basis) {
    Panels panels = new Panels();
    double[] squares = new double[1];
    check(
        library.snmf4j_compress(panels(a), columns(basis), panels, squares),
        "compress the activations to " + basis.rank() + " x " + a.tokens());
    return new NativeActivations(
        this, basis.rank(), a.tokens(), Precision.FP32, panels, squares[0]);
  }

  @Override
  protected final void doExpand(Features basis, Statistics coordinates, Statistics result) {
    check(
        library.snmf4j_expand(columns(basis), sums(coordinates), sums(result)),
        "expand the statistics");
  }

  @Override
  protected final void doSweepColumns(
      Statistics statistics, Features z, int keep, double penalty, Features candidates) {
    int status =
        candidates == null
            ? library.snmf4j_sweep_columns(sums(statistics), columns(z), keep, penalty)
            : library.snmf4j_sweep_candidates(
                sums(statistics), columns(z), columns(candidates), keep, penalty);
    check(status, "sweep over the features");
  }

  @Override
  protected final void doRefit(
      Statistics statistics, Features z, double penalty, double relaxation) {
    check(
        library.snmf4j_refit(sums(statistics), columns(z), penalty, relaxation),
        "fit the features on their support");
  }

  @Override
  protected final ReviveResult doRevive(
      Activations a, Statistics statistics, Features z, Coefficients y, int keep) {
    int[] dead = new int[1];
    int[] revived = new int[1];
    check(
        library.snmf4j_revive(
            panels(a), sums(statistics), columns(z), panels(y), keep, dead, revived),
        "revive the features");
    return new ReviveResult(dead[0], revived[0]);
  }

  @Override
  protected final PassResult doPass(
      Activations a,
      Features z,
      UpdateRule rule,
      Coefficients y,
      double[] rowScale,
      Momentum momentum,
      Coefficients result,
      Refresh refresh,
      Statistics statistics,
      Features support) {
    double[] sums = new double[3];
    try (DoublePointer scale = rowScale == null ? null : new DoublePointer(rowScale)) {
      check(
          library.snmf4j_pass(
              panels(a),
              columns(z),
              Update.of(rule, scale, momentum, support == null ? null : columns(support)),
              panels(y),
              panels(result),
              refresh.ordinal(),
              statistics == null ? null : sums(statistics),
              sums),
          "update the coefficients");
    }
    return new PassResult(sums[0], sums[1], sums[2]);
  }

  @Override
  protected final void doProject(Activations a, Features z, Coefficients result) {
    check(library.snmf4j_project(panels(a), columns(z), panels(result)), "project the activations");
  }

  @Override
  protected final double doResidual(Activations a, Features z, Coefficients y) {
    double[] result = new double[1];
    check(
        library.snmf4j_residual(panels(a), columns(z), panels(y), result), "compute the residual");
    return result[0];
  }

  @Override
  protected final MemoryUse doMemory() {
    long[] use = new long[2];
    check(library.snmf4j_context_memory(context, use), "read the memory counter");
    return new MemoryUse(use[0], use[1]);
  }

  @Override
  protected final void doResetPeak() {
    check(library.snmf4j_context_reset_peak(context), "reset the memory counter");
  }

  @Override
  protected final void doClose() {
    library.snmf4j_context_destroy(context);
    context.setNull();
  }

  private void check(int status, String action) {
    NativeCalls.check(library, status, action);
  }

  private static Panels panels(Activations a) {
    return ((NativeActivations) a).panels;
  }

  private static Panels panels(Coefficients y) {
    return ((NativeCoefficients) y).panels;
  }

  private static FeatureColumns columns(Features z) {
    return ((NativeFeatures) z).columns;
  }

  private static Sums sums(Statistics statistics) {
    return ((NativeStatistics) statistics).sums;
  }
}
