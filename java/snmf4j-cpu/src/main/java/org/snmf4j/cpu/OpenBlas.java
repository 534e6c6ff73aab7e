package org.snmf4j.cpu;

import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Where the OpenBLAS library lies: {@value #PATH}, or the file that the JavaCPP preset unpacks. The
 * kernels call it directly; the preset only brings it.
 */
final class OpenBlas {
  static final String PATH = "snmf4j.openblas.path";

  /** A file, or why there is none. */
  record Outcome(Path file, String failure) {
    boolean found() {
      return failure == null;
    }
  }

  private static final class Holder {
    static final Outcome OUTCOME = find();
  }

  /**
   * The glue without LAPACK is the smallest; the library beside it is whole under that name, too.
   */
  private static final String[] NAMES = {
    "libopenblas_nolapack.so.0", "libopenblas.so.0", "libopenblas_nolapack.0.dylib"
  };

  private OpenBlas() {}

  /** Finds the library on the first call. Never throws. */
  static Outcome outcome() {
    return Holder.OUTCOME;
  }

  private static Outcome find() {
    String explicit = System.getProperty(PATH);
    if (explicit != null) {
      Path file = Path.of(explicit).toAbsolutePath();
      return Files.isRegularFile(file)
          ? new Outcome(file, null)
          : new Outcome(null, "-D" + PATH + "=" + explicit + " is not a file");
    }
    try {
      Path glue = Path.of(Loader.load(openblas_nolapack.class));
      for (String name : NAMES) {
        Path file = glue.resolveSibling(name);
        if (Files.isRegularFile(file)) {
          return new Outcome(file, null);
        }
      }
      return new Outcome(null, "no OpenBLAS beside " + glue);
    } catch (RuntimeException | LinkageError e) {
      return new Outcome(
          null,
          "OpenBLAS cannot be loaded: "
              + e.getMessage()
              + " (add org.bytedeco:openblas with classifier "
              + Loader.getPlatform()
              + ", or set -D"
              + PATH
              + ")");
    }
  }
}
