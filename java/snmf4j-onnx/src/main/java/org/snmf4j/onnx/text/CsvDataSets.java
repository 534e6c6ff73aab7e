package org.snmf4j.onnx.text;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.snmf4j.error.FileAccessException;

/** Reads data sets in CSV (RFC 4180) with a header. */
final class CsvDataSets {
  private static final CSVFormat FORMAT =
      CSVFormat.RFC4180
          .builder()
          .setHeader()
          .setSkipHeaderRecord(true)
          .setIgnoreEmptyLines(true)
          .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW)
          .get();

  private CsvDataSets() {}

  static List<DataSet.Sentence> read(Path file) {
    List<DataSet.Sentence> sentences = new ArrayList<>();
    try (BufferedReader reader = TextDataSets.reader(file);
        CSVParser parser = FORMAT.parse(reader)) {
      List<String> header = parser.getHeaderNames();
      if (header.contains("prompt") == header.contains("text")) {
        throw new DataSetException(
            file, "its header is " + header + " but must have one column 'prompt' or 'text'");
      }
      String key = header.contains("prompt") ? "prompt" : "text";
      boolean labelled = header.contains("label");
      for (CSVRecord row : parser) {
        int number = sentences.size();
        if (!row.isConsistent()) {
          throw new DataSetException(
              file, number, "has " + row.size() + " fields but the header " + header.size());
        }
        String label = labelled ? row.get("label") : "";
        sentences.add(DataSet.sentence(file, number, row.get(key), label.isBlank() ? null : label));
      }
    } catch (CharacterCodingException e) {
      throw new DataSetException(file, "not UTF-8", e);
    } catch (CSVException e) {
      throw malformed(file, sentences.size(), e);
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof CharacterCodingException) {
        throw new DataSetException(file, "not UTF-8", e);
      }
      throw malformed(file, sentences.size(), e);
    } catch (IllegalArgumentException e) {
      // The parser's answer to a header with a name twice or without one.
      throw new DataSetException(file, "not CSV: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
    return sentences;
  }

  private static DataSetException malformed(Path file, int number, Exception cause) {
    return new DataSetException(
        file, "not CSV after entry " + (number - 1) + ": " + cause.getMessage(), cause);
  }
}
