package org.snmf4j.error;

/** Something was used after {@code close()}. */
public class ClosedException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public ClosedException(String message) {
    super(message);
  }

  /**
   * @param message what went wrong, with the values found and their limits
   * @param cause what led to it
   */
  public ClosedException(String message, Throwable cause) {
    super(message, cause);
  }
}
