package org.snmf4j.backend.reference;

import java.util.List;
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

/** The pure-Java backend. */
final class JavaBackend extends AbstractBackend {
  private final Workers workers;
  private long current;
  private long peak;

  JavaBackend(int threads) {
    workers = new Workers(threads);
  }

  @Override
  public String name() {
    return JavaBackendProvider.NAME;
  }

  @Override
  public String description() {
    return "pure Java, float64, " + threads() + " threads";
  }

  @Override
  public int threads() {
    return workers.threads();
  }

  @Override
  public ElementType elementType() {
    return ElementType.FLOAT64;
  }

  @Override
  protected Activations doPack(Matrix activations, long[] columns, Precision precision) {
    requireStorable(activations, columns, precision);
    long tokens = columns == null ? activations.columns() : columns.length;
    Panels panels = Panels.allocate(Math.toIntExact(activations.rows()), tokens);
    if (columns == null) {
      panels.upload(activations);
    } else {
      panels.upload(activations, columns);
    }
    panels.round(precision);
    return new JavaActivations(this, panels, precision, false);
  }

  @Override
  protected void doRepack(Matrix activations, Activations target) {
    requireStorable(activations, null, target.precision());
    JavaActivations packed = (JavaActivations) target;
    packed.panels.upload(activations);
    packed.panels.round(target.precision());
    packed.changed();
  }

  @Override
  protected Activations doSample(Activations a, int stride) {
    Panels sample = ((JavaActivations) a).panels.sample(stride);
    return new JavaActivations(this, sample, a.precision(), true);
  }

  @Override
  protected Coefficients doNewCoefficients(int rank, long tokens) {
    return new JavaCoefficients(this, rank, tokens);
  }

  @Override
  protected Features doNewFeatures(int neurons, int rank) {
    return new JavaFeatures(this, neurons, rank);
  }

  @Override
  protected Statistics doNewStatistics(int neurons, int rank) {
    return new JavaStatistics(this, neurons, rank);
  }

  @Override
  protected void doDenseStatistics(Activations a, Coefficients y, Statistics result) {
    double[][] panels = ((JavaActivations) a).panels.data;
    double[][] coefficients = ((JavaCoefficients) y).panels.data;
    Sums sums = new Sums((JavaStatistics) result, Refresh.DENSE, List.of(), workers.threads());
    workers.forRanges(
        panels.length,
        (worker, from, to) -> {
          for (int p = from; p < to; p++) {
            sums.add(worker, panels[p], coefficients[p]);
          }
        });
    sums.reduce();
  }

  @Override
  protected void doRidgeSolve(Statistics statistics, double ridge, Features result) {
    FeatureSteps.ridgeSolve((JavaStatistics) statistics, ridge, (JavaFeatures) result, workers);
  }

  @Override
  protected void doWinnerTakeAll(Features features, int keep) {
    JavaFeatures z = (JavaFeatures) features;
    workers.forRanges(
        z.rank(),
        (worker, from, to) -> {
          for (int j = from; j < to; j++) {
            z.winnerTakeAll(j, keep);
          }
        });
  }

  @Override
  protected void doSweepColumns(
      Statistics statistics, Features z, int keep, double penalty, Features candidates) {
    FeatureSteps.sweepColumns(
        (JavaStatistics) statistics, (JavaFeatures) z, keep, penalty, (JavaFeatures) candidates);
  }

  @Override
  protected void doRefit(Statistics statistics, Features z, double penalty, double relaxation) {
    FeatureSteps.refit((JavaStatistics) statistics, (JavaFeatures) z, penalty, relaxation, workers);
  }

  @Override
  protected ReviveResult doRevive(
      Activations a, Statistics statistics, Features z, Coefficients y, int keep) {
    return new Revival(
            ((JavaActivations) a).panels,
            (JavaStatistics) statistics,
            (JavaFeatures) z,
            ((JavaCoefficients) y).panels)
        .run(keep, workers);
  }

  @Override
  protected void doOrthonormalize(Features z) {
    Subspaces.orthonormalize((JavaFeatures) z);
  }

  @Override
  protected void doMultiply(Features left, Features right, Features result) {
    Subspaces.multiply((JavaFeatures) left, (JavaFeatures) right, (JavaFeatures) result, workers);
  }

  @Override
  protected Activations doCompress(Activations a, Features basis) {
    Panels source = ((JavaActivations) a).panels;
    Panels target = Panels.allocate(basis.rank(), a.tokens());
    workers.forRanges(
        source.data.length,
        (worker, from, to) -> {
          for (int p = from; p < to; p++) {
            PanelKernels.project(source.data[p], (JavaFeatures) basis, target.data[p]);
          }
        });
    return new JavaActivations(this, target, Precision.FP32, false);
  }

  @Override
  protected void doExpand(Features basis, Statistics coordinates, Statistics result) {
    Subspaces.expand(
        (JavaFeatures) basis, (JavaStatistics) coordinates, (JavaStatistics) result, workers);
  }

  @Override
  protected void doScaleColumns(Features features, double[] factors) {
    JavaFeatures z = (JavaFeatures) features;
    for (int j = 0; j < z.rank(); j++) {
      for (int i : z.support[j]) {
        z.columns[j][i] *= factors[j];
      }
      z.findSupport(j);
    }
  }

  @Override
  protected PassResult doPass(
      Activations a,
      Features features,
      UpdateRule rule,
      Coefficients y,
      double[] rowScale,
      Momentum momentum,
      Coefficients result,
      Refresh refresh,
      Statistics statistics,
      Features support) {
    double[][] panels = ((JavaActivations) a).panels.data;
    double[][] source = ((JavaCoefficients) y).panels.data;
    double[][] target = ((JavaCoefficients) result).panels.data;
    double[][] before =
        momentum == null ? null : ((JavaCoefficients) momentum.before()).panels.data;
    JavaFeatures z = (JavaFeatures) features;
    double[][] q = z.gram();
    Sums sums =
        new Sums(
            (JavaStatistics) statistics,
            refresh,
            support == null ? List.of(z) : List.of(z, (JavaFeatures) support),
            workers.threads());
    double[] cross = new double[workers.threads()];
    workers.forRanges(
        panels.length,
        (worker, from, to) -> {
          double[] projected = new double[z.rank() * Panels.WIDTH];
          double[] read = new double[z.rank() * Panels.WIDTH];
          double sum = 0;
          for (int p = from; p < to; p++) {
            PanelKernels.project(panels[p], z, projected);
            if (before == null) {
              PanelKernels.scaleRows(source[p], rowScale, read);
            } else {
              PanelKernels.extrapolate(source[p], before[p], momentum.beta(), read);
            }
            PanelKernels.update(rule, q, projected, read, target[p]);
            sum += PanelKernels.dot(projected, target[p]);
            sums.add(worker, panels[p], target[p]);
          }
          cross[worker] = sum;
        });
    sums.reduce();
    return refresh == Refresh.NONE
        ? new PassResult(total(cross), Double.NaN, Double.NaN)
        : new PassResult(total(cross), sums.quadratic(q), sums.spread(q));
  }

  @Override
  protected void doProject(Activations a, Features features, Coefficients result) {
    double[][] panels = ((JavaActivations) a).panels.data;
    double[][] target = ((JavaCoefficients) result).panels.data;
    JavaFeatures z = (JavaFeatures) features;
    workers.forRanges(
        panels.length,
        (worker, from, to) -> {
          for (int p = from; p < to; p++) {
            PanelKernels.project(panels[p], z, target[p]);
          }
        });
  }

  @Override
  protected double doResidual(Activations a, Features features, Coefficients y) {
    double[][] panels = ((JavaActivations) a).panels.data;
    double[][] coefficients = ((JavaCoefficients) y).panels.data;
    JavaFeatures z = (JavaFeatures) features;
    double[] sums = new double[workers.threads()];
    workers.forRanges(
        panels.length,
        (worker, from, to) -> {
          double[] scratch = new double[a.neurons() * Panels.WIDTH];
          double sum = 0;
          for (int p = from; p < to; p++) {
            sum += PanelKernels.residual(panels[p], z, coefficients[p], scratch);
          }
          sums[worker] = sum;
        });
    return total(sums);
  }

  @Override
  protected MemoryUse doMemory() {
    return new MemoryUse(current, peak);
  }

  @Override
  protected void doResetPeak() {
    peak = current;
  }

  @Override
  protected void doClose() {
    workers.close();
  }

  void allocated(long bytes) {
    current += bytes;
    peak = Math.max(peak, current);
  }

  void freed(long bytes) {
    current -= bytes;
  }

  private static double total(double[] parts) {
    double sum = 0;
    for (double part : parts) {
      sum += part;
    }
    return sum;
  }
}
