package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Reading, on a file of the reference implementation and on files put together by hand. */
class SafeTensorsTest {
  private static final double[] VALUES = {1, -2, 3, 4, 5, 6.5};

  @TempDir Path directory;

  private SafeTensors open(String json, byte[] data) throws IOException {
    return SafeTensors.open(
        Files.write(directory.resolve("x.safetensors"), Fixtures.safeTensors(json, data)));
  }

  private static String tensor(String name, String dtype, String shape, int begin, int end) {
    return String.format(
        "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
        name, dtype, shape, begin, end);
  }

  private static ByteBuffer bytes(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Written by the reference implementation: a semi-NMF of A [48, 160] with rank 6 by the authors'
   * code, from the start Y0. Expected values were printed by NumPy.
   */
  @Test
  void readsAFileOfTheReferenceImplementation() {
    try (SafeTensors file = SafeTensors.open(Fixtures.file("small.safetensors"))) {
      assertEquals(
          List.of(
              "iterations",
              "rank",
              "Y.1",
              "Y.20",
              "Y.400",
              "Y.5",
              "Z.1",
              "Z.20",
              "Z.400",
              "Z.5",
              "best_loss",
              "feature_density",
              "loss",
              "squared_norm",
              "A",
              "Y0",
              "Z0"),
          List.copyOf(file.names()));
      assertEquals(Map.of(), file.metadata());
      assertArrayEquals(new long[] {1, 2, 5, 20, 100, 400}, file.longs("iterations"));
      assertArrayEquals(new long[] {6}, file.longs("rank"));
      assertArrayEquals(new long[] {48, 160}, file.shape("A"));
      assertEquals(TensorType.F32, file.dtype("A"));
      assertEquals(TensorType.F64, file.dtype("Y.400"));
      assertEquals(TensorType.I64, file.dtype("rank"));
      double[] losses = file.doubles("loss");
      assertEquals(6, losses.length);
      try (Matrix a = file.matrix("A");
          Matrix y = file.matrix("Y.400");
          Matrix z = file.matrix("Z.400");
          Matrix row = file.matrix("loss")) {
        assertEquals("Matrix[48, 160] FLOAT32", a.toString());
        assertEquals("Matrix[6, 160] FLOAT64", y.toString());
        assertEquals("Matrix[48, 6] FLOAT64", z.toString());
        assertEquals("Matrix[1, 6] FLOAT64", row.toString());
        assertArrayEquals(losses, row.toArray()[0]);
        double norm = 0;
        double loss = 0;
        for (int i = 0; i < 48; i++) {
          for (int j = 0; j < 160; j++) {
            double residual = a.get(i, j);
            norm += residual * residual;
            for (int f = 0; f < 6; f++) {
              residual -= z.get(i, f) * y.get(f, j);
            }
            loss += residual * residual;
          }
        }
        double expected = file.doubles("squared_norm")[0];
        assertEquals(expected, norm, 1e-9 * expected);
        // The values are where they belong: the factors give the loss that the file reports.
        assertEquals(losses[5], loss, 1e-9 * losses[5]);
        assertEquals(1.1737363f, a.get(0, 0));
        assertEquals(-0.08601042f, a.get(47, 159));
      }
    }
  }

  @Test
  void readsEveryFloatType() throws IOException {
    // F64, F32, F16, BF16; after 3 bytes of U8, so that nothing lies aligned.
    ByteBuffer data = bytes(3 + 48 + 24 + 12 + 12);
    data.position(3);
    for (double value : VALUES) {
      data.putDouble(value);
    }
    for (double value : VALUES) {
      data.putFloat((float) value);
    }
    for (int half : new int[] {0x3c00, 0xc100, 0x7c00, 0x0001, 0x8000, 0x7bff}) {
      data.putShort((short) half);
    }
    for (int brain : new int[] {0x3f80, 0xc020, 0x7f80, 0x0001, 0x8000, 0x7f7f}) {
      data.putShort((short) brain);
    }
    String json =
        "{"
            + String.join(
                ",",
                tensor("d", "F64", "[2,3]", 3, 51),
                tensor("f", "F32", "[3,2]", 51, 75),
                tensor("bytes", "U8", "[3]", 0, 3),
                tensor("h", "F16", "[2,3]", 75, 87),
                tensor("b", "BF16", "[6]", 87, 99))
            + "}";
    double[] half = {1, -2.5, Double.POSITIVE_INFINITY, 0x1p-24, -0.0, 65504};
    double[] brain = {1, -2.5, Double.POSITIVE_INFINITY, 0x1p-133, -0.0, 0x1.fep127};
    try (SafeTensors file = open(json, data.array());
        Matrix d = file.matrix("d");
        Matrix f = file.matrix("f");
        Matrix h = file.matrix("h");
        Matrix b = file.matrix("b")) {
      assertArrayEquals(VALUES, file.doubles("d"));
      assertArrayEquals(VALUES, file.doubles("f"));
      assertArrayEquals(half, file.doubles("h"));
      assertArrayEquals(brain, file.doubles("b"));
      assertEquals(ElementType.FLOAT64, d.type());
      assertArrayEquals(new double[][] {{1, -2, 3}, {4, 5, 6.5}}, d.toArray());
      assertArrayEquals(new double[][] {{1, -2}, {3, 4}, {5, 6.5}}, f.toArray());
      assertEquals("Matrix[2, 3] FLOAT32", h.toString());
      assertArrayEquals(new double[] {0x1p-24, -0.0, 65504}, h.toArray()[1]);
      assertEquals("Matrix[1, 6] FLOAT32", b.toString());
      assertArrayEquals(brain, b.toArray()[0]);
      assertEquals(
          message("bytes", "U8 [3]", "a matrix needs F32, F64, F16 or BF16"),
          assertThrows(FileFormatException.class, () -> file.matrix("bytes")).getMessage());
      assertEquals(
          message("bytes", "U8 [3]", "doubles need F64, F32, F16 or BF16"),
          assertThrows(FileFormatException.class, () -> file.doubles("bytes")).getMessage());
      assertEquals(
          message("d", "F64 [2, 3]", "longs need I64 or I32"),
          assertThrows(FileFormatException.class, () -> file.longs("d")).getMessage());
    }
  }

  private String message(String name, String found, String need) {
    return directory.resolve("x.safetensors")
        + ": tensor '"
        + name
        + "' is "
        + found
        + " but "
        + need;
  }

  @Test
  void widensManyBlocks() throws IOException {
    int columns = 40_000;
    ByteBuffer data = bytes(2 * 3 * columns);
    for (int k = 0; k < 3 * columns; k++) {
      data.putShort((short) (Float.floatToIntBits(k % 251) >>> 16));
    }
    try (SafeTensors file =
            open("{" + tensor("t", "BF16", "[3,40000]", 0, 2 * 3 * columns) + "}", data.array());
        Matrix matrix = file.matrix("t")) {
      double[] all = file.doubles("t");
      for (int k = 0; k < 3 * columns; k++) {
        assertEquals(k % 251, matrix.get(k / columns, k % columns));
        assertEquals(k % 251, all[k]);
      }
    }
  }

  @Test
  void readsIntegersScalarsAndEmptyTensors() throws IOException {
    ByteBuffer data = bytes(36);
    data.putLong(Long.MIN_VALUE).putLong(7).putInt(-1).putInt(2).putInt(3).putDouble(2.5);
    String json =
        "{"
            + String.join(
                ",",
                tensor("wide", "I64", "[2]", 0, 16),
                tensor("narrow", "I32", "[3,1]", 16, 28),
                tensor("scalar", "F64", "[]", 28, 36),
                tensor("empty", "F32", "[3,0]", 28, 28),
                tensor("none", "I64", "[4611686018427387904,0,8]", 36, 36))
            + "}     ";
    try (SafeTensors file = open(json, data.array())) {
      assertArrayEquals(new long[] {Long.MIN_VALUE, 7}, file.longs("wide"));
      assertArrayEquals(new long[] {-1, 2, 3}, file.longs("narrow"));
      assertArrayEquals(new double[] {2.5}, file.doubles("scalar"));
      assertArrayEquals(new long[0], file.shape("scalar"));
      assertArrayEquals(new double[0], file.doubles("empty"));
      assertArrayEquals(new long[0], file.longs("none"));
      for (String name : new String[] {"scalar", "empty", "none"}) {
        String message =
            assertThrows(FileFormatException.class, () -> file.matrix(name)).getMessage();
        assertTrue(
            message.endsWith("but a matrix needs one or two dimensions, none of them 0"), message);
      }
    }
  }

  @Test
  void headersMayBeWrittenInManyWays() throws IOException {
    String json =
        "{ \"__metadata__\" : { \"\\u00e9\\n\\\"\\/\\\\\\b\\f\\r\\t\" : \"\\ud83d\\ude00 ü\" ,"
            + " \"\":\"\" } ,\n\t\"a:b/c\" : { \"data_offsets\" : [ 0 , 4 ] , \"shape\" : [ 1 ] ,"
            + " \"dtype\" : \"F32\" } } \n ";
    try (SafeTensors file = open(json, new byte[] {0, 0, 0x40, 0x40})) {
      assertEquals(Map.of("é\n\"/\\\b\f\r\t", "😀 ü", "", ""), file.metadata());
      assertArrayEquals(new double[] {3}, file.doubles("a:b/c"));
    }
    try (SafeTensors file = open("{}", new byte[0])) {
      assertTrue(file.names().isEmpty());
      assertTrue(file.metadata().isEmpty());
    }
  }

  @Test
  void shapesAndNamesCannotBeChangedThroughTheAnswers() throws IOException {
    try (SafeTensors file = open("{" + tensor("t", "F32", "[1]", 0, 4) + "}", new byte[4])) {
      file.shape("t")[0] = 9;
      assertArrayEquals(new long[] {1}, file.shape("t"));
      assertThrows(UnsupportedOperationException.class, () -> file.names().remove("t"));
      assertThrows(UnsupportedOperationException.class, () -> file.metadata().put("a", "b"));
    }
  }

  @Test
  void anUnknownNameIsAnsweredWithTheKnown() throws IOException {
    try (SafeTensors file =
        open(
            "{" + tensor("a\\n", "U8", "[1]", 0, 1) + "," + tensor("b", "U8", "[1]", 1, 2) + "}",
            new byte[2])) {
      assertEquals(
          "tensor is c but must be one of ['a\\u000a', 'b'] of "
              + directory.resolve("x.safetensors"),
          assertThrows(InvalidArgumentException.class, () -> file.matrix("c")).getMessage());
    }
  }

  @Test
  void matricesOutliveTheFileButReadingDoesNot() throws IOException {
    SafeTensors file = open("{" + tensor("t", "F32", "[1,1]", 0, 4) + "}", new byte[4]);
    Matrix matrix = file.matrix("t");
    file.close();
    file.close();
    assertEquals(0, matrix.get(0, 0));
    assertFalse(matrix.isClosed());
    matrix.close();
    String message = "the safetensors file " + directory.resolve("x.safetensors") + " is closed";
    assertEquals(message, assertThrows(ClosedException.class, () -> file.matrix("t")).getMessage());
    assertEquals(
        message, assertThrows(ClosedException.class, () -> file.doubles("t")).getMessage());
    assertEquals(List.of("t"), List.copyOf(file.names()));
  }

  @Test
  void filesThatTheSystemRefuses() {
    Path missing = directory.resolve("missing");
    assertEquals(
        "cannot read " + missing + ": NoSuchFileException: " + missing,
        assertThrows(FileAccessException.class, () -> SafeTensors.open(missing)).getMessage());
    assertEquals(
        "cannot read " + directory + ": IOException: Is a directory",
        assertThrows(FileAccessException.class, () -> SafeTensors.open(directory)).getMessage());
  }

  @Test
  void aFileCutAfterOpeningIsRefused() throws IOException {
    try (SafeTensors file = open("{" + tensor("t", "F64", "[1]", 0, 8) + "}", new byte[8])) {
      Path path = directory.resolve("x.safetensors");
      byte[] whole = Files.readAllBytes(path);
      Files.write(path, Arrays.copyOf(whole, whole.length - 3));
      assertEquals(
          path + ": ends at byte " + (whole.length - 3) + ", 3 bytes short",
          assertThrows(FileFormatException.class, () -> file.doubles("t")).getMessage());
    }
  }
}
