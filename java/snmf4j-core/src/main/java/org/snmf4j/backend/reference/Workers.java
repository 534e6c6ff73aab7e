package org.snmf4j.backend.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.snmf4j.error.BackendFailureException;
import org.snmf4j.error.MemoryExhaustedException;

/** Threads that share work in fixed, equal ranges, so that sums come out the same every time. */
final class Workers implements AutoCloseable {
  private final int threads;
  private final ExecutorService pool;

  /** Work on the items {@code from} (inclusive) to {@code to} (exclusive). */
  interface Range {
    void run(int worker, int from, int to);
  }

  Workers(int threads) {
    this.threads = threads;
    this.pool =
        threads == 1
            ? null
            : Executors.newFixedThreadPool(
                threads - 1,
                task -> {
                  Thread thread = new Thread(task, "snmf4j-java");
                  thread.setDaemon(true);
                  return thread;
                });
  }

  int threads() {
    return threads;
  }

  /** Runs {@code work} over {@code items}; the calling thread takes the first range. */
  void forRanges(int items, Range work) {
    List<Future<?>> others = new ArrayList<>();
    for (int w = 1; w < threads; w++) {
      int worker = w;
      others.add(
          pool.submit(() -> work.run(worker, bound(items, worker), bound(items, worker + 1))));
    }
    Throwable failure = null;
    try {
      work.run(0, 0, bound(items, 1));
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    // All ranges must have ended before anything is thrown: they write to shared arrays.
    for (Future<?> other : others) {
      Throwable its = outcome(other);
      failure = failure == null ? its : failure;
    }
    if (failure instanceof OutOfMemoryError) {
      throw new MemoryExhaustedException("the java backend ran out of heap; raise -Xmx", failure);
    }
    if (failure != null) {
      throw new BackendFailureException("the java backend failed: " + failure, failure);
    }
  }

  private static Throwable outcome(Future<?> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          future.get();
          return null;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          return e.getCause();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private int bound(int items, int worker) {
    return (int) ((long) items * worker / threads);
  }

  @Override
  public void close() {
    if (pool != null) {
      pool.shutdown();
    }
  }
}
