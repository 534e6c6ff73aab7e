package org.snmf4j.onnx;

import java.util.concurrent.atomic.AtomicLong;

/** Counts native objects of ONNX Runtime that are open, so that tests can find leaks. */
final class NativeCounts {
  private static final AtomicLong SESSIONS = new AtomicLong();
  private static final AtomicLong TENSORS = new AtomicLong();

  private NativeCounts() {}

  static void sessionOpened() {
    SESSIONS.incrementAndGet();
  }

  static void sessionClosed() {
    SESSIONS.decrementAndGet();
  }

  static void tensorsOpened(int count) {
    TENSORS.addAndGet(count);
  }

  static void tensorsClosed(int count) {
    TENSORS.addAndGet(-count);
  }

  static long sessions() {
    return SESSIONS.get();
  }

  static long tensors() {
    return TENSORS.get();
  }
}
