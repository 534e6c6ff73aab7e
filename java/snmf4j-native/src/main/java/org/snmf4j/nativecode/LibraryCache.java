package org.snmf4j.nativecode;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;

/**
 * Where libraries from jars are unpacked to: {@value #FOLDER}, by default {@code ~/.cache/snmf4j},
 * or a folder of the user's own in the temporary directory where the home cannot be written. Each
 * lies in a folder named by its content, put there by an atomic move: processes may race for it.
 * Nothing is taken from a folder that another user could write to.
 */
final class LibraryCache {
  static final String FOLDER = "snmf4j.native.cache";

  private LibraryCache() {}

  /**
   * Unpacks a library unless it is there already.
   *
   * @param name the file's
   * @return the file
   */
  static Path unpack(byte[] content, String name) throws IOException {
    Path folder = cache().resolve(digest(content));
    Path file = folder.resolve(name);
    createPrivate(folder);
    // Whoever wrote it last may have been cut off: it is taken only if it has the right content.
    if (Files.isRegularFile(file) && digest(Files.readAllBytes(file)).equals(digest(content))) {
      return file;
    }
    Path fresh = Files.createTempFile(folder, "unpack", ".tmp");
    try {
      Files.write(fresh, content);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(fresh);
    }
    return file;
  }

  /**
   * Makes a folder that only its owner can write to, and refuses one of another user: who can write
   * to it might swap the library between the look at its content and the loading.
   */
  private static void createPrivate(Path folder) throws IOException {
    if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      Files.createDirectories(folder);
      return;
    }
    Set<PosixFilePermission> ownersOnly = PosixFilePermissions.fromString("rwx------");
    Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(ownersOnly));
    PosixFileAttributes attributes = Files.readAttributes(folder, PosixFileAttributes.class);
    String owner = attributes.owner().getName();
    // A number stands for a user that the system does not know, as in many containers.
    if (!owner.equals(System.getProperty("user.name"))
        && !owner.equals("root")
        && !owner.matches("\\d+")) {
      throw new AccessDeniedException(folder.toString(), null, "belongs to " + owner);
    }
    if (attributes.permissions().contains(PosixFilePermission.OTHERS_WRITE)
        || attributes.permissions().contains(PosixFilePermission.GROUP_WRITE)) {
      Files.setPosixFilePermissions(folder, ownersOnly);
    }
  }

  private static Path cache() {
    String chosen = System.getProperty(FOLDER);
    if (chosen != null) {
      return Path.of(chosen).toAbsolutePath();
    }
    Path home = Path.of(System.getProperty("user.home", "."));
    if (Files.isWritable(home)) {
      return home.resolve(".cache").resolve("snmf4j").toAbsolutePath();
    }
    return Path.of(
            System.getProperty("java.io.tmpdir"), "snmf4j-" + System.getProperty("user.name"))
        .toAbsolutePath();
  }

  private static String digest(byte[] content) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
