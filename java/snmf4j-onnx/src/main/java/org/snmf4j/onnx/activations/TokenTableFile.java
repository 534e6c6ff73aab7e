package org.snmf4j.onnx.activations;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;

/**
 * The token table as JSON: the sentences, then each property of all tokens as one array.
 *
 * <pre>
 * {"sentences": [{"text": …, "label": …}, …],
 *  "id": […], "piece": […], "start": […], "end": […], "sentence": […], "position": […]}
 * </pre>
 */
final class TokenTableFile {
  static final String FILE = "tokens.json";

  private static final JsonFactory FACTORY = new JsonFactory();

  private TokenTableFile() {}

  static void write(Path file, TokenTable tokens) throws IOException {
    try (JsonGenerator json = FACTORY.createGenerator(file.toFile(), JsonEncoding.UTF8)) {
      json.writeStartObject();
      json.writeArrayFieldStart("sentences");
      for (TokenTable.Sentence sentence : tokens.sentences()) {
        json.writeStartObject();
        json.writeStringField("text", sentence.text());
        json.writeStringField("label", sentence.label());
        json.writeEndObject();
      }
      json.writeEndArray();
      integers(json, "id", tokens.size(), tokens::id);
      json.writeArrayFieldStart("piece");
      for (int i = 0; i < tokens.size(); i++) {
        json.writeString(tokens.piece(i));
      }
      json.writeEndArray();
      integers(json, "start", tokens.size(), tokens::start);
      integers(json, "end", tokens.size(), tokens::end);
      integers(json, "sentence", tokens.size(), tokens::sentence);
      integers(json, "position", tokens.size(), tokens::position);
      json.writeEndObject();
    }
  }

  private static void integers(JsonGenerator json, String name, int count, IntUnaryOperator value)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (int i = 0; i < count; i++) {
      json.writeNumber(value.applyAsInt(i));
    }
    json.writeEndArray();
  }

  /** Reads exactly what {@link #write} writes, for {@code size} tokens. */
  static TokenTable read(Path file, int size) {
    try (JsonParser json = FACTORY.createParser(file.toFile())) {
      return new Reader(file, json, size).read();
    } catch (JsonProcessingException e) {
      throw new FileFormatException(file, "malformed or cut short: " + e.getOriginalMessage(), e);
    } catch (NoSuchFileException | java.io.FileNotFoundException e) {
      if (Files.exists(file)) {
        throw new FileAccessException("read", file, e);
      }
      throw new FileFormatException(file, "missing from its activation store", e);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  private static final class Reader {
    private final Path file;
    private final JsonParser json;
    private final int size;

    Reader(Path file, JsonParser json, int size) {
      this.file = file;
      this.json = json;
      this.size = size;
    }

    TokenTable read() throws IOException {
      TokenTable.Builder table = new TokenTable.Builder();
      expect(json.nextToken(), JsonToken.START_OBJECT, "the top level");
      int sentences = sentences(table);
      int[] ids = integers("id", 0, Integer.MAX_VALUE);
      String[] pieces = pieces();
      int[] starts = integers("start", -1, Integer.MAX_VALUE);
      int[] ends = integers("end", -1, Integer.MAX_VALUE);
      int[] owners = integers("sentence", 0, sentences - 1);
      int[] positions = integers("position", 0, Integer.MAX_VALUE);
      expect(json.nextToken(), JsonToken.END_OBJECT, "the end");
      if (json.nextToken() != null) {
        throw new FileFormatException(file, "goes on after its end");
      }
      for (int i = 0; i < size; i++) {
        table.addToken(ids[i], pieces[i], starts[i], ends[i], owners[i], positions[i]);
      }
      return table.build();
    }

    private int sentences(TokenTable.Builder table) throws IOException {
      open("sentences");
      int count = 0;
      while (json.nextToken() != JsonToken.END_ARRAY) {
        expect(json.currentToken(), JsonToken.START_OBJECT, "sentence " + count);
        String text = nullable("text");
        String label = nullable("label");
        expect(json.nextToken(), JsonToken.END_OBJECT, "the end of sentence " + count);
        table.addSentence(text, label);
        count++;
      }
      return count;
    }

    private String nullable(String name) throws IOException {
      field(name);
      return text(json.nextToken(), name);
    }

    private String text(JsonToken token, String what) throws IOException {
      if (token == JsonToken.VALUE_NULL) {
        return null;
      }
      expect(token, JsonToken.VALUE_STRING, what);
      return json.getText();
    }

    private int[] integers(String name, int least, int most) throws IOException {
      open(name);
      int[] values = new int[Math.min(size, 1024)];
      int count = 0;
      while (json.nextToken() != JsonToken.END_ARRAY) {
        requireRoom(name, count);
        expect(json.currentToken(), JsonToken.VALUE_NUMBER_INT, name + " " + count);
        int value = json.getIntValue();
        if (value < least || value > most) {
          throw new FileFormatException(
              file,
              name
                  + " "
                  + count
                  + " is "
                  + value
                  + " but must be between "
                  + least
                  + " and "
                  + most);
        }
        if (count == values.length) {
          values = Arrays.copyOf(values, Math.min(size, 2 * count));
        }
        values[count++] = value;
      }
      requireComplete(name, count);
      return values;
    }

    private String[] pieces() throws IOException {
      open("piece");
      String[] values = new String[Math.min(size, 1024)];
      int count = 0;
      while (json.nextToken() != JsonToken.END_ARRAY) {
        requireRoom("piece", count);
        if (count == values.length) {
          values = Arrays.copyOf(values, Math.min(size, 2 * count));
        }
        values[count] = text(json.currentToken(), "piece " + count);
        count++;
      }
      requireComplete("piece", count);
      return values;
    }

    private void requireRoom(String name, int count) {
      if (count == size) {
        throw new FileFormatException(
            file, "'" + name + "' has more elements than the manifest has tokens (" + size + ")");
      }
    }

    private void requireComplete(String name, int count) {
      if (count < size) {
        throw new FileFormatException(
            file, "'" + name + "' has " + count + " elements but the manifest " + size + " tokens");
      }
    }

    private void open(String name) throws IOException {
      field(name);
      expect(json.nextToken(), JsonToken.START_ARRAY, "'" + name + "'");
    }

    private void field(String name) throws IOException {
      if (json.nextToken() != JsonToken.FIELD_NAME || !json.currentName().equals(name)) {
        throw new FileFormatException(
            file, "has " + json.currentToken() + " where field '" + name + "' must be");
      }
    }

    private void expect(JsonToken found, JsonToken wanted, String what) {
      if (found != wanted) {
        throw new FileFormatException(
            file, what + " is " + (found == null ? "missing" : found) + " but must be " + wanted);
      }
    }
  }
}
