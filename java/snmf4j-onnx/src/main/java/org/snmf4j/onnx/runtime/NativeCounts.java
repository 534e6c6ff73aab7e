package org.snmf4j.onnx.runtime;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts native objects of ONNX Runtime that this library has open, so that leaks are found. Safe
 * for use by several threads.
 */
public final class NativeCounts {
  private static final AtomicLong SESSIONS = new AtomicLong();
  private static final AtomicLong TENSORS = new AtomicLong();

  private NativeCounts() {}

  static void sessionOpened() {
    SESSIONS.incrementAndGet();
  }

  static void sessionClosed() {
    SESSIONS.decrementAndGet();
  }

  /** {@code count} more tensors are open. */
  public static void tensorsOpened(int count) {
    TENSORS.addAndGet(count);
  }

  /** {@code count} tensors were closed. */
  public static void tensorsClosed(int count) {
    TENSORS.addAndGet(-count);
  }

  /** Sessions that are open in this process. */
  public static long sessions() {
    return SESSIONS.get();
  }

  /** Tensors that are open in this process. */
  public static long tensors() {
    return TENSORS.get();
  }
}
