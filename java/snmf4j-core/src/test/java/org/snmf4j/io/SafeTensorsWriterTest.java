package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

class SafeTensorsWriterTest {
  @TempDir Path directory;

  @Test
  void writesTheseBytes() throws IOException {
    Path file = directory.resolve("a.safetensors");
    try (Matrix matrix = Matrix.of(new double[][] {{1, 2}, {3, 4}, {5, 6}})) {
      new SafeTensorsWriter()
          .metadata("format", "x\"\\\n")
          .add("b", matrix.transpose())
          .addLongs("z", new long[] {-1}, 1)
          .metadata("author", "ü")
          .add("a", matrix.rowRange(0, 1).columnRange(0, 1))
          .addDoubles("y", new double[] {0.5, -0.0}, 2, 1)
          .write(file);
    }
    String json =
        "{\"__metadata__\":{\"author\":\"ü\",\"format\":\"x\\\"\\\\\\u000a\"},"
            + "\"y\":{\"dtype\":\"F64\",\"shape\":[2,1],\"data_offsets\":[0,16]},"
            + "\"z\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[24,28]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[28,52]}}";
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    byte[] whole = Files.readAllBytes(file);
    int padded = (length + 7) / 8 * 8;
    byte[] expected = Fixtures.safeTensors(json + " ".repeat(padded - length), new byte[52]);
    assertEquals(expected.length, whole.length);
    System.arraycopy(whole, 8 + padded, expected, 8 + padded, 52);
    assertArrayEquals(expected, whole);
    try (SafeTensors read = SafeTensors.open(file);
        Matrix b = read.matrix("b")) {
      assertEquals(Map.of("author", "ü", "format", "x\"\\\n"), read.metadata());
      assertEquals(List.of("y", "z", "a", "b"), List.copyOf(read.names()));
      assertArrayEquals(new double[] {0.5, -0.0}, read.doubles("y"));
      assertArrayEquals(new long[] {-1}, read.longs("z"));
      assertArrayEquals(new double[][] {{1, 3, 5}, {2, 4, 6}}, b.toArray());
      assertArrayEquals(new double[] {1}, read.doubles("a"));
    }
  }

  @Test
  void theOrderOfAddingDoesNotMatter() throws IOException {
    Path one = directory.resolve("one");
    Path two = directory.resolve("two");
    try (Matrix matrix = Matrix.of(new float[][] {{1, 2}})) {
      new SafeTensorsWriter()
          .metadata("k", "1")
          .metadata("j", "2")
          .add("m", matrix)
          .addDoubles("d", new double[] {1}, 1)
          .addLongs("l", new long[] {2})
          .write(one);
      new SafeTensorsWriter()
          .addLongs("l", new long[] {2})
          .addDoubles("d", new double[] {1}, 1)
          .metadata("j", "2")
          .add("m", matrix)
          .metadata("k", "1")
          .write(two);
    }
    assertArrayEquals(Files.readAllBytes(one), Files.readAllBytes(two));
  }

  @Test
  void manyBlocksRoundTrip() {
    Path file = directory.resolve("a");
    long[] longs = new long[100_001];
    double[] doubles = new double[100_001];
    for (int i = 0; i < longs.length; i++) {
      longs[i] = i * 0x123456789abcdefL;
      doubles[i] = Math.sqrt(i);
    }
    try (Matrix matrix = Matrix.allocate(ElementType.FLOAT64, 3, 400_000)) {
      for (int k = 0; k < 1_200_000; k += 7) {
        matrix.set(k / 400_000, k % 400_000, k + 0.1);
      }
      new SafeTensorsWriter()
          .addLongs("longs", longs, 100_001)
          .addDoubles("doubles", doubles, 100_001, 1)
          .addDoubles("empty", new double[0], 5, 0)
          .addLongs("scalar", new long[] {9})
          .add("matrix", matrix)
          .write(file);
      try (SafeTensors read = SafeTensors.open(file);
          Matrix found = read.matrix("matrix")) {
        assertArrayEquals(longs, read.longs("longs"));
        assertArrayEquals(doubles, read.doubles("doubles"));
        assertArrayEquals(new double[0], read.doubles("empty"));
        assertArrayEquals(new long[] {5, 0}, read.shape("empty"));
        assertArrayEquals(new long[0], read.shape("scalar"));
        assertArrayEquals(new long[] {3, 400_000}, read.shape("matrix"));
        for (int k = 0; k < 1_200_000; k++) {
          float expected = k % 7 == 0 ? (float) (k + 0.1) : 0;
          assertEquals(expected, (float) found.get(k / 400_000, k % 400_000));
        }
      }
    }
  }

  @Test
  void anEmptyWriterGivesAValidFile() {
    Path file = directory.resolve("a");
    new SafeTensorsWriter().write(file);
    try (SafeTensors read = SafeTensors.open(file)) {
      assertEquals(0, read.names().size());
    }
  }

  @Test
  void arraysAreCopiedWhenAdded() {
    Path file = directory.resolve("a");
    long[] longs = {1};
    double[] doubles = {1};
    long[] shape = {1};
    SafeTensorsWriter writer =
        new SafeTensorsWriter().addLongs("l", longs, shape).addDoubles("d", doubles, shape);
    longs[0] = 9;
    doubles[0] = 9;
    shape[0] = 9;
    writer.write(file);
    try (SafeTensors read = SafeTensors.open(file)) {
      assertArrayEquals(new long[] {1}, read.longs("l"));
      assertArrayEquals(new double[] {1}, read.doubles("d"));
    }
  }

  @Test
  void badArguments() {
    SafeTensorsWriter writer =
        new SafeTensorsWriter().metadata("k", "v").addLongs("l", new long[] {1}, 1);
    refused("metadata key is k but must be added only once", () -> writer.metadata("k", "w"));
    refused(
        "tensor name is l but must be added only once",
        () -> writer.addDoubles("l", new double[] {1}, 1));
    refused(
        "tensor name is __metadata__ but must be another: the format reserves it",
        () -> writer.addLongs("__metadata__", new long[] {1}, 1));
    refused(
        "metadata key is 'a\\ud800' but must be free of unpaired surrogates",
        () -> writer.metadata("a\ud800", ""));
    refused(
        "metadata a is '\\udc00' but must be free of unpaired surrogates",
        () -> writer.metadata("a", "\udc00"));
    refused(
        "tensor name is '\\udc00' but must be free of unpaired surrogates",
        () -> writer.addLongs("\udc00", new long[] {1}, 1));
    long[][] shapes = {
      {5}, {2, 2}, {-2, -3}, {6, 0}, {}, {1L << 32, 1L << 32}, {7}, {Long.MIN_VALUE}
    };
    for (long[] shape : shapes) {
      refused(
          "shape is " + Arrays.toString(shape) + " but must be of 6 elements, as the values are",
          () -> writer.addLongs("s", new long[6], shape));
    }
    refused(
        "shape is [3, 1] but must be of 0 elements, as the values are",
        () -> writer.addDoubles("s", new double[0], 3, 1));
  }

  @Test
  void aHeaderBeyondTheLimitIsRefused() {
    SafeTensorsWriter writer = new SafeTensorsWriter().metadata("k", "v".repeat(100_000_000));
    refused(
        "safetensors header is of 100000032 bytes but must be at most 100000000 bytes long",
        () -> writer.write(directory.resolve("a")));
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(InvalidArgumentException.class, call).getMessage());
  }
}
