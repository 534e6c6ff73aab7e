package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

class MatrixFileTest {
  @TempDir Path directory;
  private String tensors;

  @BeforeEach
  void write() {
    tensors = directory.resolve("m.safetensors").toString();
    try (Matrix one = Matrix.of(new float[][] {{1, 0}});
        Matrix two = Matrix.of(new float[][] {{2, 0}})) {
      new SafeTensorsWriter()
          .add("Z", one)
          .add("layer:3.npy", two)
          .addLongs("rank", new long[] {1})
          .write(Path.of(tensors));
      NpyFile.write(directory.resolve("A.npy"), one);
    }
  }

  private static double first(String spec) {
    try (Matrix matrix = MatrixFile.open(spec)) {
      return matrix.get(0, 0);
    }
  }

  @Test
  void opensBothFormats() {
    assertEquals(1, first(directory.resolve("A.npy").toString()));
    assertEquals(1, first(tensors + ":Z"));
  }

  @Test
  void colonsMayStandInPathsAndNames() throws IOException {
    assertEquals(2, first(tensors + ":layer:3.npy"));
    Path odd = Files.createDirectory(directory.resolve("a:b.safetensors:c"));
    Files.copy(Path.of(tensors), odd.resolve("d:e.safetensors"));
    Files.copy(directory.resolve("A.npy"), odd.resolve("f:g.npy"));
    assertEquals(1, first(odd.resolve("d:e.safetensors") + ":Z"));
    assertEquals(1, first(odd.resolve("f:g.npy").toString()));
    Files.copy(directory.resolve("A.npy"), directory.resolve("B.NPY"));
    assertEquals(1, first(directory.resolve("B.NPY").toString()));
  }

  @Test
  void aTensorMustBeNamed() {
    String expected =
        "matrix file is "
            + tensors
            + " but must be followed by ':' and the name of one of its tensors: ";
    String message =
        assertThrows(InvalidArgumentException.class, () -> MatrixFile.open(tensors)).getMessage();
    assertEquals(expected + "['rank', 'Z', 'layer:3.npy']", message);
    assertEquals(
        "tensor is Y but must be one of ['rank', 'Z', 'layer:3.npy'] of " + tensors,
        assertThrows(InvalidArgumentException.class, () -> MatrixFile.open(tensors + ":Y"))
            .getMessage());
    assertEquals(
        "tensor is  but must be one of ['rank', 'Z', 'layer:3.npy'] of " + tensors,
        assertThrows(InvalidArgumentException.class, () -> MatrixFile.open(tensors + ":"))
            .getMessage());
    assertEquals(
        tensors
            + ": tensor 'rank' is I64 [] but a matrix needs one or two dimensions, none of them 0",
        assertThrows(FileFormatException.class, () -> MatrixFile.open(tensors + ":rank"))
            .getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A", "A.csv", "A.npz", ".npy", "A.npy:x", "A:x", ":", "A.npy "})
  void otherFormsAreRefused(String spec) {
    assertEquals(
        "matrix file is " + spec + " but must be of the form PATH.npy or PATH.safetensors:TENSOR",
        assertThrows(InvalidArgumentException.class, () -> MatrixFile.open(spec)).getMessage());
  }

  @Test
  void impossiblePathsAreRefused() {
    assertEquals(
        "matrix file is 'a\\u0000.npy' but must be of the form PATH.npy or"
            + " PATH.safetensors:TENSOR",
        assertThrows(InvalidArgumentException.class, () -> MatrixFile.open("a\0.npy"))
            .getMessage());
  }

  @Test
  void missingFilesAreNamed() {
    String missing = directory.resolve("x").toString();
    for (String spec :
        new String[] {missing + ".npy", missing + ".safetensors:t", missing + ".safetensors"}) {
      String file = spec.replace(":t", "");
      assertEquals(
          "cannot read " + file + ": NoSuchFileException: " + file,
          assertThrows(FileAccessException.class, () -> MatrixFile.open(spec)).getMessage());
    }
  }
}
