package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/** Broken and hostile safetensors files: each is refused with its reason. */
class SafeTensorsHostileTest {
  @TempDir Path directory;

  private String refusal(byte[] bytes) throws IOException {
    Path file = Files.write(directory.resolve("x.safetensors"), bytes);
    String message =
        assertThrows(FileFormatException.class, () -> SafeTensors.open(file).close()).getMessage();
    assertTrue(message.startsWith(file + ": "), message);
    return message.substring(file.toString().length() + 2);
  }

  private String malformed(String json) throws IOException {
    String message = refusal(Fixtures.safeTensors(json, new byte[8]));
    String start = "has a malformed header: ";
    assertTrue(message.startsWith(start), message);
    return message.substring(start.length());
  }

  /** In the table {@code T} stands for a good tensor of 8 bytes and {@code '} for quotes. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          []                                  ; it does not start with '{'
          { T                                 ; expected '}' for what follows a value of the header but found the end
          { T,}                               ; expected '"' for a key of the header but found '}'
          {,T}                                ; expected '"' for a key of the header but found ','
          { T} x                              ; it goes on after its end
          { T}{}                              ; it goes on after its end
          { T,T}                              ; the header has the key 't' twice
          {'a':1}                             ; expected '{' for tensor 'a' but found '1'
          {'a':null}                          ; expected '{' for tensor 'a' but found 'n'
          {'a':[[[[[[[[]]]]]]]]}              ; expected '{' for tensor 'a' but found '['
          {'a':{}}                            ; tensor 'a' lacks one of dtype, shape and data_offsets
          {'a':{'dtype':'F32','shape':[2]}}   ; tensor 'a' lacks one of dtype, shape and data_offsets
          {'a':{'shape':[2],'shape':[2]}}     ; tensor 'a' has the key 'shape' twice
          {'a':{'\\u0073hape':[2],'shape':[2]}} ; tensor 'a' has the key 'shape' twice
          {'a':{'other':1}}                   ; tensor 'a' has the unknown key 'other'
          {'a':{'dtype':'F31'}}               ; tensor 'a' has the unknown dtype 'F31'
          {'a':{'dtype':'f32'}}               ; tensor 'a' has the unknown dtype 'f32'
          {'a':{'dtype':32}}                  ; expected '"' for the dtype of tensor 'a' but found '3'
          {'a':{'shape':2}}                   ; expected '[' for the shape of tensor 'a' but found '2'
          {'a':{'shape':[-2]}}                ; an element of the shape of tensor 'a' is not a non-negative integer
          {'a':{'shape':[2.0]}}               ; an element of the shape of tensor 'a' is not a non-negative integer
          {'a':{'shape':[2e1]}}               ; an element of the shape of tensor 'a' is not a non-negative integer
          {'a':{'shape':[02]}}                ; an element of the shape of tensor 'a' is not a non-negative integer
          {'a':{'shape':[,]}}                 ; an element of the shape of tensor 'a' is not a non-negative integer
          {'a':{'shape':['2']}}               ; an element of the shape of tensor 'a' is not a non-negative integer
          {'a':{'shape':[9223372036854775808]}} ; an element of the shape of tensor 'a' is beyond 2^63 - 1
          {'a':{'shape':[2 2]}}               ; expected ']' for what follows an element of the shape of tensor 'a' but found '2'
          {'a':{'data_offsets':[0,4,8]}}      ; data_offsets of tensor 'a' has more than 2 elements
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[4]}} ; data_offsets of tensor 'a' must have 2 elements
          {'__metadata__':{'a':1},T}          ; expected '"' for the value of metadata 'a' but found '1'
          {'__metadata__':{'a':null},T}       ; expected '"' for the value of metadata 'a' but found 'n'
          {'__metadata__':{'a':{}},T}         ; expected '"' for the value of metadata 'a' but found '{'
          {'__metadata__':{'a':'','a':''},T}  ; __metadata__ has the key 'a' twice
          {'__metadata__':[],T}               ; expected '{' for __metadata__ but found '['
          {'__metadata__':{},'__metadata__':{}} ; the header has the key '__metadata__' twice
          {'a                                 ; a key of the header has no closing quote
          {'a\\x':{}}                         ; a key of the header holds an unknown escape
          {'a\\u12g4':{}}                     ; a key of the header holds a malformed \\u escape
          {'a\\u1                             ; a key of the header holds a malformed \\u escape
          {'a\\ud800':{}}                     ; a key of the header holds an unpaired surrogate
          {'a\\udc00\\ud800':{}}              ; a key of the header holds an unpaired surrogate
          {a:{}}                              ; expected '"' for a key of the header but found 'a'
          {'a' {}}                            ; expected ':' for what follows a key but found '{'
          """)
  void malformedHeaders(String json, String reason) throws IOException {
    String good = "'t':{'dtype':'F64','shape':[1],'data_offsets':[0,8]}";
    String found = malformed(json.replace("T", good).replace('\'', '"'));
    assertEquals(reason, found.replaceFirst(" \\(near character \\d+\\)$", ""));
  }

  /** In the table {@code dtype shape begin end} of tensors; the data have 8 bytes. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          F32 [2] 0 8, F32 [1] 4 8           ; tensor 'b' starts at byte S+4 and overlaps another: the data before it ends at byte S+8
          F32 [2] 0 8, F32 [2] 0 8           ; tensor 'b' starts at byte S+0 and overlaps another: the data before it ends at byte S+8
          F32 [1] 4 8                        ; tensor 'a' starts at byte S+4 after a hole: the data before it ends at byte S+0
          U8 [3] 0 3, F32 [1] 4 8            ; tensor 'b' starts at byte S+4 after a hole: the data before it ends at byte S+3
          F32 [1] 0 4                        ; has 4 bytes after its last tensor, which ends at byte S+4
          F32 [3] 0 12                       ; tensor 'a' ends at byte S+12 but the file has only S+8 bytes
          F32 [1] 8 12, F64 [1] 0 8          ; tensor 'a' ends at byte S+12 but the file has only S+8 bytes
          F32 [2] 8 0                        ; tensor 'a' has the impossible data_offsets [8, 0]
          F32 [2] 0 9223372036854775807      ; tensor 'a' has the impossible data_offsets [0, 9223372036854775807]
          F32 [2] 9223372036854775800 9223372036854775807 ; tensor 'a' has the impossible data_offsets [9223372036854775800, 9223372036854775807]
          F32 [1] 0 8                        ; tensor 'a' of shape [1] and dtype F32 takes 4 bytes but its data_offsets span 8
          F32 [3] 0 8                        ; tensor 'a' of shape [3] and dtype F32 takes 12 bytes but its data_offsets span 8
          F16 [2,2,2] 0 8                    ; tensor 'a' of shape [2, 2, 2] and dtype F16 takes 16 bytes but its data_offsets span 8
          F64 [] 0 0                         ; tensor 'a' of shape [] and dtype F64 takes 8 bytes but its data_offsets span 0
          F32 [0,2] 0 8                      ; tensor 'a' of shape [0, 2] and dtype F32 takes 0 bytes but its data_offsets span 8
          F4 [3] 0 2                         ; tensor 'a' of shape [3] and dtype F4 takes 2 bytes but its data_offsets span 2
          F64 [4294967296,4294967296] 0 0    ; tensor 'a' of shape [4294967296, 4294967296] and dtype F64 takes 147573952589676412928 bytes but its data_offsets span 0
          F64 [2305843009213693953] 0 8      ; tensor 'a' of shape [2305843009213693953] and dtype F64 takes 18446744073709551624 bytes but its data_offsets span 8
          """)
  void impossibleLayouts(String tensors, String reason) throws IOException {
    StringBuilder json = new StringBuilder("{");
    char name = 'a';
    for (String tensor : tensors.split(", ")) {
      String[] part = tensor.trim().split(" ");
      json.append(name == 'a' ? "" : ",")
          .append('"')
          .append(name++)
          .append("\":{\"dtype\":\"")
          .append(part[0])
          .append("\",\"shape\":")
          .append(part[1])
          .append(",\"data_offsets\":[")
          .append(part[2])
          .append(',')
          .append(part[3])
          .append("]}");
    }
    json.append('}');
    int start = 8 + json.length();
    String expected = reason;
    for (int i = 12; i >= 0; i--) {
      expected = expected.replace("S+" + i, String.valueOf(start + i));
    }
    assertEquals(expected, refusal(Fixtures.safeTensors(json.toString(), new byte[8])));
  }

  @Test
  void preamblesWithoutSense() throws IOException {
    assertEquals(
        "has 0 bytes, fewer than the 8 that start a safetensors file", refusal(new byte[0]));
    assertEquals(
        "has 7 bytes, fewer than the 8 that start a safetensors file", refusal(new byte[7]));
    assertEquals("has a malformed header: it does not start with '{'", refusal(new byte[8]));
    assertEquals(
        "claims a header of 3 bytes but only 2 follow",
        refusal(new byte[] {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'}));
    assertEquals(
        "claims a header of 100000001 bytes; the limit is 100000000 (is it a safetensors file?)",
        refusal(
            ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putLong(100_000_001).array()));
    byte[] negative = new byte[10];
    Arrays.fill(negative, 0, 8, (byte) 0xff);
    assertEquals(
        "claims a header of 18446744073709551615 bytes; the limit is 100000000"
            + " (is it a safetensors file?)",
        refusal(negative));
    assertEquals(
        "has a header that is not valid UTF-8",
        refusal(Fixtures.safeTensors(new byte[] {'{', '"', (byte) 0xc3, '"', '}'}, new byte[0])));
    // Overlong and surrogate forms are not UTF-8 either.
    assertEquals(
        "has a header that is not valid UTF-8",
        refusal(
            Fixtures.safeTensors(
                new byte[] {'{', '"', (byte) 0xc0, (byte) 0xa2, '}'}, new byte[0])));
    assertEquals(
        "has a header that is not valid UTF-8",
        refusal(
            Fixtures.safeTensors(
                new byte[] {'{', '"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"', '}'},
                new byte[0])));
  }

  @Test
  void controlCharactersInHeaders() throws IOException {
    assertEquals(
        "a key of the header holds a bare control character (near character 3)",
        malformed("{\"\n\":{}}"));
    assertEquals(
        "expected '\"' for a key of the header but found '\\u0000' (near character 1)",
        malformed("{\0}"));
    assertEquals("it goes on after its end (near character 2)", malformed("{}\0\0"));
    assertEquals("it goes on after its end (near character 2)", malformed("{}\u00a0"));
  }

  @Test
  void bulkAndDepth() throws IOException {
    String deep = "{\"a\":" + "{\"dtype\":".repeat(1_000_000);
    assertTrue(
        malformed(deep).startsWith("expected '\"' for the dtype of tensor 'a' but found '{'"));
    String shape = "{\"a\":{\"shape\":[" + "1,".repeat(1_000_000) + "1]}}";
    assertTrue(malformed(shape).startsWith("the shape of tensor 'a' has more than 64 elements"));
    StringBuilder metadata = new StringBuilder("{\"__metadata__\":{");
    for (int i = 0; i <= 1 << 20; i++) {
      metadata.append('"').append(i).append("\":\"\",");
    }
    assertTrue(
        malformed(metadata.toString()).startsWith("__metadata__ has more than 1048576 keys"));
    String name = "x".repeat(100_000);
    String message = malformed("{\"" + name + "\":1}");
    assertTrue(message.length() < 200, "a long name is shortened in the message");
  }

  @Test
  void everyCutAndEveryExtraByteIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(Fixtures.file("small.safetensors"));
    int header = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt();
    Path file = directory.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      // Every byte of the header, of the first data and of the end; some in between.
      if (length < 8 + header + 64 || length > whole.length - 64 || length % 97 == 0) {
        Fixtures.rewrite(file, Arrays.copyOf(whole, length));
        assertThrows(FileFormatException.class, () -> SafeTensors.open(file).close());
      }
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    assertThrows(FileFormatException.class, () -> SafeTensors.open(file).close());
  }

  @Test
  void mutatedFilesAreReadOrRefused() throws IOException {
    Path good = directory.resolve("good.safetensors");
    try (Matrix matrix = Matrix.of(new float[][] {{1, 2, 3}, {4, 5, 6}})) {
      new SafeTensorsWriter()
          .metadata("k", "v\u00fc\n")
          .add("m", matrix)
          .addLongs("l", new long[] {1, 2}, 2)
          .addDoubles("d", new double[] {1}, 1, 1)
          .write(good);
    }
    byte[] original = Files.readAllBytes(good);
    int header = ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getInt();
    byte[] alphabet = "{}[]\":,\\ 0123456789-.eFIUBu\n\0".getBytes(StandardCharsets.US_ASCII);
    Random random = new Random(20240602);
    Path file = directory.resolve("mutated.safetensors");
    int refused = 0;
    int rounds = 8000;
    for (int round = 0; round < rounds; round++) {
      byte[] bytes = original.clone();
      for (int changes = 1 + random.nextInt(4) / 3 * 2; changes > 0; changes--) {
        int at = random.nextInt(8) == 0 ? random.nextInt(8) : 8 + random.nextInt(header);
        switch (random.nextInt(5)) {
          case 0 -> bytes[at] = alphabet[random.nextInt(alphabet.length)];
          case 1 -> bytes[at] = (byte) random.nextInt();
          case 2 -> System.arraycopy(bytes, at, bytes, at + 1, 7 + header - at);
          case 3 -> System.arraycopy(bytes, at + 1, bytes, at, 7 + header - at);
          default -> {
            // A piece of the header over another: makes keys occur twice.
            int length = random.nextInt(Math.max(1, 8 + header - at));
            int from = 8 + random.nextInt(header - Math.min(length, header - 1));
            System.arraycopy(original, from, bytes, at, Math.min(length, 8 + header - from));
          }
        }
      }
      Fixtures.rewrite(file, bytes);
      refused += readAll(file);
    }
    assertTrue(refused > rounds / 2, "the mutations did too little");
    int harmless = rounds - refused;
    assertTrue(harmless > 100, () -> "only " + harmless + " mutations were harmless");
  }

  /** Reads everything in every way; 1 where the file was refused. */
  private static int readAll(Path file) {
    try (SafeTensors tensors = SafeTensors.open(file)) {
      for (String name : tensors.names()) {
        try (Matrix matrix = tensors.matrix(name)) {
          matrix.get(matrix.rows() - 1, matrix.columns() - 1);
        } catch (FileFormatException e) {
          // Another type or shape.
        }
        try {
          tensors.doubles(name);
        } catch (FileFormatException e) {
          // Another type.
        }
        try {
          tensors.longs(name);
        } catch (FileFormatException e) {
          // Another type.
        }
      }
      assertThrows(InvalidArgumentException.class, () -> tensors.matrix("no such name"));
      return 0;
    } catch (FileFormatException e) {
      return 1;
    }
  }
}
