package org.snmf4j.tck;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;

/**
 * A reference run of the method authors' own code in float64: from {@link #y0}, the losses after
 * {@link #iterations} and some of the iterates. {@link #bestLoss} is of a run of at most 400
 * iterations that stops after 100 without an absolute improvement of 1e-4.
 */
record Golden(
    String name,
    double[][] a,
    double[][] y0,
    double density,
    long[] iterations,
    double[] losses,
    double bestLoss,
    double squaredNorm,
    double[][] z1,
    double[][] y1,
    double[][] z5,
    double[][] y5) {

  static Golden load(String name) {
    Path file = null;
    try (InputStream resource =
        Golden.class.getResourceAsStream("golden/" + name + ".safetensors")) {
      if (resource == null) {
        throw new IllegalStateException("the suite lacks its reference run " + name);
      }
      file = Files.createTempFile("snmf4j-golden", ".safetensors");
      Files.write(file, resource.readAllBytes());
      try (SafeTensors tensors = SafeTensors.open(file)) {
        return new Golden(
            name,
            matrix(tensors, "A"),
            matrix(tensors, "Y0"),
            tensors.doubles("feature_density")[0],
            tensors.longs("iterations"),
            tensors.doubles("loss"),
            tensors.doubles("best_loss")[0],
            tensors.doubles("squared_norm")[0],
            matrix(tensors, "Z.1"),
            matrix(tensors, "Y.1"),
            matrix(tensors, "Z.5"),
            matrix(tensors, "Y.5"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(file);
    }
  }

  private static double[][] matrix(SafeTensors tensors, String name) {
    try (Matrix matrix = tensors.matrix(name)) {
      return matrix.toArray();
    }
  }

  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // A mapped file cannot be deleted on every system; it lies in the temporary directory.
      file.toFile().deleteOnExit();
    }
  }

  int rank() {
    return y0.length;
  }

  @Override
  public String toString() {
    return name;
  }
}
