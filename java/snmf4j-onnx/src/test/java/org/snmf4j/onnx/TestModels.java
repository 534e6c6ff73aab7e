package org.snmf4j.onnx;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import org.snmf4j.io.SafeTensors;

/** The small exported models of the test resources, with what the original models computed. */
final class TestModels {
  private TestModels() {}

  static Path resource(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(TestModels.class.getResource("/" + name), name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(name, e);
    }
  }

  static Path model(String name) {
    return resource("models/" + name + ".onnx");
  }

  static SafeTensors truth(String name) {
    return SafeTensors.open(resource("models/" + name + ".safetensors"));
  }

  /** An integer tensor {@code [rows, columns]}. */
  static long[][] longs(SafeTensors tensors, String name) {
    long[] shape = tensors.shape(name);
    long[] flat = tensors.longs(name);
    long[][] rows = new long[(int) shape[0]][(int) shape[1]];
    for (int i = 0; i < flat.length; i++) {
      rows[i / rows[0].length][i % rows[0].length] = flat[i];
    }
    return rows;
  }

  /** Rows of a float tensor {@code [sentences, length, d]} where the mask is 1. */
  static double[][] unmasked(SafeTensors tensors, String name, long[][] mask) {
    long[] shape = tensors.shape(name);
    double[] flat = tensors.doubles(name);
    int width = (int) shape[2];
    java.util.List<double[]> rows = new java.util.ArrayList<>();
    for (int sentence = 0; sentence < mask.length; sentence++) {
      for (int i = 0; i < mask[sentence].length; i++) {
        if (mask[sentence][i] == 1) {
          int at = (sentence * mask[sentence].length + i) * width;
          rows.add(java.util.Arrays.copyOfRange(flat, at, at + width));
        }
      }
    }
    return rows.toArray(double[][]::new);
  }
}
