package org.snmf4j.error;

/** Heap, off-heap or device memory does not suffice; the message says how much was asked for. */
public class MemoryExhaustedException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public MemoryExhaustedException(String message) {
    super(message);
  }

  /**
   * @param message what went wrong, with the values found and their limits
   * @param cause what led to it
   */
  public MemoryExhaustedException(String message, Throwable cause) {
    super(message, cause);
  }
}
