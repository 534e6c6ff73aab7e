package org.snmf4j.error;

import java.nio.file.Path;

/** A file's bytes are not what its format demands: truncated, hostile or of another kind. */
public class FileFormatException extends SnmfException {
  private static final long serialVersionUID = 1L;

  public FileFormatException(Path file, String reason) {
    super(file + ": " + reason);
  }

  public FileFormatException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
  }
}
