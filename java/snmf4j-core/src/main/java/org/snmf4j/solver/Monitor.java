package org.snmf4j.solver;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.snmf4j.error.CancelledException;

/**
 * The caller's eye on a running fit. Both members are called on the fitting thread, between
 * operations of the backend.
 *
 * @param progress told after every iteration
 * @param cancelled asked before every iteration
 */
public record Monitor(Consumer<FitProgress> progress, BooleanSupplier cancelled) {
  /** Listens to nothing and never cancels. */
  public static final Monitor NONE = new Monitor(progress -> {}, () -> false);

  void checkCancelled() {
    if (cancelled.getAsBoolean()) {
      throw new CancelledException("the fit was cancelled");
    }
  }
}
