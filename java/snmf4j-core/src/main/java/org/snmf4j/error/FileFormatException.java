package org.snmf4j.error;

import java.nio.file.Path;

/** A file's bytes are not what its format demands: truncated, hostile or of another kind. */
public class FileFormatException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param file the file
   * @param reason what is wrong with it
   */
  public FileFormatException(Path file, String reason) {
    super(file + ": " + reason);
  }

  /**
   * @param file the file
   * @param reason what is wrong with it
   * @param cause what led to it
   */
  public FileFormatException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
  }
}
