package org.snmf4j.cli.command;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.snmf4j.error.FileAccessException;

/** Checks on output files, made before the work whose result they are to hold. */
final class Outputs {
  private Outputs() {}

  /**
   * Throws if {@code file} can certainly not be written: hours of work should not end on a mistyped
   * directory.
   */
  static void requireWritable(Path file) {
    Path directory = file.toAbsolutePath().getParent();
    IOException obstacle = null;
    if (Files.isDirectory(file)) {
      obstacle = new FileSystemException(file.toString(), null, "is a directory");
    } else if (directory == null || !Files.isDirectory(directory)) {
      obstacle =
          new NoSuchFileException(String.valueOf(directory), null, "directory does not exist");
    } else if (!Files.isWritable(directory)) {
      obstacle = new AccessDeniedException(directory.toString());
    }
    if (obstacle != null) {
      throw new FileAccessException("write", file, obstacle);
    }
  }
}
