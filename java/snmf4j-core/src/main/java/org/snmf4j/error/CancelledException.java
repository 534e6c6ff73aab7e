package org.snmf4j.error;

/** The caller cancelled a running operation; nothing was kept or written. */
public class CancelledException extends SnmfException {
  private static final long serialVersionUID = 1L;

  public CancelledException(String message) {
    super(message);
  }

  public CancelledException(String message, Throwable cause) {
    super(message, cause);
  }
}
