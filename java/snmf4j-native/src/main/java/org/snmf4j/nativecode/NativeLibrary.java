package org.snmf4j.nativecode;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.Loader;

/**
 * Finds and loads a native library, once: unless {@value #DISABLE} is {@code true}, from the path
 * that a system property names (a file or its folder) and nowhere else if that is set, otherwise
 * from the jar, otherwise from the system's library path. A library from the jar is unpacked first,
 * see {@link LibraryCache}. Safe for use by several threads.
 */
public final class NativeLibrary {
  /** System property that does without any native code if it is {@code true}. */
  public static final String DISABLE = "snmf4j.native.disable";

  /**
   * JavaCPP's limit on what the whole process holds. By default it is four times the largest heap:
   * with a small heap JavaCPP would refuse the few bytes of a call's arguments as soon as the
   * activations, which lie outside the heap, are larger than that.
   */
  private static final String PHYSICAL_LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

  private static final Logger LOG = System.getLogger(NativeLibrary.class.getName());

  /**
   * What to load.
   *
   * @param owner class of the JNI methods; the library lies in the folder {@code native/PLATFORM}
   *     beside it, or else a file {@code NAME.missing} that says why it does not
   * @param artifact whose jar with the platform's classifier holds the library
   * @param name of the library; ends in the interface's version
   * @param abi the interface's version
   * @param path system property that names the library, or its folder
   */
  public record Source(Class<?> owner, String artifact, String name, int abi, String path) {}

  /**
   * How to load it: the JVM binds a library to the class loader of the class that asks for it, so
   * that must be one of the backend's own.
   */
  public interface Linker {
    /** {@link System#load}. */
    void load(String file);

    /** {@link System#loadLibrary}. */
    void loadLibrary(String name);

    /** The version of the library that has been loaded. */
    int abi();
  }

  /**
   * Where the library came from, or why there is none.
   *
   * @param location null if there is none
   * @param failure null if there is one
   */
  public record Outcome(String location, String failure) {
    public boolean loaded() {
      return failure == null;
    }
  }

  private final Source source;
  private final Linker linker;
  private Outcome outcome;

  public NativeLibrary(Source source, Linker linker) {
    this.source = source;
    this.linker = linker;
  }

  /** Loads the library on the first call. Never throws. */
  public synchronized Outcome outcome() {
    if (outcome == null) {
      outcome = load();
    }
    return outcome;
  }

  private Outcome load() {
    if (Boolean.getBoolean(DISABLE)) {
      return failed(List.of("native code is disabled by -D" + DISABLE + "=true"));
    }
    // Without effect if JavaCPP is in use already; a limit that somebody has set stands.
    if (System.getProperty(PHYSICAL_LIMIT) == null
        && System.getProperty(PHYSICAL_LIMIT.toLowerCase(Locale.ROOT)) == null) {
      System.setProperty(PHYSICAL_LIMIT, "0");
    }
    List<String> causes = new ArrayList<>();
    String explicit = System.getProperty(source.path());
    Outcome result;
    if (explicit != null) {
      result = fromPath(explicit, causes);
    } else {
      result = fromJar(causes);
      if (result == null) {
        result = fromSystem(causes);
      }
    }
    return result == null ? failed(causes) : result;
  }

  private static Outcome failed(List<String> causes) {
    String failure = String.join("; ", causes);
    LOG.log(Level.DEBUG, "no native library: {0}", failure);
    return new Outcome(null, failure);
  }

  private Outcome fromPath(String explicit, List<String> causes) {
    Path path;
    try {
      path = Path.of(explicit).toAbsolutePath();
    } catch (InvalidPathException e) {
      causes.add("-D" + source.path() + " is no path: " + e.getMessage());
      return null;
    }
    return link(
        Files.isDirectory(path) ? path.resolve(fileName()) : path, "-D" + source.path(), causes);
  }

  private Outcome fromJar(List<String> causes) {
    String folder = "native/" + Loader.getPlatform() + "/";
    byte[] content;
    try {
      content = resource(folder + fileName());
      if (content == null) {
        byte[] reason = resource(folder + source.name() + ".missing");
        causes.add(
            reason != null
                ? new String(reason, StandardCharsets.UTF_8).strip()
                : "the class path has no native code for "
                    + Loader.getPlatform()
                    + " (add org.snmf4j:"
                    + source.artifact()
                    + " with classifier "
                    + Loader.getPlatform()
                    + ")");
        return null;
      }
    } catch (IOException e) {
      causes.add("the jar's native code cannot be read: " + e);
      return null;
    }
    try {
      return link(LibraryCache.unpack(content, fileName()), "the jar", causes);
    } catch (IOException | InvalidPathException e) {
      causes.add(
          "the jar's native code cannot be unpacked: " + e + "; set -D" + LibraryCache.FOLDER);
      return null;
    }
  }

  private byte[] resource(String name) throws IOException {
    try (InputStream stream = source.owner().getResourceAsStream(name)) {
      return stream == null ? null : stream.readAllBytes();
    }
  }

  private String fileName() {
    return System.mapLibraryName(source.name());
  }

  private Outcome fromSystem(List<String> causes) {
    try {
      linker.loadLibrary(source.name());
      return checked("java.library.path", causes);
    } catch (UnsatisfiedLinkError e) {
      causes.add("java.library.path: " + e.getMessage());
      return null;
    }
  }

  private Outcome link(Path file, String origin, List<String> causes) {
    LOG.log(Level.DEBUG, "loading {0} from {1}", file, origin);
    try {
      linker.load(file.toString());
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
  private Outcome linkCopy(Path file, List<String> causes) {
    try {
      Path copy = Files.createTempFile("snmf4j", fileName());
      try {
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
        linker.load(copy.toString());
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
          + LibraryCache.FOLDER
          + " to a folder elsewhere)";
    }
    return message;
  }

  private Outcome checked(String location, List<String> causes) {
    int abi = linker.abi();
    if (abi != source.abi()) {
      causes.add(location + " has interface version " + abi + ", this jar needs " + source.abi());
      return null;
    }
    return new Outcome(location, null);
  }
}
