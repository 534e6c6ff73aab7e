package org.snmf4j.error;

/** A backend's kernel reported a failure; the backend stays usable. */
public class BackendFailureException extends SnmfException {
  private static final long serialVersionUID = 1L;

  public BackendFailureException(String message) {
    super(message);
  }

  public BackendFailureException(String message, Throwable cause) {
    super(message, cause);
  }
}
