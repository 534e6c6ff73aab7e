package org.snmf4j.error;

/** A backend that was asked for by name cannot run here; the message gives the cause. */
public class BackendUnavailableException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public BackendUnavailableException(String message) {
    super(message);
  }

  /**
   * @param message what went wrong, with the values found and their limits
   * @param cause what led to it
   */
  public BackendUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
