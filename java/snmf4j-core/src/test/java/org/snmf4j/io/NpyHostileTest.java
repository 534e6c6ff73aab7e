package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.matrix.Matrix;

/** Broken, hostile and foreign npy files: each is refused with its reason. */
class NpyHostileTest {
  private static final String FLOATS = "float32 and float64 ('<f4', '<f8', '>f4', '>f8')";

  @TempDir Path directory;

  private String refusal(byte[] bytes) throws IOException {
    Path file = Files.write(directory.resolve("x.npy"), bytes);
    String message = assertThrows(FileFormatException.class, () -> NpyFile.read(file)).getMessage();
    assertTrue(message.startsWith(file + ": "), message);
    return message.substring(file.toString().length() + 2);
  }

  private static String refusal(String fixture) {
    Path file = Fixtures.file(fixture + ".npy");
    String message = assertThrows(FileFormatException.class, () -> NpyFile.read(file)).getMessage();
    return message.substring(file.toString().length() + 2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '"',
      textBlock =
          """
          refused-bool       ; '|b1' (bool)
          refused-f2         ; '<f2'
          refused-complex    ; '<c8' (complex)
          refused-text       ; '<U1' (text)
          refused-time       ; '<M8[D]' (time)
          refused-object     ; '|O' (Python objects)
          int-i8             ; '<i8'
          """)
  void otherTypes(String fixture, String found) {
    assertEquals("has dtype " + found + "; supported are " + FLOATS, refusal(fixture));
  }

  @ParameterizedTest
  @ValueSource(strings = {"refused-structured", "refused-structured-utf8"})
  void structuredTypes(String fixture) {
    assertEquals(
        "has a structured dtype; supported are plain numbers such as '<f4'", refusal(fixture));
  }

  @Test
  void otherShapes() {
    assertEquals("has shape (5,), of 1 dimension but must have 2", refusal("refused-vector"));
    assertEquals("has shape (), of 0 dimensions but must have 2", refusal("refused-scalar"));
    assertEquals("has shape (2, 2, 2), of 3 dimensions but must have 2", refusal("refused-cube"));
    assertEquals("has shape (0, 3): it is empty", refusal("refused-empty"));
  }

  @Test
  void whatIsNoVector() {
    Path matrix = Fixtures.file("le-f4-C.npy");
    assertTrue(
        assertThrows(FileFormatException.class, () -> NpyFile.readVector(matrix))
            .getMessage()
            .contains("has shape (3, 4) but must be a vector"));
    Path scalar = Fixtures.file("refused-scalar.npy");
    assertTrue(
        assertThrows(FileFormatException.class, () -> NpyFile.readVector(scalar))
            .getMessage()
            .contains("of 0 dimensions but must have 1 or 2"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"le-f4-C", "int-u8", "refused-bool", "refused-object"})
  void whatIsNoInteger(String fixture) {
    Path file = Fixtures.file(fixture + ".npy");
    String message =
        assertThrows(FileFormatException.class, () -> NpyFile.readIntegers(file)).getMessage();
    assertTrue(
        message.endsWith("; supported are int8 to int64 and uint8 to uint32 ('<i8', '<i4', …)"),
        message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          {'descr': '<f4', 'fortran_order': False}                                  | lacks the key 'shape'
          {'descr': '<f4', 'shape': (1, 2)}                                         | lacks the key 'fortran_order'
          {'fortran_order': False, 'shape': (1, 2)}                                 | lacks the key 'descr'
          {}                                                                        | lacks the key 'descr'
          {'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} | has the key 'descr' twice
          {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), 'more': 1}      | has the unknown key 'more'
          {'descr': '<f4', 'fortran_order': 0, 'shape': (1, 2)}                     | has '0' at character 34 where True or False must stand
          {'descr': '<f4', 'fortran_order': False, 'shape': [1, 2]}                 | has '[' at character 50 where '(' must stand
          {'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}                | has '-' at character 51 where a dimension must stand
          {'descr': '<f4', 'fortran_order': False, 'shape': (1.0, 2)}               | has '.' at character 52 inside its shape
          {'descr': '<f4', 'fortran_order': False, 'shape': (01, 2)}                | has '0' at character 51 where a dimension must stand
          {'descr': '<f4', 'fortran_order': False, 'shape': (1, , 2)}               | has ',' at character 54 where a dimension must stand
          {'descr': '<f4', 'fortran_order': False, 'shape': (2)}                    | has a shape that is a number and not a tuple
          {'descr': '<f4', 'fortran_order': False, 'shape': (1, 9223372036854775808)} | has the dimension '9223372036854775808', beyond 2^63 - 1
          {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} x               | goes on after its '}' with 'x' at character 58
          {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)                  | has its end where ',' must stand
          {'descr': '<f4                                                            | has a text without its closing quote
          {'descr': '\\x3cf4', 'fortran_order': False, 'shape': (1, 2)}             | has a backslash in '\\x3cf4'
          {descr: '<f4', 'fortran_order': False, 'shape': (1, 2)}                   | has 'd' at character 1 where a quoted text must stand
          ['descr']                                                                 | has '[' at character 0 where '{' must stand
          """)
  void malformedHeaders(String dictionary, String reason) throws IOException {
    assertEquals(
        "is malformed: its header " + reason, refusal(Fixtures.npy(1, dictionary, new byte[8])));
  }

  @Test
  void headersWithoutSense() throws IOException {
    String start = "{'fortran_order': False, 'descr': ";
    assertEquals(
        "is malformed: its header has its end where '{' must stand",
        refusal(Fixtures.npy(1, "", new byte[8])));
    assertEquals(
        "is malformed: its header goes on after its '}' with '\\u0000' at character 58",
        refusal(
            Fixtures.npy(
                1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} \0", new byte[8])));
    assertEquals(
        "has shape (4611686018427387904, 4), of more than 2^63 bytes",
        refusal(Fixtures.npy(1, start + "'<f4', 'shape': (4611686018427387904, 4)}", new byte[8])));
    // 2^31 * 2^31 * 4 is 2^64, which is 0 to those who do not look.
    assertEquals(
        "has shape (2147483648, 2147483648), of more than 2^63 bytes",
        refusal(Fixtures.npy(1, start + "'<f4', 'shape': (2147483648, 2147483648)}", new byte[0])));
    assertEquals(
        "has shape (1, 3) of dtype '<f4', which takes 12 bytes, but 8 follow the header",
        refusal(Fixtures.npy(1, start + "'<f4', 'shape': (1, 3)}", new byte[8])));
    assertEquals(
        "has shape (1, 1) of dtype '<f4', which takes 4 bytes, but 8 follow the header",
        refusal(Fixtures.npy(1, start + "'<f4', 'shape': (1, 1)}", new byte[8])));
    for (String descr :
        new String[] {"", "f4", "<f", "float32", "<f4,<f4", "<f9999999999", "<f4[D]", "<M8[]"}) {
      String reason =
          refusal(Fixtures.npy(1, start + "'" + descr + "', 'shape': (1, 2)}", new byte[8]));
      assertTrue(reason.contains("dtype '" + descr + "'"), reason);
    }
    for (String descr : new String[] {"|f4", "=f4", "<f16", "<f0", "<f999999999"}) {
      assertEquals(
          "has dtype '" + descr + "'; supported are " + FLOATS,
          refusal(Fixtures.npy(1, start + "'" + descr + "', 'shape': (1, 2)}", new byte[8])));
    }
    assertEquals(
        "is malformed: its header has a shape of more than 64 dimensions",
        refusal(
            Fixtures.npy(1, start + "'<f4', 'shape': (" + "1,".repeat(65) + ")}", new byte[4])));
  }

  @Test
  void preamblesWithoutSense() throws IOException {
    byte[] good = Files.readAllBytes(Fixtures.file("le-f4-C.npy"));
    assertEquals("has 0 bytes, fewer than the 10 that start an npy file", refusal(new byte[0]));
    assertEquals(
        "is not an npy file: it does not start with \\x93NUMPY", refusal(new byte[] {'P', 'K'}));
    byte[] version = good.clone();
    version[6] = 4;
    assertEquals("has format version 4.0; supported are 1.0, 2.0 and 3.0", refusal(version));
    version[6] = 1;
    version[7] = 1;
    assertEquals("has format version 1.1; supported are 1.0, 2.0 and 3.0", refusal(version));
    byte[] length = good.clone();
    length[9] = (byte) 0xff;
    assertEquals("claims a header of 65398 bytes but only 166 bytes follow", refusal(length));
    byte[] long2 = Fixtures.npy(2, "{}", new byte[0]);
    Arrays.fill(long2, 8, 12, (byte) 0xff);
    assertEquals("claims a header of 4294967295 bytes but only 2 bytes follow", refusal(long2));
    assertEquals(
        "claims a header of 1048577 bytes; the limit is 1048576",
        refusal(Fixtures.npy(2, " ".repeat(1_048_577), new byte[0])));
    byte[] utf8 = Fixtures.npy(3, "{'descr'", new byte[0]);
    utf8[14] = (byte) 0xff;
    assertEquals("has a header that is not valid UTF-8", refusal(utf8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"le-f4-C", "be-f8-F", "version2", "version3", "int-i8"})
  void everyCutAndEveryExtraByteIsRefused(String name) throws IOException {
    byte[] whole = Files.readAllBytes(Fixtures.file(name + ".npy"));
    Path file = directory.resolve("cut.npy");
    for (int length = 0; length <= whole.length + 1; length++) {
      Fixtures.rewrite(file, Arrays.copyOf(whole, length));
      if (length == whole.length) {
        continue;
      }
      if (name.startsWith("int")) {
        assertThrows(FileFormatException.class, () -> NpyFile.readIntegers(file));
      } else {
        assertThrows(FileFormatException.class, () -> NpyFile.read(file));
      }
    }
  }

  @Test
  void mutatedFilesAreReadOrRefused() throws IOException {
    Random random = new Random(20240601);
    String alphabet = "{}()[]'\":, \n\\0123456789<>|=fFuTL\0\u00ff";
    Path file = directory.resolve("mutated.npy");
    int refused = 0;
    for (int round = 0; round < 6000; round++) {
      String name = new String[] {"le-f4-C", "be-f8-F", "version2", "version3"}[round % 4];
      byte[] bytes = Files.readAllBytes(Fixtures.file(name + ".npy"));
      int end = 75; // The dictionary and some of its padding.
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        int at = random.nextInt(end);
        switch (random.nextInt(4)) {
          case 0 -> bytes[at] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
          case 1 -> bytes[at] = (byte) random.nextInt();
          case 2 -> System.arraycopy(bytes, at, bytes, at + 1, bytes.length - at - 1);
          default -> System.arraycopy(bytes, at + 1, bytes, at, bytes.length - at - 1);
        }
      }
      Fixtures.rewrite(file, bytes);
      try (Matrix matrix = NpyFile.read(file)) {
        matrix.get(matrix.rows() - 1, matrix.columns() - 1);
      } catch (FileFormatException e) {
        refused++;
      }
      try {
        NpyFile.readIntegers(file);
      } catch (FileFormatException e) {
        refused++;
      }
    }
    assertTrue(refused > 6000, () -> "the mutations did too little");
    assertTrue(refused < 12_000, () -> "no mutation was harmless");
  }
}
