package org.snmf4j.benchmarks.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.snmf4j.benchmarks.Shape;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.tck.planted.PlantedData;

/** Planted activations, made once and kept as a file for the parts and programs that follow. */
final class Data {
  /** Planted features for each one that is fitted. */
  private static final int PLANTED = 3;

  /** Neurons that are turned round together. */
  private static final int BLOCK = 64;

  private Data() {}

  /** The file with A {@code [d, n]}, float32, made if it is not there. */
  static Path file(Settings settings, Shape shape) throws IOException {
    Path file = settings.work.resolve("gelu-" + shape + ".npy");
    if (!Files.exists(file)) {
      System.err.println("  making activations " + shape);
      try (PlantedData data =
          PlantedData.gelu(
              PlantedData.Variant.DENSE,
              shape.neurons(),
              shape.tokens(),
              PLANTED * shape.rank(),
              0)) {
        NpyFile.write(file, data.activations());
      }
    }
    return file;
  }

  /** A {@code [d, n]}, which the caller closes. */
  static Matrix open(Settings settings, Shape shape) throws IOException {
    return NpyFile.read(file(settings, shape));
  }

  /** A {@code [d, n]} stored token by token, so that single tokens are read fast. */
  static Matrix openByToken(Settings settings, Shape shape) throws IOException {
    try (Matrix a = open(settings, shape)) {
      Matrix tokens = Matrix.allocate(ElementType.FLOAT32, shape.tokens(), shape.neurons());
      IntStream.range(0, (shape.neurons() + BLOCK - 1) / BLOCK)
          .parallel()
          .forEach(block -> turn(a, tokens, block * BLOCK));
      return tokens;
    }
  }

  private static void turn(Matrix a, Matrix tokens, int from) {
    int count = (int) Math.min(BLOCK, a.rows() - from);
    int n = Math.toIntExact(a.columns());
    float[][] rows = new float[count][n];
    for (int i = 0; i < count; i++) {
      a.readRow(from + i, 0, rows[i], 0, n);
    }
    float[] piece = new float[count];
    for (int t = 0; t < n; t++) {
      for (int i = 0; i < count; i++) {
        piece[i] = rows[i][t];
      }
      tokens.writeRow(t, from, piece, 0, count);
    }
  }
}
