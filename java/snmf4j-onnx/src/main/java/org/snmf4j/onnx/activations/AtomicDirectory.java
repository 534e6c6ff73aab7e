package org.snmf4j.onnx.activations;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A directory that appears whole or not at all: filled under a hidden name beside its target, then
 * renamed. Its files lie flat.
 */
final class AtomicDirectory {
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Each failed attempt is another writer's success, or a failure that stays. */
  private static final int MAX_ATTEMPTS = 1000;

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
    Deque<Path> replaced = new ArrayDeque<>();
    for (int attempt = 1; !finished; attempt++) {
      setAside().ifPresent(replaced::push);
      try {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        finished = true;
      } catch (IOException | RuntimeException e) {
        if (!mayBeContention(e) || attempt == MAX_ATTEMPTS) {
          putBack(replaced, e);
          throw e;
        }
        // Another writer was faster; what it wrote is set aside in turn.
      }
    }
    replaced.forEach(AtomicDirectory::delete);
  }

  /**
   * Whether another writer may have come between. "Directory not empty" has no class of its own,
   * and that the target is gone again proves nothing: a third writer may have set it aside.
   */
  private static boolean mayBeContention(Exception e) {
    return e.getClass() == FileSystemException.class
        || e instanceof FileAlreadyExistsException
        || e instanceof DirectoryNotEmptyException;
  }

  /** Gives the newest of them the target's name again, and removes the others. */
  private void putBack(Deque<Path> replaced, Exception failure) {
    Path newest = replaced.poll();
    replaced.forEach(AtomicDirectory::delete);
    if (newest != null) {
      try {
        Files.move(newest, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException | RuntimeException e) {
        // Its message tells under which name the former content lies.
        failure.addSuppressed(e);
      }
    }
  }

  /** Renames what has the target's name, if anything has. */
  private Optional<Path> setAside() throws IOException {
    Path old = hidden(target.getParent());
    try {
      Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
      return Optional.of(old);
    } catch (NoSuchFileException e) {
      return Optional.empty();
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
