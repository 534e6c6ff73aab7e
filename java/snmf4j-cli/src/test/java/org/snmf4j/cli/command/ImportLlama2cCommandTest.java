package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.text.TextTokenizer;

class ImportLlama2cCommandTest {
  private static final int TOKENS = 259 + 26;

  @TempDir Path directory;
  private Path checkpoint;
  private Path tokenizer;
  private Path model;
  private Path json;

  @BeforeEach
  void write() throws IOException {
    checkpoint = Files.write(directory.resolve("model.bin"), checkpoint());
    tokenizer = Files.write(directory.resolve("tokenizer.bin"), tokenizer(26));
    model = directory.resolve("model.onnx");
    json = directory.resolve("tokenizer.json");
  }

  /** Two layers of width 8 with 12 neurons, two heads and one key head, embeddings tied. */
  private static byte[] checkpoint() {
    int layer = 8 + 64 + 32 + 32 + 64 + 8 + 3 * 96;
    int floats = TOKENS * 8 + 2 * layer + 8 + 2 * 10 * 2;
    ByteBuffer bytes = ByteBuffer.allocate(28 + 4 * floats).order(ByteOrder.LITTLE_ENDIAN);
    for (int size : new int[] {8, 12, 2, 2, 1, TOKENS, 10}) {
      bytes.putInt(size);
    }
    Random random = new Random(1);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian());
    }
    return bytes.array();
  }

  private static byte[] tokenizer(int letters) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(6);
    for (int id = 0; id < 259 + letters; id++) {
      String string =
          id < 3
              ? "\n" + id + "\n"
              : id < 259 ? "<0x%02X>".formatted(id - 3) : Character.toString('a' + id - 259);
      byte[] utf8 = (id == 259 + letters - 1 ? " " : string).getBytes(StandardCharsets.UTF_8);
      bytes.putFloat(-id).putInt(utf8.length).put(utf8);
    }
    byte[] all = new byte[bytes.flip().remaining()];
    bytes.get(all);
    return all;
  }

  private Run run(Object... more) {
    Object[] arguments = new Object[5 + more.length];
    System.arraycopy(
        new Object[] {"import-llama2c", "--checkpoint", checkpoint, "--output", model},
        0,
        arguments,
        0,
        5);
    System.arraycopy(more, 0, arguments, 5, more.length);
    return Run.of(arguments);
  }

  @Test
  void writesModelAndTokenizer() {
    Run run = run("--tokenizer", tokenizer, "--tokenizer-output", json, "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    assertEquals(2, facts.get("layers").intValue());
    assertEquals(1, facts.get("key_value_heads").intValue());
    assertTrue(facts.get("tied").booleanValue());
    assertEquals(model.toString(), facts.get("output").textValue());
    assertEquals(json.toString(), facts.get("tokenizer_output").textValue());
    try (OnnxModel open = OnnxModel.open(model);
        TextTokenizer texts = TextTokenizer.open(json)) {
      assertEquals(2, open.layers());
      assertEquals(10, open.contextLength().orElseThrow());
      assertArrayEquals(new int[] {1, TOKENS - 1, 259, 260, 3 + 'Z'}, texts.encode("abZ").ids());
    }
  }

  @Test
  void textNamesTheFiles() {
    Run run = run("--tokenizer", tokenizer, "--tokenizer-output", json);
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("2 layers"), run.out());
    assertTrue(run.out().contains("wrote " + model), run.out());
    assertTrue(run.out().contains("wrote " + json), run.out());
  }

  @Test
  void anotherModelsTokenizerIsAFailure() throws IOException {
    Files.write(tokenizer, tokenizer(20));
    Run run = run("--tokenizer", tokenizer, "--tokenizer-output", json);
    assertEquals(1, run.status());
    assertTrue(run.err().contains("of 279 tokens but must be of 285"), run.err());
    assertFalse(Files.exists(model));
    assertFalse(Files.exists(json));
  }

  @Test
  void halfATokenizerIsAUsageError() {
    Run run = run("--tokenizer", tokenizer);
    assertEquals(2, run.status());
    assertTrue(run.err().contains("--tokenizer-output belong together"), run.err());
  }

  @Test
  void aCutCheckpointIsAFailure() throws IOException {
    byte[] bytes = checkpoint();
    Files.write(checkpoint, java.util.Arrays.copyOf(bytes, bytes.length - 8));
    Run run = run();
    assertEquals(1, run.status());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("has " + (bytes.length - 8) + " bytes"), run.err());
    assertFalse(Files.exists(model));
  }
}
