package org.snmf4j.error;

/** A backend that was asked for by name cannot run here; the message gives the cause. */
public class BackendUnavailableException extends SnmfException {
  private static final long serialVersionUID = 1L;

  public BackendUnavailableException(String message) {
    super(message);
  }

  public BackendUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
