package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.matrix.Matrix;

class NpyFileTest {
  @TempDir Path directory;

  @Test
  void smoke() {
    try (Matrix m = Matrix.of(new float[][] {{1, 2, 3}, {4, 5, 6}})) {
      Path file = directory.resolve("a.npy");
      NpyFile.write(file, m);
      assertEquals(6, NpyFile.read(file).get(1, 2));
      new SafeTensorsWriter()
          .metadata("k", "v\n")
          .add("t", m)
          .addLongs("l", new long[] {7}, 1)
          .write(directory.resolve("b.safetensors"));
      assertEquals(6, MatrixFile.open(directory.resolve("b.safetensors") + ":t").get(1, 2));
    }
  }
}
