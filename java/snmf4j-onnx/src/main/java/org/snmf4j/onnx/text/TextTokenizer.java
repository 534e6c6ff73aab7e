package org.snmf4j.onnx.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.util.Utils;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;

/**
 * A tokenizer read from a Hugging Face {@code tokenizer.json}.
 *
 * <p>Truncation and padding that the file may ask for are ignored: the model's own context is the
 * limit, and a longer sentence is the caller's decision. Nothing is downloaded, and the tokenizer
 * library's telemetry is switched off.
 *
 * <p>Holds native memory until {@link #close()}; use afterwards throws {@link ClosedException}.
 * Safe for use by several threads, which take turns.
 */
public final class TextTokenizer implements AutoCloseable {
  private static final JsonMapper MAPPER = new JsonMapper();

  static {
    // Read by the tokenizer library when it loads. Without them it would send telemetry, and on a
    // machine with a GPU look for a build of its native library that is not in its jar.
    setUnlessGiven("OPT_OUT_TRACKING", "true");
    setUnlessGiven("RUST_FLAVOR", "cpu");
  }

  /** What well-known families of causal models call the token that ends a text or a turn. */
  private static final Set<String> ENDS =
      Set.of(
          "</s>",
          "<eos>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<end_of_turn>",
          "<\uFF5Cend\u2581of\u2581sentence\uFF5C>");

  private final Path file;
  private final int[] endOfTextIds;
  private final Map<Integer, String> properNames;
  private HuggingFaceTokenizer tokenizer;

  private TextTokenizer(
      Path file,
      int[] endOfTextIds,
      Map<Integer, String> properNames,
      HuggingFaceTokenizer tokenizer) {
    this.file = file;
    this.endOfTextIds = endOfTextIds;
    this.properNames = properNames;
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a tokenizer.
   *
   * @param file a {@code tokenizer.json}
   * @throws FileFormatException if it is none
   * @throws FileAccessException if it cannot be read
   * @throws BackendUnavailableException if the tokenizer library does not run here
   */
  public static TextTokenizer open(Path file) {
    byte[] settings;
    int[] ends;
    Map<Integer, String> properNames;
    try {
      ObjectNode root = parse(file, Files.readAllBytes(file));
      ends = endOfTextIds(root);
      properNames = properNames(root.path("model").path("vocab"));
      settings = unlimited(root);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
    requireLibrary();
    try {
      return new TextTokenizer(
          file,
          ends,
          properNames,
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(settings),
              Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "true")));
    } catch (IOException | RuntimeException e) {
      throw new FileFormatException(file, "not a tokenizer: " + e.getMessage(), e);
    }
  }

  private static void requireLibrary() {
    try {
      LibUtils.checkStatus();
    } catch (EngineException | LinkageError e) {
      throw new BackendUnavailableException(
          "the tokenizers' native library cannot be loaded; it is unpacked into "
              + Utils.getEngineCacheDir()
              + ", or the directory that ENGINE_CACHE_DIR names, which must be writable: "
              + causes(e),
          e);
    }
  }

  private static String causes(Throwable failure) {
    StringBuilder text = new StringBuilder(failure.toString());
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      text.append("; caused by ").append(cause);
    }
    return text.toString();
  }

  private static ObjectNode parse(Path file, byte[] json) throws IOException {
    try {
      JsonNode root = MAPPER.readTree(json);
      if (!(root instanceof ObjectNode settings) || !settings.has("model")) {
        throw new FileFormatException(file, "not a tokenizer: has no model");
      }
      return settings;
    } catch (JsonProcessingException e) {
      throw new FileFormatException(
          file, "not a tokenizer: not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static byte[] unlimited(ObjectNode settings) throws IOException {
    settings.putNull("truncation");
    settings.putNull("padding");
    return MAPPER.writeValueAsBytes(settings);
  }

  /**
   * The first name of every id that has several; which one the library would take is left to
   * chance.
   */
  private static Map<Integer, String> properNames(JsonNode vocabulary) {
    Map<Integer, String> first = new HashMap<>();
    Map<Integer, String> ambiguous = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      int id = entry.getValue().asInt();
      String proper = first.putIfAbsent(id, entry.getKey());
      if (proper != null) {
        ambiguous.put(id, proper);
      }
    }
    return Map.copyOf(ambiguous);
  }

  private static int[] endOfTextIds(ObjectNode settings) {
    return settings
        .path("added_tokens")
        .valueStream()
        .filter(token -> ENDS.contains(token.path("content").asText()))
        .mapToInt(token -> token.path("id").asInt())
        .toArray();
  }

  private static void setUnlessGiven(String name, String value) {
    if (System.getProperty(name) == null && System.getenv(name) == null) {
      System.setProperty(name, value);
    }
  }

  /**
   * The text of one token as it stands inside a text: with the space before it, if it has one.
   * Bytes that are no UTF-8 by themselves become U+FFFD; an unknown id has no text.
   *
   * @param id at least 0
   */
  public synchronized String tokenText(int id) {
    if (tokenizer == null) {
      throw new ClosedException("the tokenizer " + file + " is closed");
    }
    // Decoders drop the space that begins a text, so the token's second occurrence is looked at.
    String one = tokenizer.decode(new long[] {id}, false);
    String two = tokenizer.decode(new long[] {id, id}, false);
    return two.startsWith(one) ? two.substring(one.length()) : one;
  }

  /** Path the tokenizer was read from. */
  public Path file() {
    return file;
  }

  /** The tokens of a text, with the special tokens that the tokenizer adds around it. */
  public synchronized EncodedText encode(String text) {
    if (tokenizer == null) {
      throw new ClosedException("the tokenizer " + file + " is closed");
    }
    Encoding encoding = tokenizer.encode(text, true, false);
    long[] ids = encoding.getIds();
    long[] mask = encoding.getSpecialTokenMask();
    CharSpan[] spans = encoding.getCharTokenSpans();
    CodePoints codePoints = new CodePoints(text);
    int size = ids.length;
    int[] tokenIds = new int[size];
    int[] starts = new int[size];
    int[] ends = new int[size];
    boolean[] special = new boolean[size];
    for (int i = 0; i < size; i++) {
      tokenIds[i] = Math.toIntExact(ids[i]);
      special[i] = mask[i] != 0;
      boolean placed = spans[i] != null && !special[i];
      starts[i] = placed ? codePoints.charIndex(spans[i].getStart()) : -1;
      ends[i] = placed ? codePoints.charIndex(spans[i].getEnd()) : -1;
    }
    String[] pieces = encoding.getTokens();
    if (!properNames.isEmpty()) {
      Arrays.setAll(pieces, i -> properNames.getOrDefault(tokenIds[i], pieces[i]));
    }
    return new EncodedText(tokenIds, pieces, starts, ends, special);
  }

  /**
   * The tokens of a text that is to be continued: as {@link #encode}, but without special tokens
   * after the text.
   */
  public int[] encodePrompt(String text) {
    EncodedText encoded = encode(text);
    int size = encoded.size();
    // A text without tokens of its own still has those that begin it.
    while (size > 1 && encoded.special()[size - 1]) {
      size--;
    }
    return Arrays.copyOf(encoded.ids(), size);
  }

  /**
   * The text of tokens, without special ones. Bytes that are no UTF-8 become U+FFFD.
   *
   * @param ids each at least 0; ids that the tokenizer does not know are left out
   */
  public synchronized String decode(int[] ids) {
    if (tokenizer == null) {
      throw new ClosedException("the tokenizer " + file + " is closed");
    }
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), true);
  }

  /**
   * The tokens that end a text or a turn, by the names that well-known models give them ({@code
   * </s>}, {@code <|endoftext|>}, …); empty if there are none.
   */
  public int[] endOfTextIds() {
    return endOfTextIds.clone();
  }

  @Override
  public synchronized void close() {
    if (tokenizer != null) {
      tokenizer.close();
      tokenizer = null;
    }
  }
}
