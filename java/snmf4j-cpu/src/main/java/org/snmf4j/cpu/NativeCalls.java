package org.snmf4j.cpu;

import org.bytedeco.javacpp.BytePointer;
import org.snmf4j.error.BackendFailureException;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.MemoryExhaustedException;
import org.snmf4j.error.SnmfException;

/** The one place where a native status becomes an exception. */
final class NativeCalls {
  private NativeCalls() {}

  /**
   * Throws unless the status is OK. Must be called on the thread that made the call, before its
   * next one.
   *
   * @param action what was tried, for the message
   */
  static void check(int status, String action) {
    if (status != CpuLibrary.OK) {
      throw exception(status, action);
    }
  }

  static SnmfException exception(int status, String action) {
    String cause = text(CpuLibrary.snmf4j_last_message());
    String message = "cannot " + action + ": " + cause;
    return switch (status) {
      case CpuLibrary.OUT_OF_MEMORY -> new MemoryExhaustedException(message);
      case CpuLibrary.UNAVAILABLE -> new BackendUnavailableException(message);
      default -> new BackendFailureException(message);
    };
  }

  static String text(BytePointer pointer) {
    return pointer == null ? "" : pointer.getString();
  }
}
