package org.snmf4j.onnx.llama2c;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Writes a llama2.c tokenizer as a byte-pair model: merges in the order of their scores. */
final class TokenizerJson {
  /** llama2.c merges nothing that scores less. */
  private static final float LOWEST_SCORE = -1e10f;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Llama2cTokenizer tokenizer;
  private final TokenNames names;

  TokenizerJson(Llama2cTokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.names = new TokenNames(tokenizer);
  }

  private record Merge(int left, int right, float score, int leftLength) {}

  byte[] bytes() {
    ObjectNode root = JSON.objectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (int id = 0; id < Llama2cTokenizer.FIRST_BYTE; id++) {
      added.add(special(id));
    }
    root.set("normalizer", normalizer());
    root.putNull("pre_tokenizer");
    root.set("post_processor", postProcessor());
    // The model first: deriving its merges finds out which names the decoder must undo.
    ObjectNode model = model();
    root.set("decoder", decoder());
    root.set("model", model);
    try {
      return new JsonMapper().writeValueAsBytes(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ObjectNode special(int id) {
    return JSON.objectNode()
        .put("id", id)
        .put("content", TokenNames.special(id))
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", true)
        .put("special", true);
  }

  /**
   * Puts the leading space before any text but the empty one.
   *
   * <p>Special tokens are looked for in their normalized form, and that of {@code <s>} is made one
   * that no text contains, unless the text is {@code <s>} and nothing else: llama2.c knows no
   * special tokens in texts.
   */
  private static ObjectNode normalizer() {
    ObjectNode sequence = JSON.objectNode().put("type", "Sequence");
    ArrayNode steps = sequence.putArray("normalizers");
    steps.addObject().put("type", "Prepend").put("prepend", " ");
    for (int id = 0; id < Llama2cTokenizer.FIRST_BYTE; id++) {
      String name = TokenNames.special(id);
      ObjectNode hide = steps.addObject().put("type", "Replace");
      hide.putObject("pattern").put("Regex", "\\A " + name + "\\z");
      hide.put("content", TokenNames.MARK + name + TokenNames.MARK);
    }
    return sequence;
  }

  private static ObjectNode postProcessor() {
    String begin = TokenNames.special(Llama2cTokenizer.BEGIN);
    ObjectNode template = JSON.objectNode().put("type", "TemplateProcessing");
    ArrayNode single = template.putArray("single");
    ArrayNode pair = template.putArray("pair");
    for (int type = 0; type < 2; type++) {
      for (ArrayNode target : type == 0 ? List.of(single, pair) : List.of(pair)) {
        target.addObject().putObject("SpecialToken").put("id", begin).put("type_id", type);
        target
            .addObject()
            .putObject("Sequence")
            .put("id", "AB".substring(type, type + 1))
            .put("type_id", type);
      }
    }
    ObjectNode token = template.putObject("special_tokens").putObject(begin);
    token.put("id", begin);
    token.putArray("ids").add(Llama2cTokenizer.BEGIN);
    token.putArray("tokens").add(begin);
    return template;
  }

  private ObjectNode decoder() {
    ObjectNode sequence = JSON.objectNode().put("type", "Sequence");
    ArrayNode steps = sequence.putArray("decoders");
    if (names.marked()) {
      replace(steps, "Regex", "\\A" + TokenNames.MARK + "[0-9]+" + TokenNames.MARK, "");
    }
    // Which of its names the library gives an id is left to chance, so all are undone.
    names.characterBytes().stream()
        .forEach(
            value ->
                replace(
                    steps,
                    "Regex",
                    "\\A" + Character.toString(value) + "\\z",
                    Llama2cTokenizer.byteName(value)));
    steps.addObject().put("type", "ByteFallback");
    names.mergedBytes().stream()
        .forEach(
            value ->
                replace(
                    steps, "String", Llama2cTokenizer.byteName(value), Character.toString(value)));
    steps.addObject().put("type", "Fuse");
    steps.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    return sequence;
  }

  private static void replace(ArrayNode steps, String kind, String pattern, String content) {
    ObjectNode step = steps.addObject().put("type", "Replace");
    step.putObject("pattern").put(kind, pattern);
    step.put("content", content);
  }

  private ObjectNode model() {
    ObjectNode model = JSON.objectNode().put("type", "BPE");
    model.putNull("dropout");
    model.put("unk_token", TokenNames.special(Llama2cTokenizer.UNKNOWN));
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", false);
    model.put("byte_fallback", true);
    model.put("ignore_merges", false);
    ArrayNode pairs = JSON.arrayNode();
    for (Merge merge : merges()) {
      pairs.addArray().add(names.of(merge.left())).add(names.of(merge.right()));
    }
    ObjectNode vocabulary = model.putObject("vocab");
    names.ids().forEach(vocabulary::put);
    model.set("merges", pairs);
    return model;
  }

  private List<Merge> merges() {
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < tokenizer.size(); id++) {
      String string = tokenizer.string(id);
      if (names.latest(string) != id || !(tokenizer.score(id) > LOWEST_SCORE)) {
        continue;
      }
      for (int cut = 1; cut < string.length(); cut++) {
        for (int left : parts(string.substring(0, cut))) {
          for (int right : parts(string.substring(cut))) {
            merges.add(new Merge(left, right, tokenizer.score(id), cut));
            names.merge(left, right, id);
          }
        }
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -merge.score())
            .thenComparing(merge -> -merge.leftLength()));
    return merges;
  }

  /** Every token that text can yield and that counts as this string when merges are sought. */
  private List<Integer> parts(String string) {
    List<Integer> parts = new ArrayList<>(2);
    Integer latest = names.latest(string);
    if (latest != null) {
      parts.add(latest);
    }
    int fallback = names.fallback(string);
    if (fallback >= 0 && latest != null && latest != fallback) {
      parts.add(fallback);
    }
    return parts;
  }
}
