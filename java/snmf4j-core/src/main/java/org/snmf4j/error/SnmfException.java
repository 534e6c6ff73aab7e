package org.snmf4j.error;

/** Root of all exceptions that snmf4j throws. */
public class SnmfException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public SnmfException(String message) {
    super(message);
  }

  /**
   * @param message what went wrong, with the values found and their limits
   * @param cause what led to it
   */
  public SnmfException(String message, Throwable cause) {
    super(message, cause);
  }
}
