package org.snmf4j.error;

/** Heap, off-heap or device memory does not suffice; the message says how much was asked for. */
public class MemoryExhaustedException extends SnmfException {
  private static final long serialVersionUID = 1L;

  public MemoryExhaustedException(String message) {
    super(message);
  }

  public MemoryExhaustedException(String message, Throwable cause) {
    super(message, cause);
  }
}
