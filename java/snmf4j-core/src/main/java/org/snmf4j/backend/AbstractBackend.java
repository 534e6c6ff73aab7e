package org.snmf4j.backend;

import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.error.ValueRangeException;
import org.snmf4j.matrix.Matrix;

/**
 * The one validation layer in front of every kernel: shapes, ownership, use after close, and the
 * lock that serializes calls. Subclasses implement the {@code do…} methods, which may trust their
 * arguments.
 */
public abstract class AbstractBackend implements Backend {
  /** Largest rank: k² float64 statistics stay below 2 GiB. */
  public static final int MAX_RANK = 16_384;

  private final ReentrantLock lock = new ReentrantLock();
  private final Residents residents = new Residents();
  private boolean closed;

  /**
   * @param columns the tokens to take, or null for all
   */
  protected abstract Activations doPack(Matrix activations, long[] columns, Precision precision);

  /** Of the target's shape. */
  protected abstract void doRepack(Matrix activations, Activations target);

  protected abstract Coefficients doNewCoefficients(int rank, long tokens);

  protected abstract Features doNewFeatures(int neurons, int rank);

  protected abstract Statistics doNewStatistics(int neurons, int rank);

  protected abstract void doDenseStatistics(Activations a, Coefficients y, Statistics result);

  protected abstract void doRidgeSolve(Statistics statistics, double ridge, Features result);

  protected abstract void doWinnerTakeAll(Features z, int keep);

  /** May share A's memory, which stays allocated while the sample is open. */
  protected abstract Activations doSample(Activations a, int stride);

  /**
   * @param candidates where entries may be, beside where they are; null for everywhere
   */
  protected abstract void doSweepColumns(
      Statistics statistics, Features z, int keep, double penalty, Features candidates);

  protected abstract void doRefit(
      Statistics statistics, Features z, double penalty, double relaxation);

  protected abstract ReviveResult doRevive(
      Activations a, Statistics statistics, Features z, Coefficients y, int keep);

  protected abstract void doOrthonormalize(Features z);

  protected abstract void doMultiply(Features left, Features right, Features result);

  protected abstract Activations doCompress(Activations a, Features basis);

  protected abstract void doExpand(Features basis, Statistics coordinates, Statistics result);

  protected abstract void doScaleColumns(Features z, double[] factors);

  /**
   * @param support where C is wanted with {@link Refresh#SUPPORT} beside Z's support; or null
   */
  protected abstract PassResult doPass(
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

  protected abstract void doProject(Activations a, Features z, Coefficients result);

  protected abstract double doResidual(Activations a, Features z, Coefficients y);

  protected abstract MemoryUse doMemory();

  protected abstract void doResetPeak();

  /** Frees what the backend itself holds; its data is freed before. Called once. */
  protected abstract void doClose();

  @Override
  public final Activations pack(Matrix activations, Precision precision) {
    Objects.requireNonNull(precision, "precision");
    Checks.positive("neurons", activations.rows(), Integer.MAX_VALUE - 64);
    return locked(() -> registered(doPack(activations, null, precision)));
  }

  @Override
  public final Activations pack(Matrix activations, long[] columns, Precision precision) {
    Objects.requireNonNull(precision, "precision");
    Checks.positive("neurons", activations.rows(), Integer.MAX_VALUE - 64);
    Checks.positive("number of columns", columns.length, Integer.MAX_VALUE);
    long[] checked = columns.clone();
    for (long column : checked) {
      if (column < 0 || column >= activations.columns()) {
        throw new InvalidArgumentException(
            "column", column, "between 0 and " + (activations.columns() - 1));
      }
    }
    return locked(() -> registered(doPack(activations, checked, precision)));
  }

  @Override
  public final void repack(Matrix activations, Activations target) {
    locked(
        () -> {
          target.requireUsable(this, "activations");
          target.requireOwn("target");
          Checks.shape("activations", activations, target.neurons(), target.tokens());
          doRepack(activations, target);
          return null;
        });
  }

  @Override
  public final Coefficients newCoefficients(int rank, long tokens) {
    Checks.positive("rank", rank, MAX_RANK);
    Checks.positive("tokens", tokens, Long.MAX_VALUE / rank / 8);
    return locked(() -> registered(doNewCoefficients(rank, tokens)));
  }

  @Override
  public final Features newFeatures(int neurons, int rank) {
    Checks.positive("neurons", neurons, Integer.MAX_VALUE - 64);
    Checks.positive("rank", rank, MAX_RANK);
    return locked(() -> registered(doNewFeatures(neurons, rank)));
  }

  @Override
  public final Statistics newStatistics(int neurons, int rank) {
    Checks.positive("neurons", neurons, Integer.MAX_VALUE - 64);
    Checks.positive("rank", rank, MAX_RANK);
    return locked(() -> registered(doNewStatistics(neurons, rank)));
  }

  @Override
  public final void denseStatistics(Activations a, Coefficients y, Statistics result) {
    locked(
        () -> {
          require(a, y);
          require(result, a.neurons(), y.rank());
          doDenseStatistics(a, y, result);
          return null;
        });
  }

  @Override
  public final void ridgeSolve(Statistics statistics, double ridge, Features result) {
    if (!(ridge > 0) || Double.isInfinite(ridge)) {
      throw new InvalidArgumentException("ridge", ridge, "positive and finite");
    }
    locked(
        () -> {
          result.requireUsable(this, "features");
          require(statistics, result.neurons(), result.rank());
          doRidgeSolve(statistics, ridge, result);
          return null;
        });
  }

  @Override
  public final void winnerTakeAll(Features z, int keep) {
    Checks.positive("keep", keep, z.neurons());
    run(() -> doWinnerTakeAll(z, keep), z, "features");
  }

  @Override
  public final Activations sample(Activations a, int stride) {
    Checks.positive("stride", stride, Integer.MAX_VALUE);
    return locked(
        () -> {
          a.requireUsable(this, "activations");
          Activations view = doSample(a, stride);
          view.viewOf(a);
          return registered(view);
        });
  }

  @Override
  public final void sweepColumns(
      Statistics statistics, Features z, int keep, double penalty, Features candidates) {
    Checks.positive("keep", keep, z.neurons());
    Checks.penalty(penalty);
    locked(
        () -> {
          z.requireUsable(this, "features");
          require(statistics, z.neurons(), z.rank());
          if (candidates != null) {
            requireLike(z, candidates, "candidates");
            if (candidates == z) {
              throw new InvalidArgumentException("candidates", "the features", "other features");
            }
          }
          doSweepColumns(statistics, z, keep, penalty, candidates);
          return null;
        });
  }

  @Override
  public final void refit(Statistics statistics, Features z, double penalty, double relaxation) {
    Checks.penalty(penalty);
    Checks.relaxation(relaxation);
    locked(
        () -> {
          z.requireUsable(this, "features");
          require(statistics, z.neurons(), z.rank());
          doRefit(statistics, z, penalty, relaxation);
          return null;
        });
  }

  @Override
  public final ReviveResult revive(
      Activations a, Statistics statistics, Features z, Coefficients y, int keep) {
    Checks.positive("keep", keep, z.neurons());
    return locked(
        () -> {
          require(a, z, y);
          require(statistics, z.neurons(), z.rank());
          return doRevive(a, statistics, z, y, keep);
        });
  }

  @Override
  public final void scaleColumns(Features z, double[] factors) {
    double[] checked = factors.clone();
    run(
        () -> {
          Checks.length("factors", checked, z.rank());
          for (double factor : checked) {
            if (!Double.isFinite(factor)) {
              throw new InvalidArgumentException("factor", factor, "finite");
            }
          }
          doScaleColumns(z, checked);
        },
        z,
        "features");
  }

  @Override
  public final void orthonormalize(Features z) {
    run(() -> doOrthonormalize(z), z, "features");
  }

  @Override
  public final void multiply(Features left, Features right, Features result) {
    locked(
        () -> {
          left.requireUsable(this, "left");
          right.requireUsable(this, "right");
          result.requireUsable(this, "result");
          Checks.shape("right", right.neurons(), right.rank(), left.rank(), right.rank());
          Checks.shape("result", result.neurons(), result.rank(), left.neurons(), right.rank());
          if (result == left || result == right) {
            throw new InvalidArgumentException("result", "one of the factors", "neither of them");
          }
          doMultiply(left, right, result);
          return null;
        });
  }

  @Override
  public final Activations compress(Activations a, Features basis) {
    return locked(
        () -> {
          a.requireUsable(this, "activations");
          basis.requireUsable(this, "basis");
          Checks.shape("basis", basis.neurons(), basis.rank(), a.neurons(), basis.rank());
          return registered(doCompress(a, basis));
        });
  }

  @Override
  public final void expand(Features basis, Statistics coordinates, Statistics result) {
    locked(
        () -> {
          basis.requireUsable(this, "basis");
          require(coordinates, basis.rank(), coordinates.rank());
          require(result, basis.neurons(), coordinates.rank());
          if (result == coordinates) {
            throw new InvalidArgumentException("result", "the coordinates", "other statistics");
          }
          doExpand(basis, coordinates, result);
          return null;
        });
  }

  @Override
  public final PassResult pass(
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
    return locked(
        () -> {
          require(a, z, y);
          result.requireUsable(this, "coefficients");
          Checks.shape("coefficients", result.rank(), result.tokens(), y.rank(), y.tokens());
          if (rowScale != null) {
            Checks.length("row scale", rowScale, y.rank());
            for (double factor : rowScale) {
              if (!(factor > 0) || Double.isInfinite(factor)) {
                throw new InvalidArgumentException("row scale", factor, "positive and finite");
              }
            }
          }
          if (momentum != null) {
            if (rowScale != null) {
              throw new InvalidArgumentException("row scale", "given", "null with momentum");
            }
            require(a, momentum.before());
            Checks.shape(
                "momentum",
                momentum.before().rank(),
                momentum.before().tokens(),
                y.rank(),
                y.tokens());
          }
          if (refresh != Refresh.NONE) {
            if (statistics == null) {
              throw new InvalidArgumentException("statistics", null, "given to refresh " + refresh);
            }
            require(statistics, z.neurons(), z.rank());
          }
          if (support != null) {
            requireLike(z, support, "support");
          }
          return doPass(a, z, rule, y, rowScale, momentum, result, refresh, statistics, support);
        });
  }

  @Override
  public final void project(Activations a, Features z, Coefficients result) {
    locked(
        () -> {
          require(a, z, result);
          doProject(a, z, result);
          return null;
        });
  }

  @Override
  public final double residual(Activations a, Features z, Coefficients y) {
    return locked(
        () -> {
          require(a, z, y);
          return doResidual(a, z, y);
        });
  }

  @Override
  public final MemoryUse memory() {
    return locked(this::doMemory);
  }

  @Override
  public final void resetPeak() {
    locked(
        () -> {
          doResetPeak();
          return null;
        });
  }

  @Override
  public final void close() {
    lock.lock();
    try {
      if (!closed) {
        residents.releaseAll();
        closed = true;
        doClose();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Refuses values that a precision cannot store; for backends that notice only afterwards that
   * there was one. Row by row, or in the order of the columns if they are given.
   *
   * @param columns the tokens to look at, or null for all
   * @throws NonFiniteValueException naming the first NaN or infinity
   * @throws ValueRangeException naming the first value beyond the precision
   */
  protected static void requireStorable(Matrix activations, long[] columns, Precision precision) {
    Storable.require(activations, columns, precision);
  }

  private <R extends Resident> R registered(R resident) {
    residents.add(resident);
    return resident;
  }

  final void unregister(Resident resident) {
    lock.lock();
    try {
      residents.release(resident);
    } finally {
      lock.unlock();
    }
  }

  final void run(Runnable action, Resident resident, String name) {
    locked(
        () -> {
          resident.requireUsable(this, name);
          action.run();
          return null;
        });
  }

  final <T> T call(Supplier<T> action, Resident resident, String name) {
    return locked(
        () -> {
          resident.requireUsable(this, name);
          return action.get();
        });
  }

  private <T> T locked(Supplier<T> action) {
    lock.lock();
    try {
      if (closed) {
        throw new ClosedException("the backend " + name() + " is closed");
      }
      return action.get();
    } finally {
      lock.unlock();
    }
  }

  private void require(Activations a, Coefficients y) {
    a.requireUsable(this, "activations");
    y.requireUsable(this, "coefficients");
    Checks.shape("coefficients", y.rank(), y.tokens(), y.rank(), a.tokens());
  }

  private void require(Activations a, Features z, Coefficients y) {
    require(a, y);
    z.requireUsable(this, "features");
    Checks.shape("features", z.neurons(), z.rank(), a.neurons(), y.rank());
  }

  private void requireLike(Features z, Features other, String name) {
    other.requireUsable(this, name);
    Checks.shape(name, other.neurons(), other.rank(), z.neurons(), z.rank());
  }

  private void require(Statistics statistics, int neurons, int rank) {
    statistics.requireUsable(this, "statistics");
    Checks.shape("statistics", statistics.neurons(), statistics.rank(), neurons, rank);
  }
}
