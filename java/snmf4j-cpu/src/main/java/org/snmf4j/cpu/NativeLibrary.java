package org.snmf4j.cpu;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.bytedeco.javacpp.Loader;

/**
 * Finds and loads the native library, once per class loader: unless {@value #DISABLE} is {@code
 * true}, from {@value #PATH} (a file or its folder) and nowhere else if that is set, otherwise from
 * the jar, otherwise from the system's library path.
 *
 * <p>A library from the jar is unpacked into {@value #CACHE} (default {@code ~/.cache/snmf4j}, or a
 * folder of the user's own in the temporary directory where the home cannot be written), in a
 * folder named by its content, by an atomic move: processes may race for it. Nothing is loaded from
 * a folder that another user could write to.
 */
final class NativeLibrary {
  static final String DISABLE = "snmf4j.native.disable";
  static final String PATH = "snmf4j.native.path";
  static final String CACHE = "snmf4j.native.cache";

  /**
   * JavaCPP's limit on what the whole process holds. By default it is four times the largest heap:
   * with a small heap JavaCPP would refuse the few bytes of a call's arguments as soon as the
   * activations, which lie outside the heap, are larger than that.
   */
  static final String PHYSICAL_LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

  private static final Logger LOG = System.getLogger(NativeLibrary.class.getName());

  /** Where the library came from, or why there is none. */
  record Outcome(String location, String failure) {
    boolean loaded() {
      return failure == null;
    }
  }

  private static final class Holder {
    static final Outcome OUTCOME = load();
  }

  private NativeLibrary() {}

  /** Loads the library on the first call. Never throws. */
  static Outcome outcome() {
    return Holder.OUTCOME;
  }

  private static Outcome load() {
    if (Boolean.getBoolean(DISABLE)) {
      return failed(List.of("native code is disabled by -D" + DISABLE + "=true"));
    }
    // Without effect if JavaCPP is in use already; a limit that somebody has set stands.
    if (System.getProperty(PHYSICAL_LIMIT) == null
        && System.getProperty(PHYSICAL_LIMIT.toLowerCase(Locale.ROOT)) == null) {
      System.setProperty(PHYSICAL_LIMIT, "0");
    }
    List<String> causes = new ArrayList<>();
    String explicit = System.getProperty(PATH);
    Outcome outcome;
    if (explicit != null) {
      outcome = fromPath(explicit, causes);
    } else {
      outcome = fromJar(causes);
      if (outcome == null) {
        outcome = fromSystem(causes);
      }
    }
    return outcome == null ? failed(causes) : outcome;
  }

  private static Outcome failed(List<String> causes) {
    String failure = String.join("; ", causes);
    LOG.log(Level.DEBUG, "no native library: {0}", failure);
    return new Outcome(null, failure);
  }

  private static Outcome fromPath(String explicit, List<String> causes) {
    Path path;
    try {
      path = Path.of(explicit).toAbsolutePath();
    } catch (InvalidPathException e) {
      causes.add("-D" + PATH + " is no path: " + e.getMessage());
      return null;
    }
    Path file =
        Files.isDirectory(path) ? path.resolve(System.mapLibraryName(CpuLibrary.NAME)) : path;
    return link(file, "-D" + PATH, causes);
  }

  private static Outcome fromJar(List<String> causes) {
    String resource =
        "native/" + Loader.getPlatform() + "/" + System.mapLibraryName(CpuLibrary.NAME);
    byte[] content;
    try (InputStream stream = NativeLibrary.class.getResourceAsStream(resource)) {
      if (stream == null) {
        causes.add(
            "the class path has no native code for "
                + Loader.getPlatform()
                + " (add org.snmf4j:snmf4j-cpu with classifier "
                + Loader.getPlatform()
                + ")");
        return null;
      }
      content = stream.readAllBytes();
    } catch (IOException e) {
      causes.add("the jar's native code cannot be read: " + e);
      return null;
    }
    try {
      return link(unpack(content), "the jar", causes);
    } catch (IOException | InvalidPathException e) {
      causes.add("the jar's native code cannot be unpacked: " + e + "; set -D" + CACHE);
      return null;
    }
  }

  private static Path unpack(byte[] content) throws IOException {
    Path folder = cache().resolve(digest(content));
    Path file = folder.resolve(System.mapLibraryName(CpuLibrary.NAME));
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
    String chosen = System.getProperty(CACHE);
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

  private static Outcome fromSystem(List<String> causes) {
    try {
      System.loadLibrary(CpuLibrary.NAME);
      return checked("java.library.path", causes);
    } catch (UnsatisfiedLinkError e) {
      causes.add("java.library.path: " + e.getMessage());
      return null;
    }
  }

  private static Outcome link(Path file, String origin, List<String> causes) {
    LOG.log(Level.DEBUG, "loading {0} from {1}", file, origin);
    try {
      System.load(file.toString());
      return checked(file.toString(), causes);
    } catch (UnsatisfiedLinkError e) {
      if (String.valueOf(e.getMessage()).contains("already loaded in another classloader")) {
        return linkCopy(file, causes);
      }
      causes.add(origin + ": " + explain(e, file));
      return null;
    }
  }

  /** The JVM binds a library file to one class loader; another loader needs a file of its own. */
  private static Outcome linkCopy(Path file, List<String> causes) {
    try {
      Path copy = Files.createTempFile("snmf4j", System.mapLibraryName(CpuLibrary.NAME));
      try {
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
        System.load(copy.toString());
        return checked("a copy of " + file, causes);
      } finally {
        // Once loaded, the file's name is no longer needed, and a killed JVM would not remove it.
        Files.deleteIfExists(copy);
      }
    } catch (IOException | UnsatisfiedLinkError e) {
      causes.add("a copy of " + file + " for another class loader: " + e.getMessage());
      return null;
    }
  }

  private static String explain(UnsatisfiedLinkError error, Path file) {
    String message = String.valueOf(error.getMessage());
    if (message.contains("failed to map segment") || message.contains("not permitted")) {
      return message
          + " (is "
          + file.getParent()
          + " mounted noexec? set -D"
          + CACHE
          + " to a folder elsewhere)";
    }
    return message;
  }

  private static Outcome checked(String location, List<String> causes) {
    int abi = CpuLibrary.snmf4j_cpu_abi();
    if (abi != CpuLibrary.ABI) {
      causes.add(location + " has interface version " + abi + ", this jar needs " + CpuLibrary.ABI);
      return null;
    }
    return new Outcome(location, null);
  }
}
