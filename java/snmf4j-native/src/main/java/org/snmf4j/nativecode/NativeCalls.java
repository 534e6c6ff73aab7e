package org.snmf4j.nativecode;

import org.bytedeco.javacpp.BytePointer;
import org.snmf4j.error.BackendFailureException;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.MemoryExhaustedException;
import org.snmf4j.error.SnmfException;

/** The one place where a native status becomes an exception. */
public final class NativeCalls {
  private NativeCalls() {}

  /**
   * Throws unless the status is OK. Must be called on the thread that made the call, before its
   * next one.
   *
   * @param library whose function gave the status
   * @param action what was tried, for the message
   */
  public static void check(NativeOperations library, int status, String action) {
    if (status != NativeOperations.OK) {
      throw exception(library, status, action);
    }
  }

  private static SnmfException exception(NativeOperations library, int status, String action) {
    String cause = text(library.snmf4j_last_message());
    String message = "cannot " + action + ": " + cause;
    return switch (status) {
      case NativeOperations.OUT_OF_MEMORY -> new MemoryExhaustedException(message);
      case NativeOperations.UNAVAILABLE -> new BackendUnavailableException(message);
      default -> new BackendFailureException(message);
    };
  }

  /** A string of the library's; empty for null. */
  public static String text(BytePointer pointer) {
    return pointer == null ? "" : pointer.getString();
  }
}
