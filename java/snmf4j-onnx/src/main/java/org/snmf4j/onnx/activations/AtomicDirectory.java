package org.snmf4j.onnx.activations;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * A directory that appears whole or not at all: filled under a hidden name beside its target, then
 * renamed. Its files lie flat.
 */
final class AtomicDirectory {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Path target;
  private final Path temporary;
  private boolean finished;

  private AtomicDirectory(Path target, Path temporary) {
    this.target = target;
    this.temporary = temporary;
  }

  /**
   * @param target where the directory is to appear; its parent must exist
   */
  static AtomicDirectory create(Path target) throws IOException {
    // A symbolic link is followed, or the link itself would be replaced.
    Path absolute =
        Files.exists(target) ? target.toRealPath() : target.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    if (parent == null) {
      throw new FileSystemException(absolute.toString(), null, "is the root directory");
    }
    if (!Files.exists(parent)) {
      throw new NoSuchFileException(parent.toString(), null, "directory does not exist");
    }
    if (!Files.isDirectory(parent)) {
      throw new FileSystemException(parent.toString(), null, "is not a directory");
    }
    return new AtomicDirectory(absolute, Files.createDirectory(hidden(parent)));
  }

  /** Where the files go until {@link #commit()}. */
  Path path() {
    return temporary;
  }

  /** Gives the directory its name, in place of one of that name; of several the last one stays. */
  void commit() throws IOException {
    while (!finished) {
      Path old = setAside();
      try {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        finished = true;
      } catch (IOException | RuntimeException e) {
        if (!Files.exists(target)) {
          if (old != null) {
            Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
          }
          throw e;
        }
        // Another writer was faster; what it wrote is set aside in turn.
      }
      if (old != null) {
        delete(old);
      }
    }
  }

  /** Renames what has the target's name; null if nothing has. */
  private Path setAside() throws IOException {
    Path old = hidden(target.getParent());
    try {
      Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
      return old;
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Removes what was written, unless it was committed. */
  void discard() {
    if (!finished) {
      finished = true;
      delete(temporary);
    }
  }

  private static Path hidden(Path parent) {
    byte[] unique = new byte[8];
    RANDOM.nextBytes(unique);
    return parent.resolve(".snmf4j-" + HexFormat.of().formatHex(unique) + ".tmp");
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> all = files.toList();
      for (Path file : all) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      // The result, or the failure that led here, matters more.
      System.getLogger(AtomicDirectory.class.getName())
          .log(System.Logger.Level.WARNING, "cannot delete " + directory, e);
    }
  }
}
