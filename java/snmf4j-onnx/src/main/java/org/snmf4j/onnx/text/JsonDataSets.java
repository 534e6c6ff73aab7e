package org.snmf4j.onnx.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.error.FileAccessException;

/** Reads data sets in JSON: a list of labelled prompts, or a map from labels to prompts. */
final class JsonDataSets {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonDataSets() {}

  static List<DataSet.Sentence> read(Path file) {
    JsonNode root = parse(file);
    if (root.isArray()) {
      return list(file, root);
    }
    if (root.isObject()) {
      return map(file, root);
    }
    throw new DataSetException(
        file,
        root.isMissingNode()
            ? "holds no sentence: the file is empty"
            : "its top level is " + kind(root) + " but must be a list or an object");
  }

  private static JsonNode parse(Path file) {
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      return MAPPER.readTree(reader);
    } catch (JsonProcessingException e) {
      throw new DataSetException(
          file,
          "not JSON: "
              + e.getOriginalMessage()
              + (e.getLocation() == null
                  ? ""
                  : " (line "
                      + e.getLocation().getLineNr()
                      + ", column "
                      + e.getLocation().getColumnNr()
                      + ")"),
          e);
    } catch (CharacterCodingException e) {
      throw new DataSetException(file, "not UTF-8", e);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  private static List<DataSet.Sentence> list(Path file, JsonNode entries) {
    List<DataSet.Sentence> sentences = new ArrayList<>(entries.size());
    for (JsonNode entry : entries) {
      int number = sentences.size();
      if (!entry.isObject()) {
        throw new DataSetException(
            file, number, "is " + kind(entry) + " but must be an object with a prompt or a text");
      }
      if (entry.has("prompt") == entry.has("text")) {
        throw new DataSetException(
            file,
            number,
            entry.has("prompt")
                ? "has both a prompt and a text but must have one of them"
                : "has neither a prompt nor a text");
      }
      String key = entry.has("prompt") ? "prompt" : "text";
      String text = string(file, number, entry.get(key), key);
      JsonNode label = entry.path("label");
      boolean labelled = !label.isMissingNode() && !label.isNull();
      sentences.add(
          DataSet.sentence(
              file, number, text, labelled ? string(file, number, label, "label") : null));
    }
    return sentences;
  }

  private static List<DataSet.Sentence> map(Path file, JsonNode labels) {
    List<DataSet.Sentence> sentences = new ArrayList<>();
    for (Map.Entry<String, JsonNode> label : labels.properties()) {
      if (!label.getValue().isArray()) {
        throw new DataSetException(
            file,
            sentences.size(),
            "the value of label '"
                + label.getKey()
                + "' is "
                + kind(label.getValue())
                + " but must be a list of prompts");
      }
      for (JsonNode prompt : label.getValue()) {
        int number = sentences.size();
        String text = string(file, number, prompt, "prompt of label '" + label.getKey() + "'");
        sentences.add(DataSet.sentence(file, number, text, label.getKey()));
      }
    }
    return sentences;
  }

  private static String string(Path file, int number, JsonNode value, String what) {
    if (!value.isTextual()) {
      throw new DataSetException(
          file, number, "its " + what + " is " + kind(value) + " but must be a string");
    }
    return value.textValue();
  }

  private static String kind(JsonNode value) {
    JsonNodeType type = value.getNodeType();
    return switch (type) {
      case ARRAY -> "a list";
      case OBJECT -> "an object";
      case NULL -> "null";
      default -> "a " + type.name().toLowerCase(Locale.ROOT);
    };
  }
}
