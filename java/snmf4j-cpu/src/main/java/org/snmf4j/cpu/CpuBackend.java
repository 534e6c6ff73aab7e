package org.snmf4j.cpu;

import static org.snmf4j.cpu.NativeCalls.check;

import org.bytedeco.javacpp.BytePointer;
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
import org.snmf4j.cpu.CpuLibrary.Context;
import org.snmf4j.cpu.CpuLibrary.FeatureColumns;
import org.snmf4j.cpu.CpuLibrary.Panels;
import org.snmf4j.cpu.CpuLibrary.Sums;
import org.snmf4j.cpu.CpuLibrary.Update;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** The CPU backend: forwards to the native library what {@link AbstractBackend} has checked. */
final class CpuBackend extends AbstractBackend {
  private final Context context = new Context();
  private final int threads;
  private final String description;

  /**
   * @param isa one of CpuLibrary.ISA_*
   */
  CpuBackend(int threads, int isa, String blas) {
    this.threads = threads;
    try (BytePointer path = new BytePointer(blas)) {
      check(CpuLibrary.snmf4j_context_create(threads, isa, path, context), "open the cpu backend");
    }
    description =
        NativeCalls.text(CpuLibrary.snmf4j_isa_name(CpuLibrary.snmf4j_context_isa(context)))
            + " kernels, float32, "
            + threads
            + " threads, "
            + NativeCalls.text(CpuLibrary.snmf4j_context_blas(context)).trim();
  }

  @Override
  public String name() {
    return CpuBackendProvider.NAME;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public ElementType elementType() {
    return ElementType.FLOAT32;
  }

  @Override
  protected Activations doPack(Matrix activations, long[] columns, Precision precision) {
    int neurons = Math.toIntExact(activations.rows());
    long tokens = columns == null ? activations.columns() : columns.length;
    Panels panels = newPanels(neurons, tokens, precision, false);
    Runnable search = () -> requireStorable(activations, columns, precision);
    try {
      double squares =
          columns == null
              ? Transfer.write(activations, panels, "activations", search)
              : Transfer.write(activations, columns, panels, "activations", search);
      return new CpuActivations(this, neurons, tokens, precision, panels, squares);
    } catch (RuntimeException | Error e) {
      CpuLibrary.snmf4j_panels_destroy(panels);
      throw e;
    }
  }

  @Override
  protected void doRepack(Matrix activations, Activations target) {
    CpuActivations packed = (CpuActivations) target;
    packed.squaredNorm =
        Transfer.write(
            activations,
            packed.panels,
            "activations",
            () -> requireStorable(activations, null, target.precision()));
  }

  @Override
  protected Coefficients doNewCoefficients(int rank, long tokens) {
    return new CpuCoefficients(this, rank, tokens, newPanels(rank, tokens, Precision.FP32, true));
  }

  private Panels newPanels(long rows, long tokens, Precision precision, boolean clear) {
    Panels panels = new Panels();
    int type =
        switch (precision) {
          case FP32 -> CpuLibrary.FLOAT32;
          case FP16 -> CpuLibrary.FLOAT16;
          case BF16 -> CpuLibrary.BFLOAT16;
        };
    check(
        CpuLibrary.snmf4j_panels_create(context, type, rows, tokens, clear ? 1 : 0, panels),
        "allocate " + rows + " x " + tokens + " " + precision + " values");
    return panels;
  }

  @Override
  protected Features doNewFeatures(int neurons, int rank) {
    FeatureColumns columns = new FeatureColumns();
    check(
        CpuLibrary.snmf4j_features_create(context, neurons, rank, columns),
        "allocate " + neurons + " x " + rank + " features");
    return new CpuFeatures(this, neurons, rank, columns);
  }

  @Override
  protected Statistics doNewStatistics(int neurons, int rank) {
    Sums sums = new Sums();
    check(
        CpuLibrary.snmf4j_statistics_create(context, neurons, rank, sums),
        "allocate statistics for " + neurons + " neurons and rank " + rank);
    return new CpuStatistics(this, neurons, rank, sums);
  }

  @Override
  protected void doDenseStatistics(Activations a, Coefficients y, Statistics result) {
    check(
        CpuLibrary.snmf4j_dense_statistics(panels(a), panels(y), sums(result)),
        "compute the statistics");
  }

  @Override
  protected void doRidgeSolve(Statistics statistics, double ridge, Features result) {
    check(
        CpuLibrary.snmf4j_ridge_solve(sums(statistics), ridge, columns(result)),
        "solve for the features");
  }

  @Override
  protected void doWinnerTakeAll(Features z, int keep) {
    check(
        CpuLibrary.snmf4j_features_winner_take_all(columns(z), keep),
        "select the features' neurons");
  }

  @Override
  protected void doScaleColumns(Features z, double[] factors) {
    check(CpuLibrary.snmf4j_features_scale(columns(z), factors), "scale the features");
  }

  @Override
  protected Activations doSample(Activations a, int stride) {
    Panels view = new Panels();
    double[] squares = new double[1];
    check(
        CpuLibrary.snmf4j_panels_sample(panels(a), stride, view, squares),
        "sample the activations");
    long tokens = CpuLibrary.snmf4j_panels_tokens(view);
    return new CpuActivations(this, a.neurons(), tokens, a.precision(), view, squares[0]);
  }

  @Override
  protected void doOrthonormalize(Features z) {
    check(CpuLibrary.snmf4j_features_orthonormalize(columns(z)), "orthonormalize the features");
  }

  @Override
  protected void doMultiply(Features left, Features right, Features result) {
    check(
        CpuLibrary.snmf4j_features_multiply(columns(left), columns(right), columns(result)),
        "multiply the features");
  }

  @Override
  protected Activations doCompress(Activations a, Features basis) {
    Panels panels = new Panels();
    double[] squares = new double[1];
    check(
        CpuLibrary.snmf4j_compress(panels(a), columns(basis), panels, squares),
        "compress the activations to " + basis.rank() + " x " + a.tokens());
    return new CpuActivations(this, basis.rank(), a.tokens(), Precision.FP32, panels, squares[0]);
  }

  @Override
  protected void doExpand(Features basis, Statistics coordinates, Statistics result) {
    check(
        CpuLibrary.snmf4j_expand(columns(basis), sums(coordinates), sums(result)),
        "expand the statistics");
  }

  @Override
  protected void doSweepColumns(
      Statistics statistics, Features z, int keep, double penalty, Features candidates) {
    int status =
        candidates == null
            ? CpuLibrary.snmf4j_sweep_columns(sums(statistics), columns(z), keep, penalty)
            : CpuLibrary.snmf4j_sweep_candidates(
                sums(statistics), columns(z), columns(candidates), keep, penalty);
    check(status, "sweep over the features");
  }

  @Override
  protected void doRefit(Statistics statistics, Features z, double penalty) {
    check(
        CpuLibrary.snmf4j_refit(sums(statistics), columns(z), penalty),
        "fit the features on their support");
  }

  @Override
  protected ReviveResult doRevive(
      Activations a, Statistics statistics, Features z, Coefficients y, int keep) {
    int[] dead = new int[1];
    int[] revived = new int[1];
    check(
        CpuLibrary.snmf4j_revive(
            panels(a), sums(statistics), columns(z), panels(y), keep, dead, revived),
        "revive the features");
    return new ReviveResult(dead[0], revived[0]);
  }

  @Override
  protected PassResult doPass(
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
    try (Update update = new Update();
        DoublePointer scale = rowScale == null ? null : new DoublePointer(rowScale)) {
      describe(rule, update);
      update
          .row_scale(scale)
          .before(momentum == null ? null : panels(momentum.before()))
          .beta(momentum == null ? 0 : momentum.beta())
          .support(support == null ? null : columns(support));
      check(
          CpuLibrary.snmf4j_pass(
              panels(a),
              columns(z),
              update,
              panels(y),
              panels(result),
              refresh.ordinal(),
              statistics == null ? null : sums(statistics),
              sums),
          "update the coefficients");
    }
    return new PassResult(sums[0], sums[1], sums[2]);
  }

  private static void describe(UpdateRule rule, Update update) {
    update.epsilon(0).sweeps(1).tolerance(0).penalty(0);
    if (rule instanceof UpdateRule.Multiplicative step) {
      update.rule(CpuLibrary.RULE_MULTIPLICATIVE).epsilon(step.epsilon());
    } else if (rule instanceof UpdateRule.Hals hals) {
      update
          .rule(CpuLibrary.RULE_HALS)
          .sweeps(hals.sweeps())
          .tolerance(hals.tolerance())
          .penalty(hals.penalty());
    } else if (rule instanceof UpdateRule.LeastSquares squares) {
      update
          .rule(CpuLibrary.RULE_LEAST_SQUARES)
          .sweeps(squares.sweeps())
          .tolerance(squares.tolerance())
          .penalty(squares.penalty());
    }
  }

  @Override
  protected void doProject(Activations a, Features z, Coefficients result) {
    check(
        CpuLibrary.snmf4j_project(panels(a), columns(z), panels(result)),
        "project the activations");
  }

  @Override
  protected double doResidual(Activations a, Features z, Coefficients y) {
    double[] result = new double[1];
    check(
        CpuLibrary.snmf4j_residual(panels(a), columns(z), panels(y), result),
        "compute the residual");
    return result[0];
  }

  @Override
  protected MemoryUse doMemory() {
    long[] use = new long[2];
    check(CpuLibrary.snmf4j_context_memory(context, use), "read the memory counter");
    return new MemoryUse(use[0], use[1]);
  }

  @Override
  protected void doResetPeak() {
    check(CpuLibrary.snmf4j_context_reset_peak(context), "reset the memory counter");
  }

  @Override
  protected void doClose() {
    CpuLibrary.snmf4j_context_destroy(context);
    context.setNull();
  }

  private static Panels panels(Activations a) {
    return ((CpuActivations) a).panels;
  }

  private static Panels panels(Coefficients y) {
    return ((CpuCoefficients) y).panels;
  }

  private static FeatureColumns columns(Features z) {
    return ((CpuFeatures) z).columns;
  }

  private static Sums sums(Statistics statistics) {
    return ((CpuStatistics) statistics).sums;
  }
}
