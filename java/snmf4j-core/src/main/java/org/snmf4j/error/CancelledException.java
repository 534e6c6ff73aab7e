package org.snmf4j.error;

/** The caller cancelled a running operation; nothing was kept or written. */
public class CancelledException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public CancelledException(String message) {
    super(message);
  }
}
