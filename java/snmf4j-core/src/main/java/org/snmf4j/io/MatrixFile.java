package org.snmf4j.io;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/** Matrices named by one string, as users give them on a command line. */
public final class MatrixFile {
  private static final String NPY = ".npy";
  private static final String SAFETENSORS = ".safetensors";

  private MatrixFile() {}

  /**
   * Opens the matrix that {@code spec} names.
   *
   * @param spec {@code path.npy}, or {@code path.safetensors:tensor}. The path ends at the last
   *     {@code .safetensors:}, so both the path and the tensor's name may hold other colons
   * @return the matrix, mapped where the file holds float32 or float64; see {@link NpyFile#read}
   *     and {@link SafeTensors#matrix}
   * @throws InvalidArgumentException where {@code spec} has neither form or names no tensor of the
   *     file; the message lists the tensors there are
   * @throws FileFormatException where the file is malformed or holds no matrix there
   * @throws FileAccessException where the file cannot be read
   */
  public static Matrix open(String spec) {
    int at = indexOfTensorName(spec);
    // A directory may be called x.safetensors:y: a file that is there decides.
    if (endsWith(spec, spec.length(), NPY) && (at < 0 || Files.isRegularFile(path(spec, spec)))) {
      return NpyFile.read(path(spec, spec));
    }
    if (at >= 0) {
      Path file = path(spec, spec.substring(0, at - 1));
      try (SafeTensors tensors = SafeTensors.open(file)) {
        return tensors.matrix(spec.substring(at));
      }
    }
    if (endsWith(spec, spec.length(), SAFETENSORS)) {
      try (SafeTensors tensors = SafeTensors.open(path(spec, spec))) {
        throw new InvalidArgumentException(
            "matrix file",
            spec,
            "followed by ':' and the name of one of its tensors: " + tensors.listNames());
      }
    }
    throw malformed(spec);
  }

  /** Where the tensor's name starts, or -1. */
  private static int indexOfTensorName(String spec) {
    for (int colon = spec.lastIndexOf(':'); colon > 0; colon = spec.lastIndexOf(':', colon - 1)) {
      if (endsWith(spec, colon, SAFETENSORS)) {
        return colon + 1;
      }
    }
    return -1;
  }

  private static boolean endsWith(String spec, int end, String suffix) {
    return end > suffix.length()
        && spec.regionMatches(true, end - suffix.length(), suffix, 0, suffix.length());
  }

  private static Path path(String spec, String path) {
    try {
      return Path.of(path);
    } catch (InvalidPathException e) {
      throw malformed(FileBytes.quote(spec));
    }
  }

  private static InvalidArgumentException malformed(String spec) {
    return new InvalidArgumentException(
        "matrix file", spec, "of the form PATH.npy or PATH.safetensors:TENSOR");
  }
}
