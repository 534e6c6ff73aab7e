package org.snmf4j.onnx.text;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * Sentences, each perhaps with a label. Immutable and safe for use by several threads.
 *
 * <p>File formats, told by the file's extension, all in UTF-8:
 *
 * <ul>
 *   <li>{@code .json}: a list of objects {@code {"prompt"|"text": string, "label": string}}, the
 *       label optional; or an object that maps a label to a list of prompts
 *   <li>{@code .csv}: a header with {@code prompt} or {@code text} and perhaps {@code label}; other
 *       columns are ignored
 *   <li>{@code .txt}: a sentence per line; blank lines are skipped
 * </ul>
 */
public final class DataSet {
  private final List<Sentence> sentences;

  /**
   * A sentence of a data set.
   *
   * @param text not blank
   * @param label the concept it stands for, or null
   */
  public record Sentence(String text, String label) {
    public Sentence {
      if (text == null || text.isBlank()) {
        throw new InvalidArgumentException(
            "text", text == null ? null : "'" + text + "'", "a text that is not blank");
      }
    }
  }

  private DataSet(List<Sentence> sentences) {
    this.sentences = List.copyOf(sentences);
  }

  /**
   * A data set of the given sentences.
   *
   * @param sentences at least one
   */
  public static DataSet of(List<Sentence> sentences) {
    if (sentences.isEmpty()) {
      throw new InvalidArgumentException("sentences", "empty", "at least one sentence");
    }
    return new DataSet(sentences);
  }

  /**
   * Reads a file.
   *
   * @throws DataSetException if it is empty or malformed, or an entry's text is missing or blank
   * @throws FileAccessException if it cannot be read
   */
  public static DataSet read(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    List<Sentence> sentences;
    if (name.endsWith(".json")) {
      sentences = JsonDataSets.read(file);
    } else if (name.endsWith(".csv")) {
      sentences = CsvDataSets.read(file);
    } else if (name.endsWith(".txt")) {
      sentences = TextDataSets.read(file);
    } else {
      throw new DataSetException(
          file, "data sets end in .json, .csv or .txt; this name tells no format");
    }
    if (sentences.isEmpty()) {
      throw new DataSetException(file, "holds no sentence");
    }
    return new DataSet(sentences);
  }

  /** The sentences in the order of the file. */
  public List<Sentence> sentences() {
    return sentences;
  }

  /** Number of sentences. */
  public int size() {
    return sentences.size();
  }

  /** Whether at least one sentence has a label. */
  public boolean isLabelled() {
    return sentences.stream().anyMatch(sentence -> sentence.label() != null);
  }

  static Sentence sentence(Path file, long entry, String text, String label) {
    if (text.isBlank()) {
      throw new DataSetException(file, entry, "its text is '" + text + "' but must not be blank");
    }
    return new Sentence(text, label);
  }
}
