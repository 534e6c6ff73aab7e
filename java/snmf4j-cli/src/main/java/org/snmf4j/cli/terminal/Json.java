package org.snmf4j.cli.terminal;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.JsonGeneratorDelegate;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/** Writes results for programs: exactly one JSON object and a line break. */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  /** Prints {@code value} as JSON; numbers that are not finite become null. */
  public static void print(Console console, Object value) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = new Finite(MAPPER.getFactory().createGenerator(text))) {
      MAPPER.writeValue(generator, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    console.out().println(text);
    console.out().flush();
  }

  /** JSON knows no NaN and no infinity; null is what a strict parser reads. */
  private static final class Finite extends JsonGeneratorDelegate {
    Finite(JsonGenerator target) {
      super(target, false);
    }

    @Override
    public void writeNumber(double value) throws IOException {
      if (Double.isFinite(value)) {
        super.writeNumber(value);
      } else {
        writeNull();
      }
    }

    @Override
    public void writeNumber(float value) throws IOException {
      if (Float.isFinite(value)) {
        super.writeNumber(value);
      } else {
        writeNull();
      }
    }

    @Override
    public void writeArray(double[] values, int offset, int length) throws IOException {
      writeStartArray();
      for (int i = offset; i < offset + length; i++) {
        writeNumber(values[i]);
      }
      writeEndArray();
    }
  }
}
