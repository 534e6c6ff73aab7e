package org.snmf4j.onnx.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.SnmfException;

class TextTokenizerTest {
  @TempDir static Path directory;
  private static TextTokenizer wordPiece;
  private static TextTokenizer bytes;

  @BeforeAll
  static void open() throws Exception {
    Path file = directory.resolve("wordpiece.json");
    try (InputStream input =
        TextTokenizerTest.class.getResourceAsStream("/all-minilm-l6-v2-tokenizer.json")) {
      Files.copy(input, file);
    }
    wordPiece = TextTokenizer.open(file);
    bytes = TextTokenizer.open(byteLevel("byte-level.json", ""));
  }

  @AfterAll
  static void close() {
    wordPiece.close();
    bytes.close();
  }

  @Test
  void wordPieceKnowsItsTokensAndSpecialTokens() {
    EncodedText encoded = wordPiece.encode("Hello world!");
    assertArrayEquals(new int[] {101, 7592, 2088, 999, 102}, encoded.ids());
    assertArrayEquals(new String[] {"[CLS]", "hello", "world", "!", "[SEP]"}, encoded.pieces());
    assertArrayEquals(new boolean[] {true, false, false, false, true}, encoded.special());
    assertArrayEquals(new int[] {-1, 0, 6, 11, -1}, encoded.starts());
    assertArrayEquals(new int[] {-1, 5, 11, 12, -1}, encoded.ends());
  }

  @Test
  void truncationAndPaddingOfTheFileAreIgnored() {
    assertEquals(2 + 700, wordPiece.encode("day ".repeat(700)).size());
    assertEquals(3, wordPiece.encode("day").size());
    try (TextTokenizer limited =
        TextTokenizer.open(
            byteLevel(
                "limited.json",
                "\"truncation\": {\"direction\": \"Right\", \"max_length\": 2,"
                    + " \"strategy\": \"LongestFirst\", \"stride\": 0},"
                    + " \"padding\": {\"strategy\": {\"Fixed\": 9}, \"direction\": \"Left\","
                    + " \"pad_to_multiple_of\": null, \"pad_id\": 0, \"pad_type_id\": 0,"
                    + " \"pad_token\": \"a\"},"))) {
      assertEquals(6, limited.encode("abcabc").size());
      assertEquals(1, limited.encode("a").size());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain words",
        "Grüße aus Köln",
        "naïve café, déjà vu",
        "日本語のテキスト here",
        "a 😀 smile and 👩‍👩‍👧 family, done",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 letters 𝒳 end",
      })
  void spansAreJavaCharIndices(String text) {
    EncodedText encoded = wordPiece.encode(text);
    int last = 0;
    for (int i = 0; i < encoded.size(); i++) {
      if (encoded.special()[i]) {
        continue;
      }
      assertTrue(encoded.starts()[i] >= last, "tokens in order");
      last = encoded.ends()[i];
      String covered = text.substring(encoded.starts()[i], encoded.ends()[i]);
      assertTrue(!covered.isBlank() && covered.equals(covered.strip()), "'" + covered + "'");
      String piece = encoded.pieces()[i].replaceFirst("^##", "");
      if (!piece.equals("[UNK]")) {
        assertEquals(piece, plain(covered));
      }
    }
    assertEquals(text.length(), last);
  }

  /** What the tokenizer's normalizer does to a text: lower case, no accents. */
  private static String plain(String text) {
    return java.text.Normalizer.normalize(text, java.text.Normalizer.Form.NFD)
        .replaceAll("\\p{Mn}", "")
        .toLowerCase(java.util.Locale.ROOT);
  }

  @Test
  void everyByteOfACharacterSpansTheWholeCharacter() {
    String text = "a😀é";
    EncodedText encoded = bytes.encode(text);
    assertEquals(1 + 4 + 2, encoded.size());
    assertArrayEquals(new int[] {0, 1, 1, 1, 1, 3, 3}, encoded.starts());
    assertArrayEquals(new int[] {1, 3, 3, 3, 3, 4, 4}, encoded.ends());
  }

  @Test
  void anEmptyTextHasOnlySpecialTokens() {
    assertArrayEquals(new int[] {101, 102}, wordPiece.encode("").ids());
    assertEquals(0, bytes.encode("").size());
  }

  @ParameterizedTest
  @CsvSource({
    "'', 'not a tokenizer'",
    "'{', 'not JSON'",
    "'[1, 2]', 'has no model'",
    "'{\"version\": \"1.0\"}', 'has no model'",
    "'{\"model\": {\"type\": \"Nonsense\"}}', 'not a tokenizer'",
  })
  void filesThatAreNoTokenizers(String content, String message) throws Exception {
    Path file = Files.writeString(directory.resolve("bad.json"), content);
    FileFormatException e = assertThrows(FileFormatException.class, () -> TextTokenizer.open(file));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertTrue(e.getMessage().contains("bad.json"), e.getMessage());
  }

  @Test
  void aMissingFile() {
    SnmfException e =
        assertThrows(
            FileAccessException.class, () -> TextTokenizer.open(directory.resolve("none.json")));
    assertTrue(e.getMessage().contains("none.json"), e.getMessage());
  }

  @Test
  void closedTokenizersThrow() {
    TextTokenizer tokenizer = TextTokenizer.open(byteLevel("closed.json", ""));
    tokenizer.close();
    tokenizer.close();
    ClosedException e = assertThrows(ClosedException.class, () -> tokenizer.encode("a"));
    assertTrue(e.getMessage().contains("closed.json"), e.getMessage());
  }

  @Test
  void promptsEndWithTheirText() {
    assertArrayEquals(new int[] {101, 7592, 2088}, wordPiece.encodePrompt("Hello world"));
    assertArrayEquals(new int[] {101}, wordPiece.encodePrompt(""));
    assertArrayEquals(bytes.encode("ab").ids(), bytes.encodePrompt("ab"));
  }

  @Test
  void decodesWithoutSpecialTokens() {
    assertEquals("hello world", wordPiece.decode(new int[] {101, 7592, 2088, 102}));
    assertEquals("", wordPiece.decode(new int[0]));
    TextTokenizer closed = TextTokenizer.open(byteLevel("closed2.json", ""));
    closed.close();
    assertThrows(ClosedException.class, () -> closed.decode(new int[1]));
  }

  @Test
  void knowsWhatEndsAText() {
    assertArrayEquals(new int[0], wordPiece.endOfTextIds());
    String added =
        "\"added_tokens\": [{\"id\": 256, \"content\": \"<|endoftext|>\", \"single_word\": false,"
            + " \"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": true}],";
    try (TextTokenizer tokenizer = TextTokenizer.open(byteLevel("ends.json", ""))) {
      assertArrayEquals(new int[0], tokenizer.endOfTextIds());
    }
    Path file = byteLevel("ends.json", "");
    try {
      Files.writeString(file, Files.readString(file).replace("\"added_tokens\": [],", added));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    try (TextTokenizer tokenizer = TextTokenizer.open(file)) {
      assertArrayEquals(new int[] {256}, tokenizer.endOfTextIds());
      assertEquals(1, tokenizer.encode("<|endoftext|>").size());
    }
  }

  @Test
  void nothingIsSentHome() {
    assertEquals("true", System.getProperty("OPT_OUT_TRACKING", System.getenv("OPT_OUT_TRACKING")));
    assertEquals("cpu", System.getProperty("RUST_FLAVOR", System.getenv("RUST_FLAVOR")));
  }

  /** A byte-level tokenizer without merges: a token per byte of UTF-8. */
  private static Path byteLevel(String name, String settings) {
    StringBuilder vocabulary = new StringBuilder();
    int id = 0;
    for (int symbol : byteSymbols()) {
      String quoted = symbol == '"' || symbol == '\\' ? "\\" : "";
      vocabulary
          .append(id == 0 ? "" : ",")
          .append('"')
          .append(quoted)
          .appendCodePoint(symbol)
          .append("\":")
          .append(id++);
    }
    String json =
        "{\"version\": \"1.0\","
            + settings
            + "\"added_tokens\": [], \"normalizer\": null,"
            + " \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false,"
            + " \"trim_offsets\": true, \"use_regex\": true}, \"post_processor\": null,"
            + " \"decoder\": null, \"model\": {\"type\": \"BPE\", \"dropout\": null,"
            + " \"unk_token\": null, \"vocab\": {"
            + vocabulary
            + "}, \"merges\": []}}";
    try {
      return Files.writeString(directory.resolve(name), json);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** The characters that byte-level tokenizers write for bytes 0 to 255. */
  private static int[] byteSymbols() {
    int[] symbols = new int[256];
    Arrays.fill(symbols, -1);
    int next = 256;
    for (int i = 0; i < 256; i++) {
      boolean printable = i >= '!' && i <= '~' || i >= 0xA1 && i <= 0xAC || i >= 0xAE;
      symbols[i] = printable ? i : next++;
    }
    return symbols;
  }
}
