package org.snmf4j.onnx.graph;

import java.nio.file.Path;
import org.snmf4j.error.FileFormatException;

/** A file is not an ONNX model, or one that is truncated, inconsistent or not to be run. */
public class ModelFormatException extends FileFormatException {
  private static final long serialVersionUID = 1L;

  /**
   * @param file the model
   * @param reason what is wrong with it
   */
  public ModelFormatException(Path file, String reason) {
    super(file, reason);
  }

  /**
   * @param file the model
   * @param reason what is wrong with it
   * @param cause what led to it
   */
  public ModelFormatException(Path file, String reason, Throwable cause) {
    super(file, reason, cause);
  }
}
