package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.Random;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.Matrix;

/** Small activations with features in them, A = Z·Y: each has its own neurons. */
final class Planted {
  static final int NEURONS = 24;
  static final int TOKENS = 40;
  static final int RANK = 3;

  private Planted() {}

  static float[][] activations() {
    Random random = new Random(7);
    float[][] values = new float[NEURONS][TOKENS];
    for (int feature = 0; feature < RANK; feature++) {
      for (int token = 0; token < TOKENS; token++) {
        double coefficient = random.nextInt(3) == 0 ? 1 + random.nextDouble() : 0;
        for (int i = 0; i < NEURONS / RANK; i++) {
          int sign = i % 2 == 0 ? 1 : -1;
          values[feature * (NEURONS / RANK) + i][token] += (float) (sign * coefficient);
        }
      }
    }
    return values;
  }

  static Path write(Path file) {
    return write(file, activations());
  }

  static Path write(Path file, float[][] values) {
    try (Matrix matrix = Matrix.of(values)) {
      NpyFile.write(file, matrix);
    }
    return file;
  }
}
