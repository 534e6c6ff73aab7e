package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.snmf4j.error.FileAccessException;

/**
 * Files that appear whole or not at all.
 *
 * <p>The bytes go to a hidden file beside the target, reach the disk, and only then take the
 * target's name in one step, replacing what was there. After any failure the hidden file is gone
 * and the target is what it was.
 *
 * <p>Threads: safe; of two writers of one target the last to finish wins.
 */
public final class AtomicFile {
  // As Linux has it.
  private static final int MAX_LINKS = 40;
  private static final SecureRandom RANDOM = new SecureRandom();

  private AtomicFile() {}

  /** Produces a file's content. */
  @FunctionalInterface
  public interface Writer {
    /**
     * Writes the whole content.
     *
     * @param channel an empty file open for writing, at position 0
     */
    void write(FileChannel channel) throws IOException;
  }

  /**
   * Writes a file in one step.
   *
   * @param target the file; its directory must exist. A symbolic link is followed
   * @param writer gives the content; what it throws, unchecked, reaches the caller
   * @throws FileAccessException where the directory is missing, the target is a directory or a
   *     device, or the system refuses or runs out of space
   */
  public static void write(Path target, Writer writer) {
    try {
      writeWhole(resolve(target), writer);
    } catch (IOException e) {
      throw new FileAccessException("write", target, e);
    }
  }

  /**
   * Writes text as UTF-8 in one step.
   *
   * @param target as in {@link #write}
   * @param text the content; unpaired surrogates become {@code ?}
   * @throws FileAccessException as in {@link #write}
   */
  public static void writeString(Path target, CharSequence text) {
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
    write(target, channel -> FileBytes.write(channel, bytes));
  }

  private static void writeWhole(Path target, Writer writer) throws IOException {
    Path directory = target.getParent();
    Path temporary = null;
    FileChannel channel = null;
    while (channel == null) {
      byte[] unique = new byte[8];
      RANDOM.nextBytes(unique);
      // Not derived from the target's name, which may already be as long as names can be.
      temporary = directory.resolve(".snmf4j-" + HexFormat.of().formatHex(unique) + ".tmp");
      try {
        // Not Files.createTempFile, which would leave the target readable by its owner only.
        channel =
            FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      } catch (FileAlreadyExistsException e) {
        // Another writer drew the same name: draw again.
      }
    }
    boolean done = false;
    try {
      try (FileChannel open = channel) {
        writer.write(open);
        open.force(true);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      done = true;
    } finally {
      if (!done) {
        deleteQuietly(temporary);
      }
    }
  }

  /** The absolute file to replace, checked for what a move would get wrong or explain badly. */
  private static Path resolve(Path target) throws IOException {
    Path file = target.toAbsolutePath();
    for (int hops = 0; Files.isSymbolicLink(file); hops++) {
      if (hops == MAX_LINKS) {
        throw new FileSystemLoopException(file.toString());
      }
      file = file.resolveSibling(Files.readSymbolicLink(file));
    }
    Path directory = file.getParent();
    if (directory == null || Files.isDirectory(file)) {
      throw new FileSystemException(file.toString(), null, "is a directory");
    }
    if (!Files.exists(directory)) {
      throw new NoSuchFileException(directory.toString(), null, "directory does not exist");
    }
    if (!Files.isDirectory(directory)) {
      throw new FileSystemException(directory.toString(), null, "is not a directory");
    }
    // Otherwise the move would replace a device such as /dev/null by a file.
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new FileSystemException(file.toString(), null, "is not a regular file");
    }
    return file;
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // The failure that led here says more.
      System.getLogger(AtomicFile.class.getName())
          .log(System.Logger.Level.WARNING, "cannot delete " + file, e);
    }
  }
}
