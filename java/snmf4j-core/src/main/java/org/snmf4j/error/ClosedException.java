package org.snmf4j.error;

/** Something was used after {@code close()}. */
public class ClosedException extends SnmfException {
  private static final long serialVersionUID = 1L;

  public ClosedException(String message) {
    super(message);
  }

  public ClosedException(String message, Throwable cause) {
    super(message, cause);
  }
}
