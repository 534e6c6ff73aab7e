package org.snmf4j.cuda;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.bytedeco.cuda.presets.cublas;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;

/**
 * Where the cuBLAS library lies: where {@value #PATH} says and nowhere else if it is set, otherwise
 * where the JavaCPP preset looks (its own jars, the toolkit's folders, {@code java.library.path}),
 * then where {@code CUDA_PATH}, {@code CUDA_HOME} and {@code LD_LIBRARY_PATH} point, then in the
 * usual folders. The kernels' library opens it; nothing is loaded here.
 */
final class Cublas {
  /** System property: the library, or a folder that has it directly or where toolkits have it. */
  static final String PATH = "snmf4j.cublas.path";

  /** Of the versions that belong to the runtime that the kernels are built with. */
  static final String FILE = "libcublas.so.13";

  private static final String PRESETS_NAME = "cublas@.13";
  private static final String COMPANIONS_NAME = "cublasLt@.13";

  /** Below a toolkit's folder, or a Python installation's site-packages. */
  private static final List<String> INSIDE =
      List.of(
          "", "lib64", "lib", "targets/x86_64-linux/lib", "nvidia/cu13/lib", "nvidia/cublas/lib");

  private static final List<String> USUAL =
      List.of(
          "/usr/local/cuda",
          "/usr/local/cuda-13",
          "/opt/cuda",
          "/usr",
          "/usr/lib/x86_64-linux-gnu");

  /** A file, or why there is none. */
  record Outcome(Path file, String failure) {
    boolean found() {
      return failure == null;
    }
  }

  private Cublas() {}

  /** Finds the library. Never throws. */
  static Outcome find() {
    String explicit = System.getProperty(PATH);
    return explicit == null ? search(preset(), folders(System.getenv())) : at(explicit);
  }

  private static Outcome at(String explicit) {
    Path path;
    try {
      path = Path.of(explicit).toAbsolutePath();
    } catch (InvalidPathException e) {
      return new Outcome(null, "-D" + PATH + " is no path: " + e.getMessage());
    }
    if (Files.isRegularFile(path)) {
      return new Outcome(path, null);
    }
    if (!Files.isDirectory(path)) {
      return new Outcome(null, "-D" + PATH + "=" + explicit + " is neither a file nor a folder");
    }
    Outcome inside = search(null, List.of(path));
    return inside.found()
        ? inside
        : new Outcome(null, "-D" + PATH + "=" + explicit + ": " + inside.failure());
  }

  /**
   * @param first taken if not null
   * @param folders a toolkit's, or a library's own
   */
  static Outcome search(Path first, List<Path> folders) {
    if (first != null) {
      return new Outcome(first, null);
    }
    Set<Path> looked = new LinkedHashSet<>();
    Set<String> others = new TreeSet<>();
    for (Path folder : folders) {
      for (String inside : INSIDE) {
        Path place = folder.resolve(inside);
        if (!Files.isDirectory(place)) {
          continue;
        }
        Path file = place.resolve(FILE);
        if (Files.isRegularFile(file)) {
          return new Outcome(file, null);
        }
        looked.add(place);
        addOthers(place, others);
      }
    }
    return new Outcome(
        null,
        "cuBLAS, "
            + FILE
            + ", is not in "
            + (looked.isEmpty() ? folders : looked)
            + (others.isEmpty() ? "" : "; there are only " + others)
            + " (install that of CUDA 13, or set -D"
            + PATH
            + " to the library or to the folder of a CUDA toolkit or of Python's packages)");
  }

  private static void addOthers(Path folder, Set<String> others) {
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(file -> file.getFileName().toString().startsWith("libcublas.so"))
          .forEach(file -> others.add(file.toString()));
    } catch (IOException | RuntimeException e) {
      // A folder that cannot be listed has nothing to say.
    }
  }

  static List<Path> folders(Map<String, String> environment) {
    List<Path> folders = new ArrayList<>();
    for (String variable : List.of("CUDA_PATH", "CUDA_HOME", "LD_LIBRARY_PATH")) {
      for (String part : environment.getOrDefault(variable, "").split(":")) {
        try {
          if (!part.isBlank()) {
            folders.add(Path.of(part).toAbsolutePath());
          }
        } catch (InvalidPathException e) {
          // Not ours to judge.
        }
      }
    }
    USUAL.forEach(folder -> folders.add(Path.of(folder)));
    return folders;
  }

  /** What the JavaCPP preset finds, unpacked if it lies in a jar; null if that is nothing. */
  private static Path preset() {
    try {
      ClassProperties properties =
          Loader.loadProperties(cublas.class, Loader.loadProperties(), true);
      URL[] found = Loader.findLibrary(cublas.class, properties, PRESETS_NAME, true);
      for (URL url : found) {
        if (url.getProtocol().equals("file")) {
          return file(url);
        }
      }
      if (found.length == 0) {
        return null;
      }
      // cuBLAS needs its companion beside it.
      for (URL url : Loader.findLibrary(cublas.class, properties, COMPANIONS_NAME, false)) {
        if (!url.getProtocol().equals("file")) {
          Loader.cacheResource(url);
          break;
        }
      }
      return Loader.cacheResource(found[0]).toPath();
    } catch (IOException | URISyntaxException | RuntimeException | LinkageError e) {
      return null;
    }
  }

  private static Path file(URL url) throws URISyntaxException {
    return Path.of(new URI(url.toString()));
  }
}
