package org.snmf4j.onnx.text;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.snmf4j.error.FileAccessException;

/** Reads data sets in plain text, a sentence per line. */
final class TextDataSets {
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private TextDataSets() {}

  static List<DataSet.Sentence> read(Path file) {
    List<DataSet.Sentence> sentences = new ArrayList<>();
    try (BufferedReader reader = reader(file)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (!line.isBlank()) {
          sentences.add(new DataSet.Sentence(line, null));
        }
      }
    } catch (CharacterCodingException e) {
      throw new DataSetException(file, "not UTF-8", e);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
    return sentences;
  }

  /** A strict UTF-8 reader, past the byte order mark that some editors write. */
  static BufferedReader reader(Path file) throws IOException {
    BufferedReader reader = Files.newBufferedReader(file);
    try {
      reader.mark(1);
      if (reader.read() != BYTE_ORDER_MARK) {
        reader.reset();
      }
      return reader;
    } catch (IOException e) {
      reader.close();
      throw e;
    }
  }
}
