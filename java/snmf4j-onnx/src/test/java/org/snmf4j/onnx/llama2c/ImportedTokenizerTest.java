package org.snmf4j.onnx.llama2c;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.onnx.text.EncodedText;
import org.snmf4j.onnx.text.TextTokenizer;

/** A converted tokenizer gives the ids that llama2.c gives, and turns them into text again. */
class ImportedTokenizerTest {
  @TempDir Path directory;

  private record Token(String string, float score) {}

  /** A small vocabulary of the usual structure, with byte tokens of either kind. */
  private static List<Token> vocabulary(boolean characters) {
    List<Token> tokens = new ArrayList<>();
    tokens.add(new Token("<unk>", 0));
    tokens.add(new Token("\n<s>\n", 0));
    tokens.add(new Token("\n</s>\n", 0));
    for (int value = 0; value < 256; value++) {
      tokens.add(
          new Token(characters ? Character.toString(value) : "<0x%02X>".formatted(value), 0));
    }
    tokens.add(new Token("  ", -1e9f));
    String[] merged = {
      "th", " t", "he", "in", "re", " a", " th", "the", " the", "ré", "er", "çã", "ção", "xð", "éa",
      "--", "----", "---", "ing", "ed", "aa", "aaaa", "aaa", "日本", "oo", "====", "==", "é½", "ãé"
    };
    for (int i = 0; i < merged.length; i++) {
      tokens.add(new Token(merged[i], -1 - i));
    }
    tokens.add(new Token("    ", -1e9f));
    tokens.add(new Token("   ", -1e9f));
    tokens.add(new Token("     ", -1e9f));
    tokens.add(new Token(" ", -1e9f));
    String single = "etaoinshrdlucmfwypvbgkqjxz.,!?<>/s0123-=éçãð½日本語";
    single.codePoints().forEach(c -> tokens.add(new Token(Character.toString(c), -1000 - c)));
    return tokens;
  }

  private static byte[] bytes(List<Token> tokens) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    int longest =
        tokens.stream()
            .mapToInt(token -> token.string().getBytes(StandardCharsets.UTF_8).length)
            .max()
            .orElseThrow();
    all.writeBytes(little(4).putInt(longest).array());
    for (Token token : tokens) {
      byte[] string = token.string().getBytes(StandardCharsets.UTF_8);
      all.writeBytes(little(8).putFloat(token.score()).putInt(string.length).array());
      all.writeBytes(string);
    }
    return all.toByteArray();
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private Path write(List<Token> tokens) {
    return TestCheckpoint.write(directory.resolve("tokenizer.bin"), bytes(tokens));
  }

  private Path converted(Path file) {
    Path json = directory.resolve("tokenizer.json");
    Llama2cTokenizer.read(file).writeJson(json);
    return json;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void idsAreThoseOfLlama2c(boolean characters) {
    Path file = write(vocabulary(characters));
    ReferenceTokenizer reference = new ReferenceTokenizer(file);
    List<String> texts = TestTexts.corners();
    texts.addAll(TestTexts.random(3000, 11));
    int fallbacks = 0;
    try (TextTokenizer tokenizer = TextTokenizer.open(converted(file))) {
      for (String text : TestTexts.plain(texts)) {
        int[] expected = reference.encode(text);
        assertArrayEquals(expected, tokenizer.encode(text).ids(), "'" + text + "'");
        fallbacks += Arrays.stream(expected).anyMatch(id -> id >= 3 + 128 && id < 259) ? 1 : 0;
      }
    }
    assertTrue(fallbacks > 1000, "most of the random texts must fall back to bytes");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void decodingGivesTheTextAgain(boolean characters) throws Exception {
    Path json = converted(write(vocabulary(characters)));
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.newInstance(json)) {
      for (String text :
          List.of(
              "the thing",
              " the",
              "   in   here  ",
              "é ré ção 日本語",
              "😀",
              "in 👩‍👩‍👧 the",
              "tab\tnew\nline",
              "<s> </s> in <0x41> text",
              "\u0000\u007f")) {
        long[] ids = tokenizer.encode(text, true, false).getIds();
        assertEquals(text, tokenizer.decode(ids, true), Arrays.toString(ids));
      }
      assertEquals("<s> the", tokenizer.decode(tokenizer.encode("the").getIds(), false));
      assertEquals("the", tokenizer.decode(new long[] {1, 268, 2}, true));
    }
  }

  @Test
  void bytesMergeAsTheCharactersOfTheirNumbers() {
    // U+9F49 is unknown, so it becomes the bytes E9 BD 89. llama2.c merges r with E9, whose string
    // in older files is é, to ré.
    Path file = write(vocabulary(true));
    ReferenceTokenizer reference = new ReferenceTokenizer(file);
    try (TextTokenizer tokenizer = TextTokenizer.open(converted(file))) {
      EncodedText encoded = tokenizer.encode("r齉");
      assertArrayEquals(reference.encode("r齉"), encoded.ids());
      assertEquals("ré", reference.string(encoded.ids()[2]));
      for (int run = 0; run < 20; run++) {
        assertEquals("ré", tokenizer.encode("r齉").pieces()[2], "the proper of two names");
      }
    }
  }

  @Test
  void specialTokensAreNoText() {
    Path file = write(vocabulary(false));
    ReferenceTokenizer reference = new ReferenceTokenizer(file);
    try (TextTokenizer tokenizer = TextTokenizer.open(converted(file))) {
      EncodedText encoded = tokenizer.encode("in <s> the");
      assertArrayEquals(reference.encode("in <s> the"), encoded.ids());
      assertTrue(encoded.special()[0]);
      for (int i = 1; i < encoded.size(); i++) {
        assertFalse(encoded.special()[i]);
      }
      assertArrayEquals(new int[] {1}, tokenizer.encode("").ids());
      // The exception that Llama2cTokenizer.writeJson documents.
      assertArrayEquals(new int[] {1, 2}, tokenizer.encode("</s>").ids());
    }
  }

  @Test
  void laterOfEqualStringsCounts() throws Exception {
    List<Token> tokens = vocabulary(true);
    int first = tokens.size();
    tokens.add(new Token("inging", -50));
    tokens.add(new Token("inging", -60));
    tokens.add(new Token("", -61));
    tokens.add(new Token("", -62));
    Path file = write(tokens);
    Path json = converted(file);
    ReferenceTokenizer reference = new ReferenceTokenizer(file);
    try (TextTokenizer tokenizer = TextTokenizer.open(json)) {
      int[] ids = tokenizer.encode("inginging ").ids();
      assertArrayEquals(reference.encode("inginging "), ids);
      assertTrue(Arrays.stream(ids).noneMatch(id -> id == first));
    }
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.newInstance(json)) {
      assertEquals(
          "inginginging",
          tokenizer.decode(new long[] {first, first + 1, first + 2, first + 3}, false));
    }
  }

  @Test
  void damagedFilesAreRefused() throws Exception {
    byte[] good = bytes(vocabulary(true));
    assertRefused(new byte[0], "has 0 bytes");
    assertRefused(Arrays.copyOf(good, 3), "has 3 bytes");
    assertRefused(Arrays.copyOf(good, 4), "has 0 tokens but must have at least 259");
    assertRefused(Arrays.copyOf(good, good.length - 1), "ends inside token");
    assertRefused(Arrays.copyOf(good, good.length + 5), "ends inside token");
    assertRefused(with(good, 0, 0), "longest token is 0");
    assertRefused(with(good, 8, -1), "length of token 0 is -1 but must be between 0 and");
    assertRefused(with(good, 8, 1 << 30), "length of token 0 is 1073741824");
    assertRefused(with(good, 4, Float.floatToRawIntBits(Float.NaN)), "score of token 0 is NaN");
    assertRefused(with(good, 12, -1), "token 0 is not UTF-8");
    List<Token> tokens = vocabulary(true);
    tokens.set(3 + 200, new Token("word", 0));
    assertRefused(bytes(tokens), "token 203 must stand for the byte <0xC8>");
    List<Token> clash = vocabulary(true);
    clash.add(new Token("<0x61>", -1));
    Path target = Files.writeString(directory.resolve("before.json"), "before");
    Llama2cTokenizer tokenizer = Llama2cTokenizer.read(write(clash));
    FileFormatException e =
        assertThrows(FileFormatException.class, () -> tokenizer.writeJson(target));
    assertTrue(e.getMessage().contains("would both be called '<0x61>'"), e.getMessage());
    assertEquals("before", Files.readString(target));
  }

  private static byte[] with(byte[] good, int at, int value) {
    byte[] bad = good.clone();
    ByteBuffer.wrap(bad).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    return bad;
  }

  private void assertRefused(byte[] bytes, String words) {
    Path file = TestCheckpoint.write(directory.resolve("bad.bin"), bytes);
    FileFormatException e =
        assertThrows(FileFormatException.class, () -> Llama2cTokenizer.read(file));
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    assertTrue(e.getMessage().contains(words), e.getMessage());
  }
}
