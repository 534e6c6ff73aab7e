package org.snmf4j.onnx.text;

import java.nio.file.Path;
import org.snmf4j.error.FileFormatException;

/** A data set is empty, malformed or holds an entry that is no sentence. */
public class DataSetException extends FileFormatException {
  private static final long serialVersionUID = 1L;

  private final long entry;

  /** A fault of the file as a whole. */
  public DataSetException(Path file, String reason) {
    super(file, reason);
    this.entry = -1;
  }

  /** A fault of the file as a whole. */
  public DataSetException(Path file, String reason, Throwable cause) {
    super(file, reason, cause);
    this.entry = -1;
  }

  /**
   * @param entry 0-based index of the sentence in the file
   * @param reason what is wrong with it
   */
  public DataSetException(Path file, long entry, String reason) {
    super(file, "entry " + entry + ": " + reason);
    this.entry = entry;
  }

  /** 0-based index of the sentence in the file, or -1 if the file as a whole is at fault. */
  public long entry() {
    return entry;
  }
}
