package org.snmf4j.error;

/** A backend's kernel reported a failure; the backend stays usable. */
public class BackendFailureException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public BackendFailureException(String message) {
    super(message);
  }

  /**
   * @param message what went wrong, with the values found and their limits
   * @param cause what led to it
   */
  public BackendFailureException(String message, Throwable cause) {
    super(message, cause);
  }
}
