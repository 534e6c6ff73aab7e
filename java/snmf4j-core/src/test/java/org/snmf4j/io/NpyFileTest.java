package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Arrays that NumPy wrote (see io/make_npy.py) and arrays of our own. */
class NpyFileTest {
  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "le-f4-C",
        "le-f4-F",
        "le-f8-C",
        "le-f8-F",
        "be-f4-C",
        "be-f4-F",
        "be-f8-C",
        "be-f8-F",
        "version1",
        "version2",
        "version3"
      })
  void readsWhatNumpyWrote(String name) {
    try (Matrix matrix = NpyFile.read(Fixtures.file(name + ".npy"))) {
      assertEquals(name.contains("f8") ? ElementType.FLOAT64 : ElementType.FLOAT32, matrix.type());
      assertEquals(3, matrix.rows());
      assertEquals(4, matrix.columns());
      assertEquals(!name.endsWith("F"), matrix.isRowMajor());
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 4; j++) {
          assertEquals(10 * i + j + 0.25, matrix.get(i, j));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"i8", "i4", "i2", "i1", "be-i8", "be-i4", "i8-F", "u1", "u2", "u4"})
  void readsIntegersThatNumpyWrote(String name) {
    long[][] values = NpyFile.readIntegers(Fixtures.file("int-" + name + ".npy"));
    assertEquals(3, values.length);
    int least = name.startsWith("u") ? 0 : -11;
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(
          new long[] {10 * i + least, 10 * i + 1 + least, 10 * i + 2 + least, 10 * i + 3 + least},
          values[i]);
    }
  }

  @Test
  void oneDimensionIsAVectorOrARow() throws IOException {
    byte[] data = new byte[12];
    data[3] = 0x40; // 2
    data[6] = (byte) 0x80;
    data[7] = 0x3f; // 1
    for (String shape : new String[] {"(3,)", "(1, 3)", "(3, 1)"}) {
      String dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}";
      Path file = Files.write(directory.resolve("vector"), Fixtures.npy(1, dictionary, data));
      assertArrayEquals(new float[] {2, 1, 0}, NpyFile.readVector(file), shape);
    }
    Path whole =
        Files.write(
            directory.resolve("ids"),
            Fixtures.npy(
                1,
                "{'descr': '<i4', 'fortran_order': False, 'shape': (3,)}",
                new byte[] {7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0}));
    long[][] ids = NpyFile.readIntegers(whole);
    assertEquals(1, ids.length);
    assertArrayEquals(new long[] {7, 8, 9}, ids[0]);
  }

  @Test
  void readsExtremeIntegers() {
    assertArrayEquals(
        new long[] {0, 255}, NpyFile.readIntegers(Fixtures.file("extreme-u1.npy"))[0]);
    assertArrayEquals(
        new long[] {0, 4294967295L}, NpyFile.readIntegers(Fixtures.file("extreme-u4.npy"))[0]);
    assertArrayEquals(
        new long[] {Long.MIN_VALUE, Long.MAX_VALUE},
        NpyFile.readIntegers(Fixtures.file("extreme-i8.npy"))[0]);
  }

  @Test
  void readsIntegersOfManyBlocks() throws IOException {
    int rows = 3;
    int columns = 20_001;
    for (boolean fortran : new boolean[] {false, true}) {
      byte[] data = new byte[2 * rows * columns];
      for (int k = 0; k < rows * columns; k++) {
        int value = fortran ? (k % rows) * columns + k / rows : k;
        data[2 * k] = (byte) value;
        data[2 * k + 1] = (byte) (value >> 8);
      }
      Path file =
          Files.write(
              directory.resolve("many"),
              Fixtures.npy(
                  1,
                  "{'descr': '<u2', 'fortran_order': "
                      + (fortran ? "True" : "False")
                      + ", 'shape': (3, 20001)}",
                  data));
      long[][] values = NpyFile.readIntegers(file);
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          assertEquals(i * columns + j, values[i][j]);
        }
      }
    }
  }

  @Test
  void readsSpecialValues() {
    try (Matrix matrix = NpyFile.read(Fixtures.file("special.npy"))) {
      assertArrayEquals(
          new double[] {
            Double.NaN,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            -0.0,
            Float.MAX_VALUE,
            Float.MIN_VALUE
          },
          matrix.toArray()[0]);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"le-f4-C", "le-f8-C", "special"})
  void writesTheBytesThatNumpyWrites(String name) throws IOException {
    Path source = Fixtures.file(name + ".npy");
    Path target = directory.resolve("copy.npy");
    try (Matrix matrix = NpyFile.read(source)) {
      NpyFile.write(target, matrix);
    }
    assertArrayEquals(Files.readAllBytes(source), Files.readAllBytes(target));
  }

  @ParameterizedTest
  @ValueSource(strings = {"le-f4-F", "be-f4-C", "be-f4-F"})
  void writesAnyLayoutInCOrder(String name) throws IOException {
    Path target = directory.resolve("copy.npy");
    try (Matrix matrix = NpyFile.read(Fixtures.file(name + ".npy"))) {
      NpyFile.write(target, matrix);
    }
    assertArrayEquals(Files.readAllBytes(Fixtures.file("le-f4-C.npy")), Files.readAllBytes(target));
  }

  @ParameterizedTest
  @EnumSource
  void roundTripsOverBlockBorders(ElementType type) {
    long[][] shapes = {{3, 70_000}, {2, 1_100_000}, {1_300_000, 2}, {2100, 1000}};
    for (long[] shape : shapes) {
      try (Matrix matrix = Matrix.allocate(type, shape[0], shape[1])) {
        for (long k = 0; k < shape[0] * shape[1]; k += 997) {
          matrix.set(k / shape[1], k % shape[1], k);
        }
        matrix.set(shape[0] - 1, shape[1] - 1, -1);
        roundTrip(matrix);
        roundTrip(matrix.transpose());
        roundTrip(matrix.transpose().rowRange(1, shape[1]).columnRange(1, shape[0]));
      }
    }
  }

  private void roundTrip(Matrix matrix) {
    Path file = directory.resolve("round.npy");
    NpyFile.write(file, matrix);
    try (Matrix read = NpyFile.read(file)) {
      assertEquals(matrix.toString(), read.toString());
      double[] expected = new double[(int) matrix.columns()];
      double[] found = new double[(int) matrix.columns()];
      for (long row = 0; row < matrix.rows(); row++) {
        matrix.readRow(row, 0, expected, 0, expected.length);
        read.readRow(row, 0, found, 0, found.length);
        if (!Arrays.equals(expected, found)) {
          assertArrayEquals(expected, found, "row " + row);
        }
      }
    }
  }

  @Test
  void headersOfOtherWritersAreRead() throws IOException {
    String[] dictionaries = {
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
      "{\"shape\":(1,2),\"fortran_order\":False,\"descr\":\"<f4\"}\n",
      "{ 'shape' : ( 1L , 2L , ) ,\n'descr':'<f4','fortran_order':True,}   \n\n",
    };
    for (String dictionary : dictionaries) {
      for (int version = 1; version <= 3; version++) {
        Path file =
            Files.write(
                directory.resolve("other"),
                Fixtures.npy(version, dictionary, new byte[] {0, 0, 0x40, 0x40, 0, 0, 0x40, 0x41}));
        try (Matrix matrix = NpyFile.read(file)) {
          assertEquals(1, matrix.rows());
          assertArrayEquals(new double[] {3, 12}, matrix.toArray()[0]);
        }
      }
    }
  }

  @Test
  void filesThatTheSystemRefuses() {
    Path missing = directory.resolve("missing.npy");
    assertEquals(
        "cannot read " + missing + ": NoSuchFileException: " + missing,
        assertThrows(FileAccessException.class, () -> NpyFile.read(missing)).getMessage());
    assertEquals(
        "cannot read " + directory + ": IOException: Is a directory",
        assertThrows(FileAccessException.class, () -> NpyFile.readIntegers(directory))
            .getMessage());
  }
}
