package org.snmf4j.cli.terminal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A request to stop, as SIGINT and SIGTERM make it. While an operation that heeds it is {@linkplain
 * #guard guarded}, the process waits for that operation to clear up before it ends.
 *
 * <p>Safe for use by several threads.
 */
public final class Interrupt implements AutoCloseable {
  // Longer than an iteration takes to notice; after it the process ends all the same.
  private static final long PATIENCE_SECONDS = 30;

  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean requested;
  private volatile boolean guarded;

  /** A request that only {@link #request()} makes. */
  public Interrupt() {}

  /** A request that the process's end makes; {@link #close()} tells that all is done. */
  public static Interrupt ofProcess() {
    Interrupt interrupt = new Interrupt();
    Runtime.getRuntime().addShutdownHook(new Thread(interrupt::await, "snmf4j-interrupt"));
    return interrupt;
  }

  /** Asks the running operation to stop. */
  public void request() {
    requested = true;
  }

  /** Whether to stop. */
  public boolean requested() {
    return requested;
  }

  /** Runs an operation that asks {@link #requested()} now and then. */
  public void guard(Runnable operation) {
    guarded = true;
    try {
      operation.run();
    } finally {
      // Once requested, the guard lasts until the failure is reported.
      guarded = requested;
    }
  }

  @Override
  public void close() {
    ended.countDown();
  }

  private void await() {
    request();
    if (guarded) {
      try {
        ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
