package org.snmf4j.error;

/** Root of all exceptions that snmf4j throws. */
public class SnmfException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public SnmfException(String message) {
    super(message);
  }

  public SnmfException(String message, Throwable cause) {
    super(message, cause);
  }
}
