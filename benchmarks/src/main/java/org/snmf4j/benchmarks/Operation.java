package org.snmf4j.benchmarks;

import java.util.function.Consumer;
import java.util.function.Function;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.solver.MultiplicativeSolver;

/**
 * A backend's operations, each alone, and what each has to do at least. Formulas in d, n, k and the
 * number of Z's nonzeros nnz.
 */
public enum Operation {
  /** Into new memory, as a fit does; reads float32, sums squares. */
  PACK(
      w -> {
        Activations packed = w.backend.pack(w.source);
        packed.close();
      },
      w ->
          new Work(
              2 * w.neurons() * w.tokens(),
              w.source.type().bytes() * w.neurons() * w.tokens() + w.packedBytes)),
  /** C = AYᵀ and G. */
  DENSE_STATISTICS(
      w -> w.backend.denseStatistics(w.activations, w.current, w.refreshed),
      w ->
          cross(w).plus(gram(w)).plus(new Work(0, w.packedBytes + w.bytes(w.rank() * w.tokens())))),
  /** P = ZᵀA. */
  PROJECT(
      w -> w.backend.project(w.activations, w.features, w.next),
      w -> projection(w).plus(new Work(0, w.bytes(w.rank() * w.tokens())))),
  /** Two HALS sweeps. */
  PASS_HALS_NONE(w -> w.pass(hals(), w.current, Refresh.NONE), w -> halsPass(w)),
  /** Two HALS sweeps and G. */
  PASS_HALS_GRAM(w -> w.pass(hals(), w.current, Refresh.GRAM), w -> halsPass(w).plus(gram(w))),
  /** Two HALS sweeps, G and C on the support. */
  PASS_HALS_SUPPORT(
      w -> w.pass(hals(), w.current, Refresh.SUPPORT),
      w -> halsPass(w).plus(gram(w)).plus(supportCross(w))),
  /** Two HALS sweeps, G and the dense C. */
  PASS_HALS_DENSE(
      w -> w.pass(hals(), w.current, Refresh.DENSE), w -> halsPass(w).plus(gram(w)).plus(cross(w))),
  /** A multiplicative step. */
  PASS_MULTIPLICATIVE_NONE(
      w -> w.pass(multiplicative(), w.current, Refresh.NONE), w -> multiplicativePass(w)),
  /** A multiplicative step and G. */
  PASS_MULTIPLICATIVE_GRAM(
      w -> w.pass(multiplicative(), w.current, Refresh.GRAM),
      w -> multiplicativePass(w).plus(gram(w))),
  /** A multiplicative step, G and C on the support. */
  PASS_MULTIPLICATIVE_SUPPORT(
      w -> w.pass(multiplicative(), w.current, Refresh.SUPPORT),
      w -> multiplicativePass(w).plus(gram(w)).plus(supportCross(w))),
  /** A multiplicative step, G and the dense C. */
  PASS_MULTIPLICATIVE_DENSE(
      w -> w.pass(multiplicative(), w.current, Refresh.DENSE),
      w -> multiplicativePass(w).plus(gram(w)).plus(cross(w))),
  /** One sweep over the features; selecting the largest entries is not counted. */
  SWEEP_COLUMNS(
      Workbench::restore,
      w -> w.backend.sweepColumns(w.statistics, w.scratch, w.keep, 0),
      w -> new Work(2.0 * w.nonzeros * w.rank(), w.bytes(w.neurons() * w.rank()))),
  /** Least squares of Z on its support: a Cholesky factorization for every row. */
  REFIT(
      Workbench::restore,
      w -> w.backend.refit(w.statistics, w.scratch, 0),
      w -> new Work(w.refitFlops, w.bytes(2.0 * w.nonzeros))),
  /** Z = C (G + ρI)⁻¹, in float64. */
  RIDGE_SOLVE(
      w -> w.backend.ridgeSolve(w.statistics, Workbench.RIDGE, w.scratch),
      w ->
          new Work(
              w.rank() * w.rank() * (w.rank() / 3 + 2 * w.neurons()),
              w.bytes(2 * w.neurons() * w.rank()))),
  /** Of dense features; one comparison an entry. */
  WINNER_TAKE_ALL(
      w -> w.backend.ridgeSolve(w.statistics, Workbench.RIDGE, w.scratch),
      w -> w.backend.winnerTakeAll(w.scratch, w.keep),
      w -> new Work(w.neurons() * w.rank(), w.bytes(2 * w.neurons() * w.rank()))),
  /** ‖A − ZY‖², entry by entry. */
  RESIDUAL(
      w -> w.backend.residual(w.activations, w.features, w.current),
      w ->
          projection(w)
              .plus(new Work(2 * w.neurons() * w.tokens(), w.bytes(w.rank() * w.tokens())))),
  /** Encoding's pass, from nothing to convergence; counted is one sweep of the many. */
  ENCODE(
      w -> w.pass(new UpdateRule.Hals(2000, 1e-8), w.zero, Refresh.NONE),
      w -> projection(w).plus(sweeps(w, 1)).plus(coefficients(w))),
  /**
   * The iteration that the second phase of alternating least squares is made of: two HALS sweeps
   * with C on the support, then the refit. Its floor is reading A once or, with density the
   * features' share of nonzeros allowed, 4·density·d·n·k + 6·n·k² operations.
   */
  ONE_PASS_ITERATION(
      w -> {
        w.backend.pass(
            w.activations,
            w.features,
            hals(),
            w.current,
            null,
            null,
            w.current,
            Refresh.SUPPORT,
            w.refreshed);
        w.backend.refit(w.refreshed, w.features, 0);
      },
      w -> new Work(w.tokens() * w.rank() * (4.0 * w.keep + 6 * w.rank()), w.packedBytes));

  private static final int SWEEPS = 2;

  private final Consumer<Workbench> prepare;
  private final Consumer<Workbench> run;
  private final Function<Workbench, Work> work;

  Operation(Consumer<Workbench> run, Function<Workbench, Work> work) {
    this(w -> {}, run, work);
  }

  Operation(Consumer<Workbench> prepare, Consumer<Workbench> run, Function<Workbench, Work> work) {
    this.prepare = prepare;
    this.run = run;
    this.work = work;
  }

  /** Brings the workbench into the state that {@link #run} starts from; not to be timed. */
  void prepare(Workbench workbench) {
    prepare.accept(workbench);
  }

  void run(Workbench workbench) {
    run.accept(workbench);
  }

  Work work(Workbench workbench) {
    return work.apply(workbench);
  }

  private static UpdateRule hals() {
    return new UpdateRule.Hals(SWEEPS, 0);
  }

  private static UpdateRule multiplicative() {
    return new UpdateRule.Multiplicative(MultiplicativeSolver.EPSILON);
  }

  /** P, with the one read of A. */
  private static Work projection(Workbench w) {
    return new Work(2.0 * w.nonzeros * w.tokens(), w.packedBytes);
  }

  /** Y read and written. */
  private static Work coefficients(Workbench w) {
    return new Work(0, w.bytes(2 * w.rank() * w.tokens()));
  }

  private static Work sweeps(Workbench w, int count) {
    return new Work(2 * count * w.rank() * w.rank() * w.tokens(), 0);
  }

  private static Work halsPass(Workbench w) {
    return projection(w).plus(coefficients(w)).plus(sweeps(w, SWEEPS));
  }

  /** Q⁺Y and Q⁻Y have k² terms a token together. */
  private static Work multiplicativePass(Workbench w) {
    return projection(w).plus(coefficients(w)).plus(sweeps(w, 1));
  }

  /** 2·n·k², though G is symmetric, as in the floor of an iteration. */
  private static Work gram(Workbench w) {
    return new Work(2 * w.rank() * w.rank() * w.tokens(), 0);
  }

  private static Work cross(Workbench w) {
    return new Work(2 * w.neurons() * w.tokens() * w.rank(), w.bytes(w.neurons() * w.rank()));
  }

  private static Work supportCross(Workbench w) {
    return new Work(2.0 * w.nonzeros * w.tokens(), w.bytes(w.nonzeros));
  }
}
