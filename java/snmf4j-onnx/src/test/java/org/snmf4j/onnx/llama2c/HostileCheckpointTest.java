package org.snmf4j.onnx.llama2c;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;

/** Files that are no checkpoints, or damaged ones, are refused with a reason. */
class HostileCheckpointTest {
  private static final TestCheckpoint CHECKPOINT =
      new TestCheckpoint(new Llama2cShape(24, 40, 2, 4, 2, 37, 16, false));

  @TempDir Path directory;

  private void assertRefused(byte[] bytes, String... words) {
    Path file = TestCheckpoint.write(directory.resolve("bad.bin"), bytes);
    FileFormatException e =
        assertThrows(FileFormatException.class, () -> Llama2cCheckpoint.open(file));
    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), e.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 0           | dim is 0 but must be between 1 and 1048576",
        "0 | -24         | dim is -24",
        "0 | 2147483647  | dim is 2147483647",
        "0 | 20          | even multiple of n_heads",
        "1 | -1          | hidden_dim is -1",
        "1 | 2000000     | hidden_dim is 2000000",
        "2 | 0           | n_layers is 0",
        "2 | 5000        | n_layers is 5000 but must be between 1 and 4096",
        "2 | 4096        | bytes but its header",
        "3 | 0           | n_heads is 0",
        "3 | 25          | n_heads is 25 but must be between 1 and 24",
        "3 | 5           | even multiple of n_heads 5",
        "3 | 24          | even multiple of n_heads 24",
        "4 | 0           | n_kv_heads is 0",
        "4 | 5           | n_kv_heads is 5 but must be between 1 and 4",
        "4 | 3           | multiple of n_kv_heads 3",
        "5 | 0           | vocab_size is 0",
        "5 | -2147483648 | vocab_size is -2147483648",
        "5 | 37          | bytes but its header",
        "5 | 20000000    | vocab_size is 20000000",
        "6 | 0           | max_seq_len is 0",
        "6 | 2147483647  | max_seq_len is 2147483647"
      })
  void sizes(int field, int value, String message) {
    byte[] bytes = CHECKPOINT.legacy();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(field * 4, value);
    assertRefused(bytes, message);
  }

  @Test
  void lengths() {
    byte[] bytes = CHECKPOINT.legacy();
    assertRefused(new byte[0], "has 0 bytes", "28");
    assertRefused(Arrays.copyOf(bytes, 27), "has 27 bytes", "28");
    assertRefused(Arrays.copyOf(bytes, 28), "has 28 bytes", "demands " + bytes.length);
    assertRefused(
        Arrays.copyOf(bytes, bytes.length - 1),
        "has " + (bytes.length - 1),
        "demands " + bytes.length);
    assertRefused(
        Arrays.copyOf(bytes, bytes.length + 4),
        "has " + (bytes.length + 4),
        "demands " + bytes.length);
    byte[] newer = CHECKPOINT.version1();
    assertRefused(Arrays.copyOf(newer, 255), "has 255 bytes", "256");
    assertRefused(Arrays.copyOf(newer, 300), "has 300 bytes", "demands " + newer.length);
  }

  @Test
  void versions() {
    byte[] bytes = CHECKPOINT.version1();
    ByteBuffer fields = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    fields.putInt(4, 2);
    assertRefused(bytes, "version is 2", "int8");
    fields.putInt(4, 9);
    assertRefused(bytes, "version is 9", "must be 0 (legacy) or 1");
    fields.putInt(4, 1).put(36, (byte) 3);
    assertRefused(bytes, "flag for shared output weights is 3");
    fields.put(36, (byte) 0).putInt(28, -37);
    assertRefused(bytes, "vocabulary size is -37");
  }

  @Test
  void otherFiles() {
    assertRefused("a text file that is long enough for a header".getBytes(), "not a llama2.c");
    assertThrows(
        FileAccessException.class, () -> Llama2cCheckpoint.open(directory.resolve("missing.bin")));
    assertThrows(FileAccessException.class, () -> Llama2cCheckpoint.open(directory));
  }

  @Test
  void aFileThatShrinksIsNoticed() {
    byte[] bytes = CHECKPOINT.legacy();
    Path file = TestCheckpoint.write(directory.resolve("shrinking.bin"), bytes);
    Llama2cCheckpoint checkpoint = Llama2cCheckpoint.open(file);
    assertEquals(CHECKPOINT.shape, checkpoint.shape());
    TestCheckpoint.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    FileFormatException e =
        assertThrows(
            FileFormatException.class, () -> checkpoint.writeOnnx(directory.resolve("model.onnx")));
    assertTrue(e.getMessage().contains("has " + bytes.length / 2 + " bytes but"), e.getMessage());
  }
}
