package org.snmf4j.onnx;

import org.snmf4j.error.SnmfException;

/** ONNX Runtime could not run a model, or what it returned is not what was asked for. */
public class ModelRunException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what went wrong, with the values found and their limits
   */
  public ModelRunException(String message) {
    super(message);
  }

  /**
   * @param message what went wrong, with the values found and their limits
   * @param cause what led to it
   */
  public ModelRunException(String message, Throwable cause) {
    super(message, cause);
  }
}
