package org.snmf4j.onnx.activations;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * The table of contents of a store.
 *
 * @param model the model that the activations come from
 * @param tokens n
 * @param labelled whether at least one sentence has a label
 * @param files an entry per site and layer
 */
record Manifest(ModelSource model, int tokens, boolean labelled, List<StoredFile> files) {
  static final String FILE = "manifest.json";

  private static final String FORMAT = "snmf4j-activations";
  private static final int VERSION = 1;
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  void write(Path file) throws IOException {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("format", FORMAT).put("version", VERSION);
    root.putObject("model").put("file", model.file()).put("sha256", model.sha256());
    root.put("tokens", tokens).put("labelled", labelled);
    ArrayNode entries = root.putArray("activations");
    for (StoredFile stored : files) {
      entries
          .addObject()
          .put("site", stored.site().id())
          .put("layer", stored.layer())
          .put("dimension", stored.dimension())
          .put("file", stored.name());
    }
    MAPPER.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), root);
  }

  /** Whether a directory holds a manifest of this format, whatever its version. */
  static boolean isIn(Path directory) {
    try {
      return FORMAT.equals(
          MAPPER.readTree(Files.readAllBytes(directory.resolve(FILE))).path("format").asText());
    } catch (IOException e) {
      return false;
    }
  }

  static Manifest read(Path file) {
    JsonNode root;
    try {
      root = MAPPER.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new FileFormatException(file, "not JSON: " + e.getOriginalMessage(), e);
    } catch (NoSuchFileException e) {
      throw new FileFormatException(
          file.toAbsolutePath().getParent(), "no activation store: it has no " + FILE, e);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
    if (!FORMAT.equals(root.path("format").asText())) {
      throw new FileFormatException(file, "its format is not '" + FORMAT + "'");
    }
    if (integer(file, root, "version", 1) != VERSION) {
      throw new FileFormatException(
          file, "its version is " + root.path("version") + " but must be " + VERSION);
    }
    JsonNode model = root.path("model");
    ModelSource source =
        new ModelSource(string(file, model, "file"), string(file, model, "sha256"));
    int tokens = integer(file, root, "tokens", 1);
    if (!root.path("labelled").isBoolean()) {
      throw new FileFormatException(file, "'labelled' is missing or no boolean");
    }
    List<StoredFile> files = files(file, root.path("activations"));
    return new Manifest(source, tokens, root.path("labelled").booleanValue(), files);
  }

  private static List<StoredFile> files(Path file, JsonNode entries) {
    List<StoredFile> files = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonNode entry : entries) {
      Site site;
      try {
        site = Site.of(string(file, entry, "site"));
      } catch (InvalidArgumentException e) {
        throw new FileFormatException(file, e.getMessage(), e);
      }
      StoredFile stored =
          new StoredFile(
              site, integer(file, entry, "layer", 0), integer(file, entry, "dimension", 1));
      if (!stored.name().equals(string(file, entry, "file"))) {
        throw new FileFormatException(
            file,
            "'file' is '" + entry.path("file").asText() + "' but must be '" + stored.name() + "'");
      }
      if (!names.add(stored.name())) {
        throw new FileFormatException(file, "lists " + stored.name() + " twice");
      }
      files.add(stored);
    }
    if (files.isEmpty()) {
      throw new FileFormatException(file, "'activations' is missing or empty");
    }
    return List.copyOf(files);
  }

  private static String string(Path file, JsonNode parent, String name) {
    JsonNode value = parent.path(name);
    if (!value.isTextual()) {
      throw new FileFormatException(file, "'" + name + "' is missing or no string");
    }
    return value.textValue();
  }

  private static int integer(Path file, JsonNode parent, String name, int least) {
    JsonNode value = parent.path(name);
    if (!value.isInt() || value.intValue() < least) {
      throw new FileFormatException(
          file,
          "'"
              + name
              + "' is "
              + (value.isMissingNode() ? "missing" : value)
              + " but must be an integer of at least "
              + least);
    }
    return value.intValue();
  }
}
