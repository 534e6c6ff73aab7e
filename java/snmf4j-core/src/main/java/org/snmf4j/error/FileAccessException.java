package org.snmf4j.error;

import java.io.IOException;
import java.nio.file.Path;

/** The operating system refused to read or write a file: missing, read-only, disk full. */
public class FileAccessException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param action what was tried, for instance {@code "read"}
   * @param file the file
   * @param cause the system's answer, which becomes part of the message
   */
  public FileAccessException(String action, Path file, IOException cause) {
    super(
        "cannot "
            + action
            + " "
            + file
            + ": "
            + cause.getClass().getSimpleName()
            + ": "
            + cause.getMessage(),
        cause);
  }
}
